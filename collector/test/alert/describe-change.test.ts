import { describe, expect, it } from 'vitest'
import { describeChange, numberChange, shareChange } from '../../src/alert/describe-change.ts'
import { formatCount, formatFactor, formatNumber, formatShare } from '../../src/diagnose/words.ts'
import { evidence, plantedCategories, rate, result } from '../diagnose/planted-results.ts'

const numeric = result({
  evidence: evidence({ leadingGroup: 'location' }),
  summary: {
    kind: 'numeric',
    bounds: [0, 50, 94],
    baselineCounts: [0, 600, 400, 0],
    windowCounts: [0, 100, 200, 700],
    baseline: { mean: 38.9, standardDeviation: 18.1, min: 0.5, max: 94 },
    window: { mean: 466.8, standardDeviation: 217.2, min: 6, max: 1128 },
  },
})

describe('describeChange', () => {
  it('gives mean and spread with unit and factor', () => {
    expect(describeChange({ result: numeric, rates: {}, unit: 'years' })).toBe(
      'mean 38.9 years -> 467 years (x12.0), standard deviation 18.1 -> 217 (x12.0)',
    )
  })

  it('begins with what the evidence points to', () => {
    const missing = { ...numeric, evidence: evidence({ leadingGroup: 'missing' }) }
    expect(describeChange({ result: missing, rates: { missing: rate(800, 4000, 0.001) } })).toMatch(
      /^missing 0.1 % -> 20 %, mean /,
    )
    const range = { ...numeric, evidence: evidence({ leadingGroup: 'range' }) }
    expect(describeChange({ result: range, rates: {} })).toMatch(/^range 0.5 to 94 -> 6 to 1,128, mean /)
  })

  it('leaves out rates that did not surely move', () => {
    expect(describeChange({ result: numeric, rates: { missing: rate(5, 4000, 0.001) } })).not.toContain('missing')
  })

  it('says what a reconstruction error means', () => {
    const errors = { ...numeric, signal: 'multivariate-drift' } as const
    expect(describeChange({ result: errors, rates: {} })).toBe(
      'rows lie farther from the structure of the baseline: correlation between features changed, mean reconstruction error 38.9 -> 467 (x12.0)',
    )
    const effect = { kind: 'location-shift', unit: 'sd', value: -0.3, interval: null, of: null } as const
    expect(describeChange({ result: { ...errors, summary: null, effect }, rates: {} })).toBe(
      'rows lie closer to the structure of the baseline: features follow each other more than they did',
    )
  })

  it('names the categories that moved most', () => {
    const colours = plantedCategories(['x', 'y', 'z', '_OTHER'], [100, 450, 450, 0], [150, 430, 420, 0])
    expect(describeChange({ result: colours, rates: {} })).toBe('share of "x" 10 % -> 15 %, share of "z" 45 % -> 42 %')
  })

  it('writes out units that were printed as the codes a, mo, d, h, min and s on one side only', () => {
    const changes = ['a', 'mo', 'd', 'h', 'min', 's', 'kg', '1'].map((unit) => numberChange(100, 104, unit))
    expect(changes).toEqual([
      ...['years', 'months', 'days', 'hours', 'minutes', 'seconds', 'kg'].map((word) => `100 ${word} -> 104 ${word}`),
      '100 -> 104',
    ])
  })

  it('called categories that the baseline had not kept categories that it does not have', () => {
    const ids = plantedCategories(['id1', 'id2', '_OTHER'], [600, 650, 8750], [250, 250, 500])
    const text = (baselineRate: number) =>
      describeChange({ result: ids, rates: { unknown_category: rate(500, 1000, baselineRate) } })
    expect(text(0.875)).toContain('in categories that the baseline did not keep 87.5 % -> 50 %')
    expect(text(0)).toContain('in categories that the baseline does not have 0 % -> 50 %')
  })

  it('falls back on the effect, then on the reason', () => {
    const effect = { kind: 'location-shift', unit: 'sd', value: 0.31, interval: null, of: null } as const
    expect(describeChange({ result: result({ effect }), rates: {} })).toBe(
      'shifted by 0.31 standard deviations of its ranks in the baseline (normal scores)',
    )
    expect(describeChange({ result: result({ reason: 'open-incident' }), rates: {} })).toBe('changed (open-incident)')
  })
})

describe('numbers in words', () => {
  it('shows a factor only where it says something', () => {
    expect(numberChange(100, 104)).toBe('100 -> 104')
    expect(numberChange(100, 40)).toBe('100 -> 40 (x0.40)')
    expect(numberChange(-3, 5)).toBe('-3 -> 5')
    expect(numberChange(0, 5)).toBe('0 -> 5')
    expect(numberChange(2, 1000)).toBe('2 -> 1,000 (x500)')
  })

  it('printed large numbers alike that differ', () => {
    expect(numberChange(9_010_000_000_000_000, 9_010_000_000_100_000)).toBe(
      '9,010,000,000,000,000 -> 9,010,000,000,100,000',
    )
    expect(numberChange(50.031, 50.039)).toBe('50.03 -> 50.04')
    expect(numberChange(50.031, 50.031)).toBe('50 -> 50')
    expect(numberChange(1.2340001e-9, 1.2340002e-9)).toBe('1.2340001e-9 -> 1.2340002e-9')
  })

  it('wrote 2000 beside 7,000', () => {
    expect([2000, 7_000, 1_234_567].map(formatCount)).toEqual(['2,000', '7,000', '1,234,567'])
    expect([999, 2000, -9999, 12_345.6].map(formatNumber)).toEqual(['999', '2,000', '-9,999', '12,300'])
  })

  it('keeps three digits, and small shares visible', () => {
    expect([0, 1, 1234567, 0.000123456, 1e9, 12.345, -0.5].map(formatNumber)).toEqual([
      '0',
      '1',
      '1,230,000',
      '0.000123',
      '1,000,000,000',
      '12.3',
      '-0.5',
    ])
    expect([0, 0.5, 0.0312, 0.0004, 0.000001, 1].map(formatShare)).toEqual([
      '0 %',
      '50 %',
      '3.1 %',
      '0.04 %',
      '< 0.001 %',
      '100 %',
    ])
    expect([12, 1.5, 0.45, 365.25, 0.001].map(formatFactor)).toEqual(['x12.0', 'x1.5', 'x0.45', 'x365', 'x0.001'])
    expect(shareChange(0.1, 0.15)).toBe('10 % -> 15 %')
  })
})
