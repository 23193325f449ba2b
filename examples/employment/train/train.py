"""Trains the employment model on data/training.csv.gz and exports it to ONNX.

Writes model.onnx, train/report.json (parameters, seeds, versions and metrics, from which manifest.ts makes the manifest)
and test/fixtures/probabilities.json (what scikit-learn itself says about 50 held-out rows).

The graph takes one float tensor [rows, 16]: the age in years, then the codes as numbers. Imputation of a missing age (NaN)
and one-hot encoding are part of the graph; an unknown code is all zeros.
"""
import json
import platform
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import sklearn
import skl2onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, f1_score, log_loss, roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from columns import FEATURES, LABEL, NUMERIC
from prepare import SEED as SPLIT_SEED

SEED = 7
THRESHOLD = 0.5
PARAMETERS = {
    'encode': {'handle_unknown': 'ignore', 'sparse_output': False},
    'impute': {'strategy': 'median'},
    'classify': {'n_estimators': 120, 'max_depth': 4, 'learning_rate': 0.1, 'subsample': 0.8, 'random_state': SEED},
}
FIXTURE_ROWS = 50
HERE = Path(__file__).parent
HOME = HERE.parent


def read(name: str) -> tuple[np.ndarray, np.ndarray]:
    rows = pd.read_csv(HOME / 'data' / name)
    return rows[list(FEATURES)].to_numpy(np.float32), rows[LABEL].to_numpy()


def build() -> Pipeline:
    numeric = list(range(len(NUMERIC)))
    codes = list(range(len(NUMERIC), len(FEATURES)))
    return Pipeline([
        ('columns', ColumnTransformer([
            ('impute', SimpleImputer(**PARAMETERS['impute']), numeric),
            ('encode', OneHotEncoder(**PARAMETERS['encode']), codes),
        ])),
        ('classify', GradientBoostingClassifier(**PARAMETERS['classify'])),
    ])


def defaulted(model: Pipeline) -> dict:
    """Parameters that scikit-learn chose: everything that the code above did not set."""
    steps = {'impute': model['columns'].named_transformers_['impute'],
             'encode': model['columns'].named_transformers_['encode'], 'classify': model['classify']}
    return {name: {key: value if isinstance(value, (str, int, float, bool, type(None))) and value == value else str(value)
                   for key, value in step.get_params().items() if key not in PARAMETERS[name]}
            for name, step in steps.items()}


def main() -> None:
    x, y = read('training.csv.gz')
    model = build().fit(x, y)

    held_out, actual = read('held-out.csv.gz')
    probability = model.predict_proba(held_out)[:, 1]
    predicted = (probability > THRESHOLD).astype(int)
    metrics = {
        'accuracy': accuracy_score(actual, predicted),
        'f1': f1_score(actual, predicted),
        'auc': roc_auc_score(actual, probability),
        'log_loss': log_loss(actual, probability),
    }

    graph = skl2onnx.to_onnx(
        model, initial_types=[('features', FloatTensorType([None, len(FEATURES)]))], options={'zipmap': False}, target_opset=17)
    # skl2onnx invents a name at random; a fixed one gives the same bytes for the same model.
    graph.graph.name = 'employment'
    onnx.checker.check_model(graph)
    (HOME / 'model.onnx').write_bytes(graph.SerializeToString(deterministic=True))

    report = {
        'parameters': {'explicit': {**PARAMETERS, 'threshold': THRESHOLD}, 'defaulted': defaulted(model)},
        'seeds': {'split': SPLIT_SEED, 'training': SEED},
        'versions': {'python': platform.python_version(), 'scikit-learn': sklearn.__version__, 'numpy': np.__version__,
                     'pandas': pd.__version__, 'onnx': onnx.__version__, 'skl2onnx': skl2onnx.__version__},
        'metrics': {name: float(value) for name, value in metrics.items()},
        'rows': {'training': len(y), 'held-out': len(actual)},
        'imputed': {'AGEP': float(model['columns'].named_transformers_['impute'].statistics_[0])},
    }
    (HERE / 'report.json').write_text(json.dumps(report, indent=2) + '\n')

    fixture = {'made by': 'train/train.py', 'scikit-learn': sklearn.__version__, 'rows': 'the first rows of data/held-out.csv.gz',
               'probabilities': [float(value) for value in probability[:FIXTURE_ROWS]]}
    (HOME / 'test' / 'fixtures' / 'probabilities.json').write_text(json.dumps(fixture, indent=2) + '\n')
    print(json.dumps(report['metrics']), (HOME / 'model.onnx').stat().st_size, 'bytes')


if __name__ == '__main__':
    main()
