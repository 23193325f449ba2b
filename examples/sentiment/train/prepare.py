"""Cuts the committed texts out of the ratings that the source package of vaderSentiment carries.

usage: python prepare.py <folder with movieReviewSnippets_GroundTruth.txt and amazonReviewSnippets_GroundTruth.txt>

The movie snippets are permuted with a fixed seed and divided into training, baseline and held-out texts, so no text is in two
of them and all three follow one distribution. The product snippets are another domain: all are kept, in random order.
A snippet counts as positive when its mean rating, from -4 to 4, is above 0.
"""
import csv
import gzip
import io
import sys
from pathlib import Path

import numpy as np

SEED = 20140601
TRAINING, BASELINE = 5_000, 3_000
OUT = Path(__file__).parent.parent / 'data'

Row = tuple[str, float, int, str]


def read(path: Path) -> list[Row]:
    rows = []
    for line in path.read_text('utf-8').splitlines():
        identity, rating, text = line.split('\t')
        rows.append((identity, round(float(rating), 4), int(float(rating) > 0), text.strip()))
    return rows


def write(name: str, rows: list[Row]) -> None:
    """CSV in gzip without a time stamp, so that the same rows give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator='\n')
    writer.writerow(('id', 'rating', 'positive', 'text'))
    writer.writerows(rows)
    packed = io.BytesIO()
    with gzip.GzipFile(filename='', mode='wb', fileobj=packed, compresslevel=9, mtime=0) as file:
        file.write(text.getvalue().encode())
    (OUT / name).write_bytes(packed.getvalue())
    print(f'{name}: {len(rows)} rows, {len(packed.getvalue())} bytes')


def main(source: Path) -> None:
    random = np.random.default_rng(SEED)
    movies = read(source / 'movieReviewSnippets_GroundTruth.txt')
    movies = [movies[i] for i in random.permutation(len(movies))]
    write('training.csv.gz', movies[:TRAINING])
    write('baseline.csv.gz', movies[TRAINING:TRAINING + BASELINE])
    write('held-out.csv.gz', movies[TRAINING + BASELINE:])
    products = read(source / 'amazonReviewSnippets_GroundTruth.txt')
    write('product-reviews.csv.gz', [products[i] for i in random.permutation(len(products))])


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit('usage: python prepare.py <folder with the *_GroundTruth.txt files>')
    main(Path(sys.argv[1]))
