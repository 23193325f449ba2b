import { describe, expect, it } from 'vitest'
import { FrequentValues } from '../../src/baseline/frequent-values.ts'

describe('FrequentValues', () => {
  it('counts exactly while there is room', () => {
    const values = new FrequentValues({ capacity: 3 })
    for (const text of ['b', 'a', 'b', 'c', 'a', 'b']) values.add(text)
    expect(values.ranked()).toEqual([
      { text: 'b', count: 3 },
      { text: 'a', count: 2 },
      { text: 'c', count: 1 },
    ])
    expect(values.error).toBe(0)
  })

  it('keeps the frequent ones beyond it, undercounted by no more than the error it states', () => {
    const values = new FrequentValues({ capacity: 100 })
    const n = 100_000
    for (let i = 0; i < n; i++)
      values.add(i % 10 === 0 ? 'often' : i % 10 === 1 ? 'a long text that is seen often' : `once ${i}`)
    const ranked = values.ranked()
    expect(ranked.length).toBeLessThanOrEqual(100)
    expect(
      ranked
        .slice(0, 2)
        .map(({ text }) => text)
        .sort(),
    ).toEqual(['a long text that is seen often', 'often'])
    expect(values.error).toBeLessThanOrEqual(n / 50)
    for (const { count } of ranked.slice(0, 2)) {
      expect(count).toBeLessThanOrEqual(n / 10)
      expect(count + values.error).toBeGreaterThanOrEqual(n / 10)
    }
  })

  it('bounds the characters it keeps', () => {
    const values = new FrequentValues({ maxCharacters: 10_000 })
    for (let i = 0; i < 1000; i++) values.add(`${i}`.padEnd(1000, 'x'))
    expect(values.ranked().reduce((sum, { text }) => sum + text.length, 0)).toBeLessThanOrEqual(10_000)
  })
})
