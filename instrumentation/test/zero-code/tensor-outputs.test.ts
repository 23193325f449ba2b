import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/contract/index.ts'
import type { NamedTensors, TensorValue } from '../../src/zero-code/sighting.ts'
import { planTensorOutputs, type TensorOutputSources } from '../../src/zero-code/tensor-outputs.ts'

function float32(dims: readonly number[], values: readonly number[]): TensorValue {
  return { data: Float32Array.from(values), dims, type: 'float32' }
}

function int64(dims: readonly number[], values: readonly bigint[]): TensorValue {
  return { data: BigInt64Array.from(values), dims, type: 'int64' }
}

function plan(first: NamedTensors, sources: Partial<TensorOutputSources> = {}) {
  return planTensorOutputs({ outputs: null, config: undefined, manifest: null, first, ...sources })
}

function manifest(
  task: Manifest['model']['task'],
  output?: NonNullable<Manifest['output']>,
): TensorOutputSources['manifest'] {
  return { model: { name: 'm', version: '1', task }, ...(output === undefined ? {} : { output }) }
}

/** What was read, cut to the rows and without rounding noise. */
function read(first: NamedTensors, rows: number, sources: Partial<TensorOutputSources> = {}): unknown {
  const reading = plan(first, sources).read(first, rows)
  return Object.fromEntries(
    Object.entries(reading).map(([role, values]) => [
      role,
      typeof values === 'object'
        ? Array.from(values as ArrayLike<unknown>)
            .slice(0, rows)
            .map((value) => (typeof value === 'number' ? Number(value.toFixed(6)) : value))
        : values,
    ]),
  )
}

describe('without a manifest', () => {
  it('a label beside two probabilities gives class, score and confidence', () => {
    const first = {
      label: int64([2], [0n, 1n]),
      probabilities: float32([2, 2], [0.75, 0.25, 0.125, 0.875]),
    }
    expect(plan(first).roles).toMatchObject({ class: 'label', probabilities: 'probabilities' })
    expect(read(first, 2)).toEqual({ classes: ['0', '1'], scores: [0.25, 0.875], confidences: [0.75, 0.875] })
  })

  it('several probabilities alone give the class of the highest', () => {
    expect(read({ out: float32([2, 3], [0.25, 0.25, 0.5, 0.5, 0.25, 0.25]) }, 2)).toEqual({
      classes: ['2', '0'],
      confidences: [0.5, 0.5],
    })
  })

  it('logits become probabilities, without overflow', () => {
    expect(read({ logits: float32([2, 3], [0, Math.log(2), 0, 1000, 0, 0]) }, 2)).toEqual({
      classes: ['1', '0'],
      confidences: [0.5, 1],
    })
    expect(read({ logit: float32([2, 1], [0, Math.log(3)]) }, 2)).toEqual({ scores: [0.5, 0.75] })
  })

  it('one column is a score by its name and range, or a value', () => {
    expect(read({ sigmoid: float32([2, 1], [0.25, 0.5]) }, 2)).toEqual({ scores: [0.25, 0.5] })
    expect(read({ dense: float32([2, 1], [0.25, 0.5]) }, 2)).toEqual({ values: [0.25, 0.5] })
    expect(read({ variable: float32([2], [120, 80]) }, 2)).toEqual({ values: [120, 80] })
    expect(read({ label: int64([1], [-1n]), scores: float32([1, 1], [-0.5]) }, 1)).toEqual({
      classes: ['-1'],
      scores: [-0.5],
    })
  })

  it('texts are classes; embeddings are nothing', () => {
    expect(read({ label: { data: ['cat', 'dog'], dims: [2], type: 'string' } }, 2)).toEqual({ classes: ['cat', 'dog'] })
    expect(read({ embedding: float32([1, 4], [0.5, -2, 3, 1]) }, 1)).toEqual({})
    expect(read({ hidden: float32([1, 2, 2], [0.25, 0.75, 0.5, 0.5]) }, 1)).toEqual({})
  })

  it('a NaN among probabilities is an answer that cannot be counted, and no class', () => {
    const first = { p: float32([1, 3], [0.25, 0.25, 0.5]) }
    const broken = { p: float32([1, 3], [0.25, Number.NaN, 0.5]) }
    const reading = plan(first).read(broken, 1) as { classes: unknown[]; confidences: number[] }
    expect(reading.classes).toEqual([null])
    expect(reading.confidences[0]).toBeNaN()
  })
})

