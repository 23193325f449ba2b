import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { durationInWords, formatDuration, maximumDurationMs, parseDuration } from '../../src/rules/duration.ts'

describe('durations', () => {
  it('are whole numbers with units, from large to small', () => {
    const examples = {
      '500ms': 500,
      '30s': 30_000,
      '5m': 300_000,
      '1h': 3_600_000,
      '7d': 604_800_000,
      '2w': 1_209_600_000,
      '1h30m': 5_400_000,
      '0s': 0,
      '1m500ms': 60_500,
    }
    for (const [text, milliseconds] of Object.entries(examples)) expect(parseDuration(text)).toBe(milliseconds)
  })

  it('are nothing else', () => {
    for (const text of [
      '',
      ' ',
      '5',
      'm',
      '1.5h',
      '-1h',
      '1 h',
      '30m1h',
      '1h1h',
      '1H',
      '1mon',
      '1h ',
      '1e3s',
      '∞',
      '5min',
    ]) {
      expect(parseDuration(text)).toBeNull()
    }
  })

  it('are bounded', () => {
    expect(parseDuration(`${maximumDurationMs}ms`)).toBe(maximumDurationMs)
    expect(parseDuration(`${maximumDurationMs + 1}ms`)).toBeNull()
    expect(parseDuration('9'.repeat(400) + 'd')).toBeNull()
  })

  it('are read as they are written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: maximumDurationMs }), (milliseconds) => {
        expect(parseDuration(formatDuration(milliseconds))).toBe(milliseconds)
      }),
    )
  })

  it('are said in their largest whole unit', () => {
    expect([2_592_000_000, 86_400_000, 5_400_000, 1500, 1000].map(durationInWords)).toEqual([
      '30 days',
      '1 day',
      '90 minutes',
      '1500 milliseconds',
      '1 second',
    ])
  })
})
