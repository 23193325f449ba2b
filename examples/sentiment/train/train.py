"""Trains the classifier on data/training.csv.gz and writes model/ and train/report.json.

usage: python train.py

The model is a bag of word pieces: embedding -> mean over the tokens -> dense with tanh -> two logits. It is trained with plain
numpy and written with onnx.helper, with the inputs and the output that a DistilBERT for text classification has, so that
transformers.js loads it as one.
"""
import csv
import gzip
import json
from pathlib import Path

import numpy as np
import onnx
import tokenizers
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
DATA, MODEL = HERE.parent / 'data', HERE.parent / 'model'
LABELS = ('negative', 'positive')
PARAMETERS = {
    'vocabulary': 6_000, 'minimumFrequency': 2, 'dimensions': 24, 'hidden': 16, 'maximumTokens': 128,
    'epochs': 8, 'batch': 64, 'learningRate': 0.002, 'weightDecay': 0.05, 'tokenDropout': 0.5,
}
SEED = 7


def read(name: str) -> tuple[list[str], np.ndarray]:
    with gzip.open(DATA / f'{name}.csv.gz', 'rt', encoding='utf-8', newline='') as file:
        rows = list(csv.DictReader(file))
    return [row['text'] for row in rows], np.array([int(row['positive']) for row in rows])