describe('with a manifest', () => {
  const probabilities = float32([2, 2], [0.75, 0.25, 0.125, 0.875])
  const binary = { classes: ['no', 'yes'], positiveClass: 'no' }

  it('classes have its names, and the score is that of its positive class', () => {
    expect(read({ probabilities }, 2, { manifest: manifest('binary-classification', binary) })).toEqual({
      classes: ['no', 'yes'],
      scores: [0.75, 0.125],
      confidences: [0.75, 0.875],
    })
  })

  it('with a threshold leaves class and confidence to follow from the score', () => {
    const sources = { manifest: manifest('binary-classification', { ...binary, decisionThreshold: 0.9 }) }
    const first = { label: int64([2], [0n, 1n]), probabilities }
    expect(read(first, 2, sources)).toEqual({ scores: [0.75, 0.125] })
    const one = { label: int64([1], [0n]), probabilities: float32([1, 2], [0.75, 0.25]) }
    expect(plan(first, sources).readOne(one)).toEqual({ score: 0.75 })
    expect(plan(first, sources).readOne(first)).toMatchObject({ drop: 'unexpected_shape' })
  })

  it('labels are places in the classes, unless a class is called so', () => {
    const label = int64([2], [0n, 1n])
    expect(read({ label }, 2, { manifest: manifest('multiclass-classification', { classes: ['a', 'b'] }) })).toEqual({
      classes: ['a', 'b'],
    })
    expect(read({ label }, 2, { manifest: manifest('multiclass-classification', { classes: ['1', '0'] }) })).toEqual({
      classes: ['0', '1'],
    })
  })

  it('columns outside 0 and 1 are logits when there are as many classes', () => {
    const first = { out: float32([1, 3], [0, Math.log(8), 0]) }
    const sources = { manifest: manifest('multiclass-classification', { classes: ['a', 'b', 'c'] }) }
    expect(read(first, 1, sources)).toEqual({ classes: ['b'], confidences: [0.8] })
  })

  it('a regression has values, whatever the name', () => {
    expect(read({ score: float32([1, 1], [0.5]) }, 1, { manifest: manifest('regression') })).toEqual({ values: [0.5] })
    expect(read({ count: int64([1], [3n]) }, 1, { manifest: manifest('regression') })).toEqual({ values: [3n] })
  })

  it('says what the model does not have', () => {
    const sources = { manifest: manifest('multiclass-classification', { classes: ['a', 'b', 'c'] }) }
    expect(plan({ probabilities }, sources).mismatch).toContain("3 classes, but output 'probabilities' has 2 columns")
    expect(plan({ probabilities }, { config: { class: 'nothing' } }).mismatch).toContain("no output 'nothing'")
  })
})

describe('calls that differ', () => {
  const first = { label: int64([1], [1n]), probabilities: float32([1, 2], [0.25, 0.75]) }

  it('may ask for some outputs only, and for more later', () => {
    const outputs = [
      { name: 'label', type: 'int64', shape: [null] },
      { name: 'probabilities', type: 'float32', shape: [null, 2] },
    ]
    const reader = plan({ label: first.label }, { outputs })
    expect(reader.read({ label: first.label }, 1)).toEqual({ classes: ['1'] })
    const all = reader.read(first, 1) as { scores: Float64Array; classes: unknown[] }
    expect(all.classes).toEqual(['1'])
    expect(all.scores[0]).toBe(0.75)
    expect(reader.read({ label: first.label }, 1)).toEqual({ classes: ['1'] })
  })

  it('are dropped when the answers are not those to the rows', () => {
    const reader = plan(first)
    expect(reader.read(first, 2)).toMatchObject({ drop: 'unexpected_shape', rows: 2 })
    expect(reader.read({ ...first, probabilities: null }, 1)).toMatchObject({ drop: 'not_on_cpu' })
    expect(reader.read({ ...first, probabilities: { ...first.probabilities, type: 'complex64' } }, 1)).toMatchObject({
      drop: 'unexpected_type',
    })
  })

  it('take what the configuration names for what it says', () => {
    const config = { value: 'probabilities' }
    expect(plan(first, { config }).roles).toMatchObject({ value: 'probabilities', class: null })
    const margin = { a: float32([1, 1], [3]), b: float32([1, 1], [4]) }
    expect(read(margin, 1, { config: { score: 'b' } })).toEqual({ scores: [4] })
  })
})
