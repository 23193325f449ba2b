"""Says whether traffic drawn for ever from the held-out rows could raise a false alarm.

Every row l of the detector must have an expectation sum_i h_i exp(l_i) of at most 1 for the held-out shares h: then its
evidence is a supermartingale and the budget holds however long the traffic runs. Prints the worst row of each monitor;
exit code 1 when one exceeds 1.

usage: python check_false_alarms.py <baseline.json> <held-out-scored.csv> <folder of driftstats.py>
"""
import json
import sys

import numpy as np
import pandas as pd

OTHER_CELL = 1
SIGNIFICANT = 1 + 1e-9


def numeric_shares(values: pd.Series, bounds: list) -> np.ndarray:
    """Buckets are (lower, upper]: the cell is the number of bounds strictly below the value."""
    cells = np.searchsorted(np.asarray(bounds), values.to_numpy(float), side='left')
    return np.bincount(cells, minlength=len(bounds) + 1) / len(values)


def categorical_shares(values: pd.Series, categories: list) -> np.ndarray:
    index = {category: i for i, category in enumerate(categories)}
    cells = values.astype(str).map(lambda value: index.get(value, len(categories))).to_numpy()
    return np.bincount(cells, minlength=len(categories) + OTHER_CELL) / len(values)


def main(baseline_path: str, held_out_path: str, reference: str) -> int:
    sys.path.insert(0, reference)
    import driftstats as ds

    with open(baseline_path) as file:
        baseline = json.load(file)
    held_out = pd.read_csv(held_out_path, dtype={f['name']: str for f in baseline['features'] if f['kind'] != 'numeric'})
    predictions = baseline['predictions']
    positive = (predictions.get('decision') or {}).get('positiveClass', 'employed')
    confidence = np.where(held_out['prediction'] == positive, held_out['score'], 1 - held_out['score'])
    monitors = [(f['name'], f, held_out[f['name']]) for f in baseline['features']]
    for name, values in (('classes', held_out['prediction']), ('score', held_out['score']), ('confidence', pd.Series(confidence))):
        if name in predictions:
            monitors.append((f'prediction {name}', predictions[name], values))

    directions = sum(ds.direction_count('numeric' if 'bounds' in m else 'categorical', m['counts']) for _, m, _ in monitors)
    z_eta = ds.z_eta_for(directions)
    print(f'{len(monitors)} monitors, {directions} directions, zEta {z_eta:.4f}, {baseline["rows"]} baseline rows, {len(held_out)} held-out rows')

    worst = 0.0
    for name, monitor, values in monitors:
        counts = np.asarray(monitor['counts'], float)
        numeric = 'bounds' in monitor
        shares = numeric_shares(values, monitor['bounds']) if numeric else categorical_shares(values, monitor['categories'])
        rows, _, groups = (ds.numeric_rows if numeric else ds.categorical_rows)(counts, z_eta=z_eta)
        expectations = np.exp(rows) @ shares
        leading = int(np.argmax(expectations))
        worst = max(worst, float(expectations[leading]))
        print(f'  {name:20s} {len(rows):4d} rows, largest expectation {expectations[leading]:.6f} ({groups[leading]})')
    print(f'worst {worst:.6f}: {"no false alarm however long it runs" if worst <= SIGNIFICANT else "FALSE ALARMS TO BE EXPECTED"}')
    return 0 if worst <= SIGNIFICANT else 1


if __name__ == '__main__':
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
