import { describe, expect, it } from 'vitest'
import { smallestVolumeHistory, trafficVolume } from '../../src/evaluate/traffic-volume.ts'

const usual = (rows: number, windows = smallestVolumeHistory) => Array.from({ length: windows }, () => rows)
const kinds = (rows: number, history: readonly number[]) =>
  trafficVolume(rows, history).findings.map(({ kind }) => kind)

describe('trafficVolume', () => {
  it('expects the median of earlier windows, whatever a few of them held', () => {
    const { expected, rates } = trafficVolume(90, [...usual(100, 30), 5, 100_000, 100_000])
    expect(expected).toBe(100)
    expect(rates).toMatchObject({
      rows: { count: 90 },
      expected: { count: 100 },
      ratio: { count: 90, rows: 100, rate: 0.9 },
    })
    expect(trafficVolume(90, [...usual(100, 12), ...usual(200, 12)]).expected).toBe(150)
  })

  it('expects nothing of too few windows, of which empty ones are none', () => {
    const { expected, rates, findings } = trafficVolume(1, [...usual(100, smallestVolumeHistory - 1), ...usual(0, 50)])
    expect(expected).toBeNull()
    expect(rates.ratio.rate).toBeNull()
    expect(findings).toEqual([])
  })

  it('finds a drop and a surge at their factors', () => {
    expect(kinds(501, usual(1000))).toEqual([])
    expect(kinds(500, usual(1000))).toEqual(['traffic-drop'])
    expect(kinds(1999, usual(1000))).toEqual([])
    expect(kinds(2000, usual(1000))).toEqual(['traffic-surge'])
  })

  it('does not take the chance of small counts for a drop or a surge', () => {
    expect(kinds(1, usual(4))).toEqual([])
    expect(kinds(9, usual(4))).toEqual([])
    expect(kinds(11, usual(4))).toEqual(['traffic-surge'])
    expect(kinds(2, usual(25))).toEqual(['traffic-drop'])
  })

  it('says that there is no traffic, with or without a history', () => {
    expect(trafficVolume(0, usual(1000)).findings).toEqual([
      { kind: 'no-traffic', detail: 'no rows, where 1000 are usual', value: 0 },
    ])
    expect(trafficVolume(0, []).findings).toMatchObject([{ kind: 'no-traffic', detail: 'no rows' }])
  })
})
