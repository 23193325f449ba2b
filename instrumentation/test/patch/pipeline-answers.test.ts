import { describe, expect, it } from 'vitest'
import { countTokens, inputRows, readInputs } from '../../src/patch/pipeline-inputs.ts'
import { addEmbeddings, countGenerated, readAnswers } from '../../src/patch/pipeline-outputs.ts'

const binary = { labels: 2, multiLabel: false }
const answersOf = (task: string, input: unknown, answer: unknown, config = binary, positive: string | null = null) =>
  readAnswers(task, readInputs(task, input), answer, config, positive)

describe('inputs of pipelines', () => {
  it('are one row each in a list, and one row alone', () => {
    expect(readInputs('text-classification', 'a')).toEqual({ rows: 1, texts: ['a'], batched: false })
    expect(readInputs('translation_en_to_de', ['a', 'b'])).toEqual({ rows: 2, texts: ['a', 'b'], batched: true })
    expect(readInputs('image-classification', ['a.png', 'b.png'])).toEqual({ rows: 2, texts: null, batched: true })
  })

  it('are one row for a conversation, whose text is that of its messages', () => {
    const chat = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'image' }, { type: 'text', text: 'What is it?' }] },
    ]
    expect(readInputs('text-generation', chat)).toMatchObject({ rows: 1, texts: ['Be brief.\nWhat is it?'] })
    expect(readInputs('text-generation', [chat, chat])).toMatchObject({ rows: 2, batched: true })
  })

  it('without text have rows without features', () => {
    expect(inputRows(readInputs('text-classification', [1, null]))).toEqual([{}, {}])
    expect(inputRows(readInputs('audio-classification', new Float32Array(3)))).toEqual([{}])
  })

  it('are not measured when there are more than a request has, but are counted', () => {
    const inputs = readInputs(
      'text-classification',
      Array.from({ length: 20_000 }, () => 'a'),
    )
    expect([inputs.rows, inputs.texts]).toEqual([20_000, null])
  })

  it('have token counts only when the encoding has a row for each', () => {
    const tensor = (data: number[]) => ({ data: BigInt64Array.from(data.map(BigInt)), dims: [2, 3] })
    const encoding = { input_ids: tensor([2, 1, 3, 2, 7, 0]), attention_mask: tensor([1, 1, 1, 1, 1, 0]) }
    const tokenizer = { unk_token_id: 1, all_special_ids: [0, 1, 2, 3] }
    expect(countTokens(encoding, tokenizer, 2)).toEqual({ tokens: [3, 2], unknownShares: [1, 0] })
    expect(countTokens(encoding, {}, 2)).toEqual({ tokens: [3, 2], unknownShares: null })
    expect(countTokens(encoding, tokenizer, 3)).toBeNull()
    expect(countTokens({ input_ids: [[1, 2]] }, tokenizer, 1)).toBeNull()
    expect(countTokens(null, tokenizer, 1)).toBeNull()
  })
})

describe('answers of pipelines', () => {
  it('take the best label, wherever it stands in the list', () => {
    const labels = [
      { label: 'cat', score: 0.2 },
      { label: 'dog', score: 0.7 },
    ]
    const expected = { classes: ['dog'], confidences: [0.7] }
    expect(answersOf('image-classification', 'a.png', labels)).toEqual(expected)
    expect(answersOf('audio-classification', ['a.wav'], [labels])).toEqual(expected)
  })

  it('have a score only for two labels that exclude each other', () => {
    const answer = [{ label: 'no', score: 0.9 }]
    expect(answersOf('text-classification', 'a', answer, binary, 'yes')!.scores![0]).toBeCloseTo(0.1)
    expect(answersOf('text-classification', 'a', answer, binary, 'no')!.scores).toEqual([0.9])
    expect(
      answersOf('text-classification', 'a', answer, { labels: 3, multiLabel: false }, 'yes')!.scores,
    ).toBeUndefined()
    expect(
      answersOf('text-classification', 'a', answer, { labels: 2, multiLabel: true }, 'yes')!.scores,
    ).toBeUndefined()
  })

  it('of questions have a confidence, of entities and objects a number', () => {
    expect(answersOf('question-answering', 'who?', { answer: 'she', score: 0.4 })).toEqual({ confidences: [0.4] })
    const entities = [{ entity: 'PER', score: 0.9 }]
    expect(answersOf('token-classification', 'Ada', entities)).toEqual({ values: [1] })
    expect(answersOf('token-classification', ['Ada', 'x'], [entities, []])).toEqual({ values: [1, 0] })
  })

  it.each([
    ['a batch of another length', 'text-classification', ['a', 'b'], [{ label: 'x', score: 1 }]],
    ['no labels', 'text-classification', 'a', []],
    ['no list', 'text-classification', ['a'], 'positive'],
    ['a label that is no text', 'text-classification', 'a', [{ label: 1, score: 1 }]],
    ['no score', 'fill-mask', 'a [MASK]', [{ token_str: 'b' }]],
    ['scores without labels', 'zero-shot-classification', 'a', { labels: ['x', 'y'], scores: [1] }],
    ['nothing', 'zero-shot-classification', 'a', null],
  ])('that are %s cannot be read', (_name, task, input, answer) => {
    expect(answersOf(task, input, answer)).toBeNull()
  })

  it('of other tasks are no answers to compare, and no error', () => {
    expect(answersOf('depth-estimation', 'a.png', { depth: {} })).toEqual({})
  })
})

describe('embeddings', () => {
  const tensor = (data: number[], dims: number[], type = 'float32') => ({ data: Float32Array.from(data), dims, type })

  it('that were not pooled stand for the mean over the tokens, without padding', () => {
    const rows: Record<string, number>[] = [{}, {}]
    const answer = tensor([3, 4, 0, 0, 1, 0, 2, 0], [2, 2, 2])
    expect(addEmbeddings(rows, answer, [1, 2], true)).toBe(true)
    expect(rows).toEqual([
      { 'embedding.norm': 5, 'embedding[0]': 3, 'embedding[1]': 4 },
      { 'embedding.norm': 1.5, 'embedding[0]': 1.5, 'embedding[1]': 0 },
    ])
  })

  it('that were quantised add nothing; what is no embedding of the rows is refused', () => {
    const rows: Record<string, number>[] = [{}]
    expect(addEmbeddings(rows, tensor([1, 2], [1, 2], 'uint8'), null, true)).toBe(true)
    expect(rows).toEqual([{}])
    for (const wrong of [null, [1, 2], tensor([1, 2], [2, 1]), tensor([1, 2], [1, 3]), tensor([1], [1])]) {
      expect(addEmbeddings(rows, wrong, null, false)).toBe(false)
    }
  })
})

describe('generated tokens', () => {
  const tensor = (data: number[], dims: number[]) => ({ data: BigInt64Array.from(data.map(BigInt)), dims })

  it('are counted to the end of each text, the first of several for one input', () => {
    const ends = new Set([9, 0])
    const sequences = tensor([1, 5, 6, 9, 1, 9, 0, 0], [2, 4])
    expect(countGenerated(sequences, 2, 1, ends)).toEqual([3, 1])
    expect(countGenerated({ sequences }, 2, 1, ends)).toEqual([3, 1])
    expect(countGenerated(sequences, 1, 1, ends)).toEqual([3])
    expect(countGenerated(sequences, 2, 1, new Set())).toEqual([3, 3])
    expect(countGenerated(sequences, 3, 1, ends)).toBeNull()
    expect(countGenerated('text', 1, 0, ends)).toBeNull()
  })
})
