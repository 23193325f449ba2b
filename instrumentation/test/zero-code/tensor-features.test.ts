import { describe, expect, it } from 'vitest'
import type { ManifestFeature } from '../../src/contract/index.ts'
import type { TensorValue } from '../../src/zero-code/sighting.ts'
import {
  maxCopiedValues,
  planTensorFeatures,
  type TensorFeatureSources,
  type TensorReading,
} from '../../src/zero-code/tensor-features.ts'

function float32(dims: readonly number[], values: readonly number[]): TensorValue {
  return { data: Float32Array.from(values), dims, type: 'float32' }
}

function int64(dims: readonly number[], values: readonly bigint[]): TensorValue {
  return { data: BigInt64Array.from(values), dims, type: 'int64' }
}

function plan(sources: Partial<TensorFeatureSources> & Pick<TensorFeatureSources, 'first'>) {
  return planTensorFeatures({ inputs: null, config: undefined, manifest: null, ...sources })
}

function numeric(...names: string[]): ManifestFeature[] {
  return names.map((name) => ({ name, kind: 'numeric' }))
}

/** The rows that were read, as arrays. */
function rowsOf(reading: TensorReading): unknown[][] {
  if ('drop' in reading) throw new Error(`${reading.drop}: ${reading.detail}`)
  const { data, columns } = reading.features as { data: ArrayLike<unknown>; columns: number }
  return Array.from({ length: reading.rows }, (_, row) => Array.from(data).slice(row * columns, (row + 1) * columns))
}

describe('a single tensor', () => {
  it('is handed on as it is, with columns named by position', () => {
    const tensor = float32([2, 3], [1, 2, 3, 4, 5, 6])
    const reader = plan({ first: { x: tensor } })
    expect(reader.features).toEqual(numeric('input[0]', 'input[1]', 'input[2]'))
    const reading = reader.read({ x: tensor })
    expect(reading).toEqual({ features: { data: tensor.data, rows: 2, columns: 3 }, rows: 2 })
    expect((reading as { features: { data: unknown } }).features.data).toBe(tensor.data)
  })

  it('takes names and kinds from the manifest, or names from the configuration', () => {
    const first = { x: float32([1, 2], [1, 2]) }
    const features: ManifestFeature[] = [
      { name: 'age', kind: 'numeric' },
      { name: 'sector', kind: 'categorical' },
    ]
    expect(plan({ first, manifest: { features } }).features).toEqual(features)
    expect(plan({ first, config: { features: ['a', 'b'] } }).features).toEqual(numeric('a', 'b'))
  })

  it('brings columns that the configuration names into the order of the manifest', () => {
    const first = { x: float32([2, 2], [1, 2, 3, 4]) }
    const reader = plan({ first, manifest: { features: numeric('b', 'a') }, config: { features: ['a', 'b'] } })
    expect(rowsOf(reader.read(first))).toEqual([
      [2, 1],
      [4, 3],
    ])
  })

  it('of one dimension is a row, unless its length is open or there is but one feature', () => {
    const first = { x: float32([3], [1, 2, 3]) }
    expect(rowsOf(plan({ first }).read(first))).toEqual([[1, 2, 3]])
    const open = [{ name: 'x', type: 'float32', shape: ['batch'] }]
    expect(rowsOf(plan({ first, inputs: open }).read(first))).toEqual([[1], [2], [3]])
    expect(rowsOf(plan({ first, manifest: { features: numeric('only') } }).read(first))).toEqual([[1], [2], [3]])
  })

  it('reads 64-bit integers, texts and truths by their kinds', () => {
    const types = {
      int64: int64([1, 1], [7n]),
      string: { data: ['red'], dims: [1, 1], type: 'string' },
      bool: { data: Uint8Array.of(1), dims: [1, 1], type: 'bool' },
    } as const
    for (const [type, kind] of [
      ['int64', 'numeric'],
      ['string', 'categorical'],
      ['bool', 'boolean'],
    ] as const) {
      const reader = plan({ first: { x: types[type] } })
      expect(reader.features).toEqual([{ name: 'input[0]', kind }])
      expect(rowsOf(reader.read({ x: types[type] }))).toEqual([[types[type].data[0]]])
    }
  })

  it('decodes half floats that come as bits', () => {
    const bits = { data: Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00), dims: [1, 6], type: 'float16' }
    const reader = plan({ first: { x: bits } })
    expect(rowsOf(reader.read({ x: bits }))).toEqual([[1, -2, 65504, 2 ** -24, -0, Infinity]])
  })

  it('turns sentinels into missing values', () => {
    const first = { x: float32([1, 3], [-1, Number.NaN, 5]) }
    expect(rowsOf(plan({ first, config: { missing: [-1] } }).read(first))).toEqual([[null, Number.NaN, 5]])
    expect(rowsOf(plan({ first, config: { missing: [-1, 'NaN'] } }).read(first))).toEqual([[null, null, 5]])
    const whole = { x: int64([1, 2], [-1n, 3n]) }
    expect(rowsOf(plan({ first: whole, config: { missing: [-1] } }).read(whole))).toEqual([[null, 3n]])
  })
})

