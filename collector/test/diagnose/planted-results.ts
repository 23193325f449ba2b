import type { Evidence, RateResult, Result, Signal } from '../../src/evaluate/result.ts'

/** Numbers between 0 and 1, the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

export function normals(count: number, mean: number, deviation: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from(
    { length: count },
    () => mean + deviation * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  )
}

/** Whole years, more young than old, as in a census. */
export function ages(count: number, seed: number): number[] {
  const random = seededRandom(seed)
  return Array.from({ length: count }, () => Math.floor(94 * random() ** 1.3))
}

const emptyResult: Result = {
  model: 'employment',
  version: '1',
  segment: '',
  signal: 'feature-drift',
  feature: 'x',
  startMs: 0,
  endMs: 3_600_000,
  revision: 1,
  status: 'ok',
  reason: null,
  effect: null,
  pValue: null,
  evidence: null,
  distances: {},
  tests: {},
  rates: {},
  findings: [],
  smallestDetectable: null,
  sizes: { window: 0, baseline: 0, windowRows: 0, dispersion: 1, zEta: 4 },
  baselineDigest: 'sha256:baseline',
  detectorId: 'sha256:detector',
  summary: null,
}

export function result(fields: Partial<Result> = {}): Result {
  return { ...emptyResult, ...fields }
}

export function evidence(fields: Partial<Evidence> = {}): Evidence {
  return {
    log10Feature: 8,
    log10Model: 7,
    threshold: 720,
    log10Step: 3,
    leadingGroup: '',
    leadingRow: '',
    alarm: true,
    incident: null,
    ...fields,
  }
}

export interface PlantedNumeric {
  readonly baseline: readonly number[]
  readonly window: readonly number[]
  readonly feature?: string
  readonly signal?: Signal
  readonly leadingGroup?: string
  readonly status?: Result['status']
}

/** A drift result whose histograms are those of two samples, in the layout of STATISTICS section 2: quantile bounds of the baseline. */
export function plantedNumeric({
  baseline,
  window,
  feature = 'x',
  signal = 'feature-drift',
  leadingGroup = '',
  status = 'drift',
}: PlantedNumeric): Result {
  const sorted = [...baseline].sort((a, b) => a - b)
  const levels = [
    0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99,
  ]
  const quantiles = levels.map((level) => sorted[Math.ceil(level * sorted.length) - 1]!)
  const first = sorted[0]! - Math.abs(sorted[0]!) * 1e-9 - 1e-12
  const bounds = [...new Set([first, ...quantiles, sorted.at(-1)!])].sort((a, b) => a - b)
  return result({
    feature,
    signal,
    status,
    evidence: evidence({ leadingGroup, alarm: status === 'drift' }),
    sizes: { window: window.length, baseline: baseline.length, windowRows: window.length, dispersion: 1, zEta: 4 },
    summary: {
      kind: 'numeric',
      bounds,
      baselineCounts: histogram(bounds, baseline),
      windowCounts: histogram(bounds, window),
      baseline: moments(baseline),
      window: moments(window),
    },
  })
}

/** A drift result with these counts per category, `_OTHER` being the last. */
export function plantedCategories(
  categories: readonly string[],
  baselineCounts: readonly number[],
  windowCounts: readonly number[],
  fields: Partial<Result> & { leadingGroup?: string } = {},
): Result {
  const { leadingGroup = '', ...rest } = fields
  const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0)
  return result({
    feature: 'colour',
    status: 'drift',
    evidence: evidence({ leadingGroup }),
    sizes: {
      window: sum(windowCounts),
      baseline: sum(baselineCounts),
      windowRows: sum(windowCounts),
      dispersion: 1,
      zEta: 4,
    },
    summary: { kind: 'categorical', categories, baselineCounts, windowCounts },
    ...rest,
  })
}

/** The data-health result that goes with a drift result. */
export function health(of: Result, rates: Result['rates'], fields: Partial<Result> = {}): Result {
  return { ...of, signal: 'data-health', evidence: null, summary: null, status: 'ok', rates, ...fields }
}

/** A rate with an interval of 1.96 standard errors. */
export function rate(count: number, rows: number, baselineRate: number): RateResult {
  const share = count / rows
  const difference = share - baselineRate
  const error = 1.96 * Math.sqrt((share * (1 - share)) / rows)
  return {
    count,
    rows,
    rate: share,
    interval: [share - error, share + error],
    baselineRate,
    difference,
    differenceInterval: [difference - error, difference + error],
  }
}

function histogram(bounds: readonly number[], values: readonly number[]): number[] {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0)
  for (const value of values) counts[bounds.filter((bound) => bound < value).length]!++
  return counts
}

function moments(values: readonly number[]) {
  if (values.length === 0) return { mean: null, standardDeviation: null, min: null, max: null }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  let min = Infinity
  let max = -Infinity
  for (const value of values) {
    min = Math.min(min, value)
    max = Math.max(max, value)
  }
  return { mean, standardDeviation: Math.sqrt(variance), min, max }
}
