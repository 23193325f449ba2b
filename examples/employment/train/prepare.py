"""Cuts the committed sample out of the employment data that the PyPI package nannyml carries.

usage: python prepare.py <folder with employment_MA_{reference,analysis,analysis_target}.pq>

The reference year (2015) is permuted with a fixed seed; the first rows of the permutation become the training rows, the
next the baseline rows, the next the held-out rows, so no row is in two of them and all three follow one distribution.
Of each later year a random sample is taken, in random order, and the years follow each other. The order of the source file
would not do: it lists the residents of institutions and dormitories (RELP 16 and 17) together, at the end of 2017 and at the
beginning of 2018, which is an order of writing and no change of the population.
"""
import gzip
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from columns import COLUMNS

SEED = 20151231
TRAINING, BASELINE, HELD_OUT = 8_000, 7_000, 15_000
PER_LATER_YEAR = 10_000
OUT = Path(__file__).parent.parent / 'data'


def write(name: str, rows: pd.DataFrame) -> None:
    """CSV in gzip without a time stamp, so that the same rows give the same bytes."""
    text = rows[list(COLUMNS)].to_csv(index=False, lineterminator='\n')
    packed = io.BytesIO()
    with gzip.GzipFile(filename='', mode='wb', fileobj=packed, compresslevel=9, mtime=0) as file:
        file.write(text.encode())
    (OUT / name).write_bytes(packed.getvalue())
    print(f'{name}: {len(rows)} rows, {len(packed.getvalue())} bytes')


def main(source: Path) -> None:
    reference = pd.read_parquet(source / 'employment_MA_reference.pq')
    later = pd.read_parquet(source / 'employment_MA_analysis.pq').merge(
        pd.read_parquet(source / 'employment_MA_analysis_target.pq'), on='id', how='left', validate='one_to_one')
    random = np.random.default_rng(SEED)

    permutation = random.permutation(len(reference))
    start = 0
    for name, size in (('training', TRAINING), ('baseline', BASELINE), ('held-out', HELD_OUT)):
        write(f'{name}.csv.gz', reference.iloc[permutation[start:start + size]])
        start += size

    samples = []
    for _, rows in later.groupby('year', sort=True):
        samples.append(rows.iloc[random.permutation(len(rows))[:PER_LATER_YEAR]])
    write('later-years.csv.gz', pd.concat(samples))


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: python prepare.py <folder with the employment_MA_*.pq files>')
    main(Path(sys.argv[1]))
