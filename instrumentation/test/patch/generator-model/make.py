"""Writes the model beside it: a decoder that always says the next word of a fixed round, for tests of text generation.

usage: python make.py   (onnx==1.23.2, tokenizers==0.23.3, numpy==2.4.6)
"""
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

HERE = Path(__file__).parent
WORDS = ['[PAD]', '[UNK]', '[END]', 'one', 'two', 'three', 'four', 'five']
END = WORDS.index('[END]')

vocabulary = {word: i for i, word in enumerate(WORDS)}
tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token='[UNK]'))
tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
tokenizer.add_special_tokens(WORDS[:3])
tokenizer.save(str(HERE / 'tokenizer.json'))

table = np.zeros((len(WORDS), len(WORDS)), np.float32)
for token in range(len(WORDS)):
    table[token, END if token in (END, len(WORDS) - 1) else max(token + 1, END)] = 10
# The library wants to see a cache of keys and values grow, though nothing here attends to it.
cache = ('batch_size', 1, 'past_length', 2)
names = ('key', 'value')
shape = ('batch_size', 'sequence_length')
nodes = [helper.make_node('Gather', ['table', 'input_ids'], ['logits']),
         helper.make_node('Gather', ['nothing', 'input_ids'], ['rows']),
         helper.make_node('Unsqueeze', ['rows', 'heads'], ['new'])]
nodes += [helper.make_node('Concat', [f'past_key_values.0.{name}', 'new'], [f'present.0.{name}'], axis=2) for name in names]
graph = helper.make_graph(
    nodes, 'round',
    [helper.make_tensor_value_info('input_ids', TensorProto.INT64, shape),
     *(helper.make_tensor_value_info(f'past_key_values.0.{name}', TensorProto.FLOAT, cache) for name in names)],
    [helper.make_tensor_value_info('logits', TensorProto.FLOAT, [*shape, len(WORDS)]),
     *(helper.make_tensor_value_info(f'present.0.{name}', TensorProto.FLOAT, ('batch_size', 1, 'length', 2)) for name in names)],
    [numpy_helper.from_array(table, 'table'), numpy_helper.from_array(np.zeros((len(WORDS), 2), np.float32), 'nothing'),
     numpy_helper.from_array(np.array([1], np.int64), 'heads')])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)
onnx.checker.check_model(model)
(HERE / 'onnx' / 'model.onnx').write_bytes(model.SerializeToString())


def write(name: str, value: object) -> None:
    (HERE / name).write_text(json.dumps(value, indent=2) + '\n')


ids = {'eos_token_id': END, 'pad_token_id': 0, 'bos_token_id': END}
write('config.json', {'architectures': ['GPT2LMHeadModel'], 'model_type': 'gpt2', 'vocab_size': len(WORDS),
                      'n_layer': 1, 'n_head': 1, 'n_embd': 2, **ids})
write('generation_config.json', ids)
write('tokenizer_config.json', {'tokenizer_class': 'GPT2Tokenizer', 'model_max_length': 64, 'pad_token': '[PAD]',
                                'unk_token': '[UNK]', 'eos_token': '[END]'})