def make_tokenizer(texts: list[str]) -> Tokenizer:
    tokenizer = Tokenizer(models.WordPiece(unk_token='[UNK]', max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(texts, trainers.WordPieceTrainer(
        vocab_size=PARAMETERS['vocabulary'], min_frequency=PARAMETERS['minimumFrequency'],
        special_tokens=['[PAD]', '[UNK]', '[CLS]', '[SEP]'], show_progress=False))
    tokenizer.post_processor = processors.TemplateProcessing(
        single='[CLS] $A [SEP]', pair='[CLS] $A [SEP] $B:1 [SEP]:1', special_tokens=[('[CLS]', 2), ('[SEP]', 3)])
    tokenizer.enable_truncation(PARAMETERS['maximumTokens'])
    tokenizer.enable_padding(pad_id=0, pad_token='[PAD]')
    return tokenizer


def encode(tokenizer: Tokenizer, texts: list[str]) -> tuple[np.ndarray, np.ndarray]:
    encoded = tokenizer.encode_batch(texts)
    return np.array([item.ids for item in encoded]), np.array([item.attention_mask for item in encoded], np.float32)


def forward(weights: dict[str, np.ndarray], ids: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, ...]:
    share = mask / np.maximum(mask.sum(1, keepdims=True), 1)
    pooled = np.einsum('nl,nld->nd', share, weights['embedding'][ids])
    hidden = np.tanh(pooled @ weights['dense'] + weights['dense_bias'])
    logits = hidden @ weights['output'] + weights['output_bias']
    return share, pooled, hidden, logits


def softmax(logits: np.ndarray) -> np.ndarray:
    exponentials = np.exp(logits - logits.max(1, keepdims=True))
    return exponentials / exponentials.sum(1, keepdims=True)


def train(ids: np.ndarray, mask: np.ndarray, labels: np.ndarray, size: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(SEED)
    d, h = PARAMETERS['dimensions'], PARAMETERS['hidden']
    weights = {
        'embedding': random.normal(0, 0.1, (size, d)), 'dense': random.normal(0, 1 / np.sqrt(d), (d, h)),
        'dense_bias': np.zeros(h), 'output': random.normal(0, 1 / np.sqrt(h), (h, 2)), 'output_bias': np.zeros(2),
    }
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    step = 0
    for _ in range(PARAMETERS['epochs']):
        order = random.permutation(len(ids))
        for start in range(0, len(order), PARAMETERS['batch']):
            rows = order[start:start + PARAMETERS['batch']]
            kept = mask[rows] * (random.random(mask[rows].shape) >= PARAMETERS['tokenDropout'])
            share, pooled, hidden, logits = forward(weights, ids[rows], kept)
            slope = softmax(logits)
            slope[np.arange(len(rows)), labels[rows]] -= 1
            slope /= len(rows)
            back = (slope @ weights['output'].T) * (1 - hidden ** 2)
            into = back @ weights['dense'].T
            embedding = np.zeros_like(weights['embedding'])
            np.add.at(embedding, ids[rows], share[:, :, None] * into[:, None, :])
            gradients = {'embedding': embedding, 'dense': pooled.T @ back, 'dense_bias': back.sum(0),
                         'output': hidden.T @ slope, 'output_bias': slope.sum(0)}
            step += 1
            for name, gradient in gradients.items():
                first[name] = 0.9 * first[name] + 0.1 * gradient
                second[name] = 0.999 * second[name] + 0.001 * gradient ** 2
                adam = (first[name] / (1 - 0.9 ** step)) / (np.sqrt(second[name] / (1 - 0.999 ** step)) + 1e-8)
                weights[name] -= PARAMETERS['learningRate'] * (adam + PARAMETERS['weightDecay'] * weights[name])
    return {name: value.astype(np.float32) for name, value in weights.items()}


def to_onnx(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    tokens, rows = 'sequence_length', 'batch_size'
    constants = {**weights, 'last': np.array([2], np.int64), 'tokens': np.array([1], np.int64), 'one': np.array(1, np.float32)}
    nodes = [
        helper.make_node('Gather', ['embedding', 'input_ids'], ['embedded']),
        helper.make_node('Cast', ['attention_mask'], ['mask'], to=TensorProto.FLOAT),
        helper.make_node('Unsqueeze', ['mask', 'last'], ['mask_column']),
        helper.make_node('Mul', ['embedded', 'mask_column'], ['masked']),
        helper.make_node('ReduceSum', ['masked', 'tokens'], ['sum'], keepdims=0),
        helper.make_node('ReduceSum', ['mask', 'tokens'], ['token_count'], keepdims=1),
        helper.make_node('Max', ['token_count', 'one'], ['divisor']),
        helper.make_node('Div', ['sum', 'divisor'], ['pooled']),
        helper.make_node('Gemm', ['pooled', 'dense', 'dense_bias'], ['dense_sum']),
        helper.make_node('Tanh', ['dense_sum'], ['hidden']),
        helper.make_node('Gemm', ['hidden', 'output', 'output_bias'], ['logits']),
    ]
    graph = helper.make_graph(
        nodes, 'sentiment',
        [helper.make_tensor_value_info(name, TensorProto.INT64, [rows, tokens]) for name in ('input_ids', 'attention_mask')],
        [helper.make_tensor_value_info('logits', TensorProto.FLOAT, [rows, len(LABELS)])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def measure(weights: dict[str, np.ndarray], tokenizer: Tokenizer, name: str) -> dict[str, float]:
    texts, labels = read(name)
    probability = softmax(forward(weights, *encode(tokenizer, texts))[-1])[:, 1]
    predicted = probability > 0.5
    ranks = np.empty(len(labels))
    ranks[np.argsort(probability, kind='stable')] = np.arange(1, len(labels) + 1)
    positives, negatives = int(labels.sum()), int((1 - labels).sum())
    hits = int((predicted & (labels == 1)).sum())
    return {
        'accuracy': float((predicted == labels).mean()),
        'f1': 2 * hits / (int(predicted.sum()) + positives),
        'auc': float((ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)),
        'log_loss': float(-np.log(np.where(labels == 1, probability, 1 - probability)).mean()),
    }


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + '\n', 'utf-8')


def main() -> None:
    texts, labels = read('training')
    tokenizer = make_tokenizer(texts)
    weights = train(*encode(tokenizer, texts), labels, tokenizer.get_vocab_size())
    (MODEL / 'onnx').mkdir(parents=True, exist_ok=True)
    (MODEL / 'onnx' / 'model.onnx').write_bytes(to_onnx(weights).SerializeToString())
    tokenizer.save(str(MODEL / 'tokenizer.json'), pretty=False)
    write_json(MODEL / 'tokenizer_config.json', {
        'tokenizer_class': 'DistilBertTokenizer', 'do_lower_case': True, 'model_max_length': PARAMETERS['maximumTokens'],
        'pad_token': '[PAD]', 'unk_token': '[UNK]', 'cls_token': '[CLS]', 'sep_token': '[SEP]'})
    write_json(MODEL / 'config.json', {
        'architectures': ['DistilBertForSequenceClassification'], 'model_type': 'distilbert',
        'problem_type': 'single_label_classification', 'vocab_size': tokenizer.get_vocab_size(),
        'id2label': {str(i): name for i, name in enumerate(LABELS)},
        'label2id': {name: i for i, name in enumerate(LABELS)}})
    report = {
        'parameters': {'explicit': PARAMETERS, 'defaulted': {}},
        'seeds': {'split': 20140601, 'training': SEED},
        'versions': {'numpy': np.__version__, 'onnx': onnx.__version__, 'tokenizers': tokenizers.__version__},
        'metrics': measure(weights, tokenizer, 'held-out'),
        'otherDomain': {'product-reviews': measure(weights, tokenizer, 'product-reviews')},
    }
    write_json(HERE / 'report.json', report)
    print(json.dumps(report, indent=2))


if __name__ == '__main__':
    main()
