import { describe, expect, it } from 'vitest'
import { ageInMonths } from '../../src/drift/age-in-months.ts'
import { laterYears } from '../../src/drift/later-years.ts'
import { missingAge } from '../../src/drift/missing-age.ts'
import type { Drift } from '../../src/drift/drift.ts'
import type { TrafficRow } from '../../src/traffic/rows.ts'
import { TrafficSource } from '../../src/traffic/source.ts'

interface Person {
  readonly id: number
  readonly AGEP: number
}
const rows = (year: number, count: number): Person[] =>
  Array.from({ length: count }, (_, i) => ({ id: year * 1000 + i, AGEP: 20 + i }))
/** Those of an even age have the label. */
const labelled = (some: readonly Person[]): { row: TrafficRow; label: boolean }[] =>
  some.map((row) => ({ row: { ...row }, label: row.AGEP % 2 === 0 }))
const source = (drift: Drift, seed = 1): TrafficSource =>
  new TrafficSource({ heldOut: labelled(rows(2015, 50)), laterYears: labelled(rows(2016, 30)), drift, seed })
const take = (from: TrafficSource, count: number): unknown[] => Array.from({ length: count }, () => from.next().row)

describe('TrafficSource', () => {
  it('changes nothing before the drift is planted and every row after', () => {
    const traffic = source(ageInMonths)
    for (const row of take(traffic, 50))
      expect(row).toMatchObject({ AGEP: expect.toSatisfy((age: number) => age < 70) as number })
    traffic.plantDrift()
    for (const row of take(traffic, 50))
      expect(row).toMatchObject({ AGEP: expect.toSatisfy((age: number) => age >= 240) as number })
  })

  it('leaves the label as it is, whatever happens to the row', () => {
    const traffic = source(ageInMonths)
    traffic.plantDrift()
    for (let i = 0; i < 50; i++) {
      const { row, label } = traffic.next()
      expect(label).toBe((row['AGEP'] as number) % 24 === 0)
    }
  })

  it('draws the rows in the same order whatever drift is planted', () => {
    const ids = (drift: Drift): unknown[] => {
      const traffic = source(drift)
      traffic.plantDrift()
      return take(traffic, 120).map((row) => (row as { id: number }).id)
    }
    expect(ids(missingAge)).toEqual(ids(ageInMonths))
  })

  it('repeats a run with the same seed', () => {
    const run = (seed: number): unknown[] => {
      const traffic = source(missingAge, seed)
      const before = take(traffic, 30)
      traffic.plantDrift()
      return [...before, ...take(traffic, 100)]
    }
    expect(run(4)).toEqual(run(4))
    expect(run(4)).not.toEqual(run(5))
  })

  it('walks the later years in their order', () => {
    const traffic = source(laterYears)
    take(traffic, 10)
    traffic.plantDrift()
    expect(take(traffic, 31).map((row) => (row as { id: number }).id)).toEqual([
      ...rows(2016, 30).map(({ id }) => id),
      2_016_000,
    ])
  })
})
