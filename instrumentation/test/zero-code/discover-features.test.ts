import { describe, expect, it } from 'vitest'
import { maxFeatures } from '../../src/contract/parse-limits.ts'
import { discoverFeatures } from '../../src/zero-code/discover-features.ts'

const found = (...rows: Parameters<typeof discoverFeatures>[0]): string[] =>
  discoverFeatures(rows).map(({ name, kind }) => `${name} ${kind}`)

describe('features that rows show', () => {
  it('are named by key or place, with kinds by type', () => {
    expect(found({ a: 1, b: 'x', c: true, d: 2n, e: {}, f: [1] })).toEqual([
      'a numeric',
      'b categorical',
      'c boolean',
      'd numeric',
    ])
    expect(found([1, 'x', null], Float32Array.of(1))).toEqual([
      'input[0] numeric',
      'input[1] categorical',
      'input[2] numeric',
    ])
  })

  it('are of the kind that most rows have, whatever the first one had', () => {
    expect(found({ a: 'n/a' }, { a: 1 }, { a: 2, b: null }, { b: 'x' })).toEqual(['a numeric', 'b categorical'])
  })

  it('are bounded in number', () => {
    expect(discoverFeatures([new Float64Array(maxFeatures + 5)])).toHaveLength(maxFeatures)
    const wide = Object.fromEntries(Array.from({ length: maxFeatures + 5 }, (_, i) => [`f${i}`, i]))
    expect(discoverFeatures([wide])).toHaveLength(maxFeatures)
  })
})
