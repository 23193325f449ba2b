import { describe, expect, it } from 'vitest'
import {
  CategoricalColumn,
  maxLearnedCategories,
  maxLearnedCategoryLength,
} from '../../src/recorder/categorical-column.ts'

function count(column: CategoricalColumn, values: readonly unknown[]): Record<string, number> {
  for (const value of values) column.add(column.indexOf(value))
  const reading = column.read()
  const counts = Object.fromEntries(
    reading.categories.map((category, i) => [category, reading.counts[i]!]).filter(([, own]) => own !== 0),
  )
  const { missing, nan, infinite, wrongType, unknownCategory } = reading
  return {
    ...counts,
    ...Object.fromEntries(
      Object.entries({ missing, nan, infinite, wrongType, unknownCategory }).filter(([, own]) => own > 0),
    ),
  }
}

describe('a categorical column with given categories', () => {
  it('takes numbers, booleans and big integers by their text', () => {
    const column = new CategoricalColumn({ kind: 'categorical', categories: ['0', '1', '1.5', '1000', 'true'] })
    expect(count(column, [0, -0, 1, 1, '1', 1.5, 1000, 1n, true])).toEqual({ 0: 2, 1: 4, 1.5: 1, 1000: 1, true: 1 })
  })

  it('counts others as _OTHER and as unknown, also a value that is called _OTHER', () => {
    const column = new CategoricalColumn({ kind: 'categorical', categories: ['a'] })
    expect(count(column, ['a', 'b', 7, 7, '_OTHER', '__proto__'])).toEqual({ a: 1, _OTHER: 5, unknownCategory: 5 })
  })

  it('counts what is no category by reason', () => {
    const column = new CategoricalColumn({ kind: 'categorical', categories: ['a'] })
    expect(count(column, [null, undefined, Number.NaN, Infinity, {}, [], Symbol('a'), () => 'a'])).toEqual({
      missing: 2,
      nan: 1,
      infinite: 1,
      wrongType: 4,
    })
  })
})

describe('a boolean column', () => {
  it('takes true, false, 0, 1 and their texts, and nothing else', () => {
    const column = new CategoricalColumn({ kind: 'boolean', categories: null })
    expect(count(column, [true, 1, 'true', 1n, false, 0, 'false', 0n, 2, 'yes', '1', Number.NaN])).toEqual({
      true: 4,
      false: 4,
      wrongType: 3,
      nan: 1,
    })
  })
})

describe('a column that learns its categories', () => {
  it('learns so many, then counts _OTHER, which is not an unknown category', () => {
    const column = new CategoricalColumn({ kind: 'categorical', categories: null })
    const values = Array.from({ length: maxLearnedCategories + 5 }, (_, i) => i)
    const counts = count(column, [...values, ...values])
    expect(Object.keys(counts)).toHaveLength(maxLearnedCategories + 1)
    expect(counts._OTHER).toBe(10)
    expect(counts.unknownCategory).toBeUndefined()
  })

  it('does not learn long texts', () => {
    const column = new CategoricalColumn({ kind: 'categorical', categories: null })
    expect(count(column, ['x'.repeat(maxLearnedCategoryLength + 1), 'x'])).toEqual({ _OTHER: 1, x: 1 })
  })
})
