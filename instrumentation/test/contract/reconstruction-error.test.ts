import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ReconstructionErrors } from '../../src/contract/index.ts'

interface RowsCase {
  readonly name: string
  readonly kind: string
  readonly rows: (number | null)[][]
  readonly expected: {
    readonly means: number[]
    readonly standardDeviations: number[]
    readonly components: number[][]
    readonly imputed: number
    readonly errors: number[]
  }
}

const url = new URL('../../../test/fixtures/reference/principal-components.json', import.meta.url)
const cases = (JSON.parse(readFileSync(url, 'utf8')) as { cases: RowsCase[] }).cases.filter(
  ({ kind }) => kind === 'rows',
)

/** Errors of rows that are measured `block` at a time. */
function errorsOf(basis: ConstructorParameters<typeof ReconstructionErrors>[0], rows: RowsCase['rows'], block: number) {
  const errors = new ReconstructionErrors(basis)
  const found: number[] = []
  let imputed = 0
  for (let from = 0; from < rows.length; from += block) {
    const some = rows.slice(from, from + block)
    basis.means.forEach((_, feature) =>
      errors.put(
        feature,
        Float64Array.from(some, (row) => row[feature] ?? Number.NaN),
        some.length,
      ),
    )
    const target = new Float64Array(some.length)
    imputed += errors.measure(some.length, target)
    found.push(...target)
  }
  return { found, imputed }
}

describe('reconstruction errors', () => {
  it.each(cases)('are the lengths that numpy finds by subtraction: $name', ({ rows, expected }) => {
    const { found, imputed } = errorsOf(expected, rows, 32)
    expect(imputed).toBe(expected.imputed)
    found.forEach((error, i) => expect(error).toBeCloseTo(expected.errors[i]!, 9))
  })

  it('are the same to the last bit however rows are grouped', () => {
    const { rows, expected } = cases.at(-1)!
    const oneByOne = errorsOf(expected, rows, 1)
    for (const block of [2, 7, 128]) expect(errorsOf(expected, rows, block)).toEqual(oneByOne)
  })

  const diagonal = { means: [0, 0], standardDeviations: [1, 1], components: [[Math.SQRT1_2, Math.SQRT1_2]] }

  it('are as the example says', () => {
    expect(errorsOf(diagonal, [[1, -1]], 1).found[0]).toBeCloseTo(Math.SQRT2, 12)
  })

  it('are exactly 0 where only rounding is left', () => {
    expect(
      errorsOf(
        diagonal,
        [
          [3.7, 3.7],
          [1e8, 1e8],
          [0, 0],
          [null, null],
        ],
        4,
      ).found,
    ).toEqual([0, 0, 0, 0])
  })

  it('stay numbers for values that are infinite, or too large to be squared', () => {
    const { found, imputed } = errorsOf(
      diagonal,
      [
        [1e200, 0],
        [1e308, -1e308],
        [Infinity, 1],
        [-Infinity, Number.NaN],
      ],
      4,
    )
    expect(imputed).toBe(2)
    expect(found.slice(0, 2)).toEqual([1e154, 1e154])
    expect(found[2]).toBeCloseTo(Math.SQRT1_2, 12)
    expect(found[3]).toBe(0)
  })

  it('say which rows had a value replaced, and forget it afterwards', () => {
    const errors = new ReconstructionErrors(diagonal)
    const flags = new Uint8Array(3)
    errors.put(0, Float64Array.of(1, Number.NaN, 3), 3)
    errors.put(1, Float64Array.of(1, 2, 3), 3)
    expect(errors.measure(3, new Float64Array(3), flags)).toBe(1)
    expect([...flags]).toEqual([0, 1, 0])
    for (const feature of [0, 1]) errors.put(feature, Float64Array.of(1, 2, 3), 3)
    expect(errors.measure(3, new Float64Array(3), flags)).toBe(0)
    expect([...flags]).toEqual([0, 0, 0])
  })
})