describe('a first call without any of the inputs', () => {
  it.each([
    ['nothing', {}],
    ['another name', { wrong: float32([1, 2], [1, 2]) }],
  ])('kept all later ones from being read: %s', (_, wrong) => {
    const inputs = [{ name: 'x', type: 'float32', shape: ['N', 2] }]
    const reader = plan({ first: wrong, inputs })
    const refused = { drop: 'unexpected_shape', rows: 1, detail: 'no input was given of x' }
    expect(reader.read(wrong)).toEqual(refused)
    expect(reader.features).toEqual([])
    expect(rowsOf(reader.read({ x: float32([1, 2], [3, 4]) }))).toEqual([[3, 4]])
    expect(reader.features).toEqual(numeric('input[0]', 'input[1]'))
  })

  it('is dropped too where the model does not say what it takes', () => {
    const reader = plan({ first: {} })
    expect(reader.read({})).toEqual({ drop: 'unexpected_shape', rows: 1, detail: 'no input was given' })
    expect(rowsOf(reader.read({ x: float32([1, 1], [3]) }))).toEqual([[3]])
  })
})

describe('several inputs', () => {
  const first = {
    age: float32([2, 1], [30, 40]),
    sector: { data: ['a', 'b'], dims: [2, 1], type: 'string' },
    vector: float32([2, 2], [1, 2, 3, 4]),
  }

  it('of one column each are columns by their own names, without a copy', () => {
    const { age, sector } = first
    const reader = plan({ first: { age, sector } })
    expect(reader.features).toEqual([
      { name: 'age', kind: 'numeric' },
      { name: 'sector', kind: 'categorical' },
    ])
    const reading = reader.read({ age, sector }) as unknown as { features: Record<string, unknown>; rows: number }
    expect(reading.rows).toBe(2)
    expect(reading.features['age']).toBe(age.data)
    expect(reading.features['sector']).toBe(sector.data)
  })

  it('of several columns are copied into rows, in the order that the configuration gives', () => {
    const reader = plan({ first, config: { order: ['vector', 'age'] } })
    expect(reader.features).toEqual(numeric('vector[0]', 'vector[1]', 'age'))
    expect(rowsOf(reader.read(first))).toEqual([
      [1, 2, 30],
      [3, 4, 40],
    ])
  })

  it('are found by the names of the manifest, whatever their order', () => {
    const manifest = { features: [{ name: 'sector', kind: 'categorical' as const }, ...numeric('age')] }
    expect(plan({ first, manifest }).features.map(({ name }) => name)).toEqual(['sector', 'age'])
  })

  it('must have as many rows as each other', () => {
    const { age, sector } = first
    const reader = plan({ first: { age, sector } })
    const reading = reader.read({ age, sector: { ...sector, data: ['a'], dims: [1, 1] } })
    expect(reading).toMatchObject({ drop: 'unexpected_shape', rows: 2 })
  })

  it('may hold the segment, which then is no feature', () => {
    const { age, sector } = first
    const reader = plan({ first: { age, sector }, config: { segment: 'sector' } })
    expect(reader.features).toEqual(numeric('age'))
    expect(reader.read({ age, sector })).toMatchObject({ rows: 2, segments: ['a', 'b'] })
  })

  it('drops calls that would have to be copied beyond the limit', () => {
    const reader = plan({ first, config: { order: ['vector', 'age'] } })
    const rows = Math.ceil(maxCopiedValues / 3) + 1
    const large = {
      age: { data: new Float32Array(rows), dims: [rows, 1], type: 'float32' },
      vector: { data: new Float32Array(2 * rows), dims: [rows, 2], type: 'float32' },
    }
    expect(reader.read(large)).toMatchObject({ drop: 'unexpected_shape', rows })
  })
})

