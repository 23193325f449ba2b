import { describe, expect, it } from 'vitest'
import { makeShape, seriesKey, type AttributeValue } from '../../src/observation/block.ts'
import { Totals } from '../../src/observation/totals.ts'

describe('the key of a series', () => {
  it('differs by the type of an attribute, not only by its text', () => {
    const values: AttributeValue[] = ['1', 1, 'true', true, '1.5', 1.5]
    expect(new Set(values.map((value) => seriesKey('m', { a: value }))).size).toBe(values.length)
  })

  it('does not depend on the order of attributes', () => {
    expect(seriesKey('m', { a: 1, b: 'x' })).toBe(seriesKey('m', { b: 'x', a: 1 }))
  })

  it('does not add up a number and its text', () => {
    const totals = new Totals()
    for (const value of [1, '1', 1]) {
      totals.add(makeShape([{ metric: 'm', attributes: { a: value }, layout: null }]), Float64Array.of(1))
    }
    expect([...totals.entries()].map(({ series, values }) => [series.attributes.a, values[0]])).toEqual([
      [1, 2],
      ['1', 1],
    ])
  })
})
