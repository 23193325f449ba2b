import type { NumericSummary } from '@driftline/instrumentation/contract'
import { compareNumeric } from '../collector/src/evaluate/compare-numeric.ts'
import { compileDetector, initialState, step } from '../collector/src/evaluate/evidence/model-detector.ts'
import type { NumericDistribution } from '../collector/src/evaluate/window-counts.ts'
import { normalQuantile } from '../collector/src/stats/normal-distribution.ts'
import type { BenchResult } from './result.ts'

const bucketCount = 20
const baselineRows = 20_000
const windowRows = 1_000

/** Windows of 500 and of 10,000 numeric features of 20 buckets: evidence of all rows, all distances, all tests. */
export async function run(): Promise<BenchResult[]> {
  const few = measure(500, { warmUps: 40, repetitions: 200 })
  const many = measure(10_000, { warmUps: 2, repetitions: 24 })
  return [
    { name: 'one window of 500 features of 20 buckets', value: few.window, unit: 'ms', goal: '<= 5' },
    { name: 'of it: evidence (detector step)', value: few.evidence, unit: 'ms' },
    { name: 'of it: distances and tests', value: few.comparison, unit: 'ms' },
    { name: 'processor time of it, on average', value: few.processor, unit: 'ms' },
    { name: 'compiling the detector, once per baseline, cold', value: few.compile, unit: 'ms' },
    { name: 'one window of 10,000 features of 20 buckets', value: many.window, unit: 'ms', goal: '<= 100' },
    { name: 'of it: evidence (detector step)', value: many.evidence, unit: 'ms' },
    { name: 'of it: distances and tests', value: many.comparison, unit: 'ms' },
    { name: 'processor time of it, on average', value: many.processor, unit: 'ms' },
    { name: 'compiling the detector of 10,000 features', value: many.compile, unit: 'ms' },
  ]
}

interface Milliseconds {
  readonly compile: number
  /** Lower quartiles. */
  readonly window: number
  readonly evidence: number
  readonly comparison: number
  /** Of this thread. */
  readonly processor: number
}

function measure(
  featureCount: number,
  rounds: { readonly warmUps: number; readonly repetitions: number },
): Milliseconds {
  const random = generator(7)
  const bounds = Array.from({ length: bucketCount - 1 }, (_, i) => normalQuantile((i + 1) / bucketCount))
  // Sampling takes longer than what is measured: of many features, each 500 share their counts, in objects of their own.
  const summaries = Array.from({ length: Math.min(featureCount, 500) }, (): NumericSummary => {
    const { counts, values, min, max, sumOfSquares } = sample(bounds, baselineRows, 0, random)
    return { bounds, counts: [...counts], values, mean: 0, variance: sumOfSquares / values, min, max }
  })
  const baselines = Array.from({ length: featureCount }, (_, i): NumericSummary => {
    const summary = summaries[i % summaries.length]!
    return { ...summary, counts: [...summary.counts] }
  })
  const compileStart = performance.now()
  const detector = compileDetector({
    monitors: baselines.map((baseline, i) => ({
      id: `feature-${i}`,
      segment: '',
      family: 'features',
      kind: 'numeric',
      baselineCounts: baseline.counts,
      missing: { count: 100, rows: baselineRows + 100 },
      invalid: { count: 0, rows: baselineRows + 100 },
    })),
    budgetSteps: 720,
  })
  const compile = performance.now() - compileStart
  // A tenth of the features drift, so that tails of the tests are computed as well as their middles.
  const windows = Array.from({ length: 4 }, () => {
    const samples = summaries.map((_, i) => sample(bounds, windowRows, i % 10 === 0 ? 0.5 : 0, random))
    return baselines.map((_, i) => {
      const one = samples[i % samples.length]!
      return { ...one, counts: Float64Array.from(one.counts) }
    })
  })
  let state = initialState(detector)
  let checksum = 0
  const evidence: number[] = []
  const comparison: number[] = []
  let processor = 0
  for (let round = 0; round < rounds.warmUps + rounds.repetitions; round++) {
    const window = windows[round % windows.length]!
    const inputs = window.map(({ counts, values }) => ({ counts, missing: 5, invalid: 0, rows: values + 5 }))
    const processorBefore = process.threadCpuUsage()
    const start = performance.now()
    const result = step(detector, state, inputs, round * 3_600_000)
    const middle = performance.now()
    for (let i = 0; i < featureCount; i++) {
      checksum += compareNumeric(baselines[i]!, window[i]!, { zEta: detector.zEta }).pValue ?? 0
    }
    const end = performance.now()
    const { user, system } = process.threadCpuUsage(processorBefore)
    state = result.state
    if (round < rounds.warmUps) continue
    evidence.push(middle - start)
    comparison.push(end - middle)
    processor += (user + system) / 1000
  }
  if (!Number.isFinite(checksum)) throw new Error('a p-value is not a number')
  return {
    compile,
    window: lowerQuartile(evidence.map((milliseconds, i) => milliseconds + comparison[i]!)),
    evidence: lowerQuartile(evidence),
    comparison: lowerQuartile(comparison),
    processor: processor / rounds.repetitions,
  }
}

/** Other work on the machine only ever adds time: of many rounds the faster half is the cost, and its median this. */
function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2]!
}

function sample(bounds: readonly number[], rows: number, shift: number, random: () => number): NumericDistribution {
  const counts = new Float64Array(bounds.length + 1)
  let sum = 0
  let sumOfSquares = 0
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  for (let row = 0; row < rows; row++) {
    // A normal value by Box and Muller.
    const value = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()) + shift
    let cell = 0
    while (cell < bounds.length && bounds[cell]! < value) cell++
    counts[cell]!++
    sum += value
    sumOfSquares += value * value
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return { kind: 'numeric', counts, values: rows, sum, sumOfSquares, min, max }
}

/** Mulberry32: small, seeded, good enough to fill histograms. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
