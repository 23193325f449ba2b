import { describe, expect, it } from 'vitest'
import { principalComponents } from '../../src/stats/principal-components.ts'
import { symmetricEigen } from '../../src/stats/symmetric-eigen.ts'
import { deviation, reference } from '../reference.ts'

interface MatrixCase {
  readonly name: string
  readonly kind: 'matrix' | 'rows'
  readonly size: number
  readonly matrix: number[]
  readonly expected: { values: number[]; components: number[][]; explained: number }
}

const tolerance = { relative: 1e-9, absolute: 1e-11 }
const matrices = reference<MatrixCase>('principal-components').cases.filter(({ kind }) => kind === 'matrix')

describe('principal components', () => {
  it.each(matrices)('are those of numpy: $name', ({ size, matrix, expected }) => {
    const { values } = symmetricEigen(Float64Array.from(matrix), size)
    expect(deviation([...values], expected.values, tolerance)).toBeNull()
    const found = principalComponents(Float64Array.from(matrix), size, 0.65)!
    expect(found.components.length).toBe(expected.components.length)
    expect(
      deviation(
        found.components.map((one) => [...one]),
        expected.components,
        tolerance,
      ),
    ).toBeNull()
    expect(found.explained).toBeCloseTo(expected.explained, 12)
  })

  it('are orthonormal and give the matrix back, also of 60 columns with equal eigenvalues', () => {
    const size = 60
    const matrix = Float64Array.from({ length: size * size }, (_, at) => {
      const [i, j] = [Math.floor(at / size), at % size]
      return i === j ? 2 : 0.5
    })
    const { values, vectors } = symmetricEigen(matrix, size)
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const product = vectors[i]!.reduce((sum, entry, at) => sum + entry * vectors[j]![at]!, 0)
        expect(Math.abs(product - (i === j ? 1 : 0))).toBeLessThan(1e-13)
        const rebuilt = vectors.reduce((sum, vector, k) => sum + values[k]! * vector[i]! * vector[j]!, 0)
        expect(Math.abs(rebuilt - matrix[i * size + j]!)).toBeLessThan(1e-12)
      }
    }
  })

  it('leave at least one direction over', () => {
    expect(principalComponents(Float64Array.of(1, 0, 0, 1), 2, 1)!.components).toHaveLength(1)
    expect(principalComponents(Float64Array.of(1, 1, 1, 1), 2, 0.65)!.explained).toBeCloseTo(1, 12)
  })

  it('do not exist of one column, or where nothing varies', () => {
    expect(principalComponents(Float64Array.of(1), 1, 0.65)).toBeNull()
    expect(principalComponents(new Float64Array(9), 3, 0.65)).toBeNull()
    expect(principalComponents(new Float64Array(0), 0, 0.65)).toBeNull()
  })

  it('are as the examples say', () => {
    expect(deviation([...symmetricEigen(Float64Array.of(2, 1, 1, 2), 2).values], [3, 1], tolerance)).toBeNull()
    const { components, explained } = principalComponents(Float64Array.of(1, 0.8, 0.8, 1), 2, 0.65)!
    expect(
      deviation(
        components.map((one) => [...one]),
        [[Math.SQRT1_2, Math.SQRT1_2]],
        tolerance,
      ),
    ).toBeNull()
    expect(explained).toBeCloseTo(0.9, 12)
  })
})