describe('inputs that are no table', () => {
  it('of pixels are counted as rows without features, with a reason', () => {
    const image = { data: new Float32Array(2 * 3 * 16 * 16), dims: [2, 3, 16, 16], type: 'float32' }
    const reader = plan({ first: { image } })
    expect(reader.features).toEqual([])
    expect(reader.mismatch).toContain("'image' with 768 columns")
    expect(reader.read({ image })).toEqual({ features: { data: [], rows: 2, columns: 0 }, rows: 2 })
  })

  it('of token ids are one feature, the number of tokens', () => {
    const first = {
      input_ids: int64([2, 3], [5n, 6n, 7n, 8n, 0n, 0n]),
      attention_mask: int64([2, 3], [1n, 1n, 1n, 1n, 0n, 0n]),
    }
    const masked = plan({ first })
    expect(masked.features).toEqual(numeric('tokens'))
    expect(rowsOf(masked.read(first))).toEqual([[3], [1]])
    const ids = {
      x: int64(
        [2, 4],
        Array.from({ length: 8 }, () => 1n),
      ),
    }
    const inputs = [{ name: 'x', type: 'int64', shape: ['batch', 'sequence'] }]
    const unmasked = plan({ first: ids, inputs })
    expect(rowsOf(unmasked.read(ids))).toEqual([[4], [4]])
    expect(rowsOf(unmasked.read({ x: int64([1, 2], [1n, 2n]) }))).toEqual([[2]])
  })
})

describe('what does not fit', () => {
  const first = { x: float32([1, 2], [1, 2]) }

  it('is dropped for its reason, and later calls go on', () => {
    const reader = plan({ first })
    expect(reader.read({ x: float32([1, 3], [1, 2, 3]) })).toMatchObject({ drop: 'unexpected_shape', rows: 1 })
    expect(reader.read({ x: float32([5, 2], [1, 2]) })).toMatchObject({ drop: 'unexpected_shape', rows: 5 })
    expect(reader.read({ x: { data: ['a', 'b'], dims: [1, 2], type: 'string' } })).toMatchObject({
      drop: 'unexpected_type',
    })
    expect(reader.read({ x: null })).toMatchObject({ drop: 'not_on_cpu' })
    expect(reader.read({})).toMatchObject({ drop: 'unexpected_shape' })
    expect(rowsOf(reader.read(first))).toEqual([[1, 2]])
  })

  it('of the manifest is said once, and every row is dropped', () => {
    for (const [sources, reason] of [
      [{ manifest: { features: numeric('a', 'b', 'c') } }, '3 features are declared, but the inputs have 2 columns'],
      [{ config: { order: ['y'] } }, "the model has no input 'y'"],
      [{ config: { features: ['a', 'a'] } }, 'names a feature twice'],
      [{ manifest: { features: numeric('a', 'b') }, config: { features: ['a', 'c'] } }, 'lacks features'],
    ] as const) {
      const reader = plan({ first, ...sources })
      expect(reader.mismatch).toContain(reason)
      expect(reader.read(first)).toMatchObject({ drop: 'unexpected_shape' })
    }
    const texts = { x: { data: ['a'], dims: [1, 1], type: 'string' } }
    expect(plan({ first: texts, manifest: { features: numeric('a') } }).mismatch).toContain('numeric in the manifest')
    expect(plan({ first: { x: { ...first.x, type: 'int4' } } }).mismatch).toContain('of type int4')
  })

  it('waits with its plan for tensors that can be read', () => {
    const reader = plan({ first: { x: null } })
    expect(reader.read({ x: null })).toMatchObject({ drop: 'not_on_cpu' })
    expect(rowsOf(reader.read(first))).toEqual([[1, 2]])
    expect(reader.features).toEqual(numeric('input[0]', 'input[1]'))
  })
})
