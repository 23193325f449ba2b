import { describe, expect, it } from 'vitest'
import { compileDetector, initialState, step } from '../../../src/evaluate/evidence/model-detector.ts'
import { normalQuantile } from '../../../src/stats/normal-distribution.ts'

const featureCount = 5
const baselineRows = 2000
const windowRows = 200
const budgetSteps = 100
const steps = 400
const models = 12

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** The default quantiles of a baseline of uniform ranks: a normal feature's ranks are as good as the feature. */
const levels = [0.01, ...Array.from({ length: 19 }, (_, i) => (i + 1) / 20), 0.99]

/** Counts of rows whose values are uniform on (0, 1), moved up by `shift` normal standard deviations. */
function histogram(bounds: readonly number[], rows: number, shift: number, random: () => number): number[] {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  const limits = shift === 0 ? bounds : bounds.map((bound) => normalProbability(normalQuantile(bound) - shift))
  for (let row = 0; row < rows; row++) {
    const value = random()
    let cell = 0
    while (cell < limits.length && limits[cell]! < value) cell++
    counts[cell]!++
  }
  return counts
}

/** P(Z <= z), as the inverse of the quantile that the bounds went through. */
function normalProbability(z: number): number {
  let low = 0
  let high = 1
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2
    if (normalQuantile(middle) < z) low = middle
    else high = middle
  }
  return (low + high) / 2
}

describe('the false-alarm budget', () => {
  const random = generator(20_261_123)
  let falseAlarms = 0
  const delays: number[] = []
  for (let model = 0; model < models; model++) {
    const features = Array.from({ length: featureCount }, (_, i) => {
      const values = Array.from({ length: baselineRows }, random).sort((a, b) => a - b)
      const quantiles = levels.map((level) => values[Math.ceil(level * baselineRows) - 1]!)
      const bounds = [values[0]! - 1e-12, ...quantiles, values.at(-1)!]
      const counts = Array.from({ length: bounds.length + 1 }, () => 0)
      for (const value of values) counts[bounds.findIndex((bound) => value <= bound)]!++
      return { bounds, id: `f${i}`, counts }
    })
    const detector = compileDetector({
      monitors: features.map(({ id, counts }) => ({
        id,
        segment: '',
        family: 'features',
        kind: 'numeric',
        baselineCounts: counts,
        missing: { count: 40, rows: baselineRows },
      })),
      budgetSteps,
    })
    const inputs = (shift: number) =>
      features.map(({ bounds }, i) => {
        let missing = 0
        for (let row = 0; row < windowRows; row++) if (random() < 0.02) missing++
        return {
          counts: histogram(bounds, windowRows, i === 0 ? shift : 0, random),
          missing,
          invalid: 0,
          rows: windowRows,
        }
      })
    let state = initialState(detector)
    for (let t = 0; t < steps; t++) {
      const result = step(detector, state, inputs(0), t)
      if (result.alarm) falseAlarms++
      state = result.state
    }
    let delay = 1
    for (; delay < 100; delay++) {
      const result = step(detector, state, inputs(0.5), steps + delay)
      if (result.opened.includes(0)) break
      state = result.state
    }
    delays.push(delay)
  }

  it('is not exceeded when the baseline is certain and no credibility is held back', { timeout: 60_000 }, () => {
    const certain = levels.map((level, i) => 1e12 * (level - (levels[i - 1] ?? 0)))
    const counts = [...certain, 1e12 * (1 - levels.at(-1)!)]
    const monitors = Array.from({ length: featureCount }, (_, i) => ({
      id: `f${i}`,
      segment: '',
      family: 'features' as const,
      kind: 'numeric' as const,
      baselineCounts: counts,
    }))
    const detector = compileDetector({ monitors, budgetSteps })
    let state = initialState(detector)
    let alarms = 0
    for (let t = 0; t < models * steps; t++) {
      const inputs = monitors.map(() => ({
        counts: histogram(levels, windowRows, 0, random),
        missing: 0,
        invalid: 0,
        rows: windowRows,
      }))
      const result = step(detector, state, inputs, t)
      if (result.alarm) alarms++
      state = result.state
    }
    expect(alarms).toBeGreaterThan(5)
    expect(alarms).toBeLessThanOrEqual((models * steps) / budgetSteps)
  })

  it('holds on data from which nothing has moved', () => {
    // 48 alarms are paid for; the theorem holds on average, and conservative bounds keep the rate far below.
    expect(falseAlarms).toBeLessThanOrEqual((models * steps) / budgetSteps)
  })

  it('is not kept by blindness: half a standard deviation is found within a few windows', () => {
    expect(delays.toSorted((a, b) => a - b)[models >> 1]).toBeLessThanOrEqual(4)
  })
})
