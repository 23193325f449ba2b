import {
  attributes,
  metrics,
  type Baseline,
  type BucketLayout,
  type Manifest,
} from '@driftline/instrumentation/contract'
import type { AlertEvent, AlertRecord } from '../../src/alert/alert.ts'
import type { Result } from '../../src/evaluate/result.ts'
import { makeShape, seriesWidth, type Block, type Scope, type Series } from '../../src/observation/block.ts'
import type { Totals } from '../../src/observation/totals.ts'
import type { Evaluation, SegmentTotals } from '../../src/store/store.ts'

/** Made-up but well-formed things to store. */
export const secondMs = 1_000
/** A whole hour, so that slices of any usual length start at it. */
export const originMs = 1_760_000_400_000

export function sampleScope(parts: Partial<Scope> = {}): Scope {
  return {
    model: 'credit',
    version: '1',
    segment: '',
    instance: 'a',
    service: 'scoring',
    environment: 'test',
    manifestDigest: 'sha256:m',
    baselineDigest: 'sha256:b',
    ...parts,
  }
}

export function histogram(feature: string, bounds: readonly number[]): Series {
  return withLayout(feature, { kind: 'explicit', bounds })
}

export function withLayout(feature: string, layout: BucketLayout): Series {
  return { metric: metrics.featureValue.name, attributes: { [attributes.featureName.name]: feature }, layout }
}

export function sum(feature: string, category: string): Series {
  return {
    metric: metrics.featureObservations.name,
    attributes: { [attributes.featureCategory.name]: category, [attributes.featureName.name]: feature },
    layout: null,
  }
}

/** A block of 10 s that starts `second` after the origin, with the given slots per series. */
export function sampleBlock(
  second: number,
  series: readonly (readonly [Series, readonly number[]])[],
  scope: Scope = sampleScope(),
): Block {
  const shape = makeShape(series.map(([one]) => one))
  const values = new Float64Array(shape.width)
  series.forEach(([one, slots], i) => {
    if (slots.length !== seriesWidth(one)) throw new Error(`series ${i} takes ${seriesWidth(one)} slots`)
    values.set(slots, shape.offsets[i])
  })
  const startMicros = (originMs + second * secondMs) * 1000
  return { scope, startMicros, endMicros: startMicros + 10 * 1e6, shape, values }
}

/** A block of one sum: the smallest there is. */
export function countBlock(second: number, count: number, scope: Scope = sampleScope()): Block {
  return sampleBlock(second, [[sum('job', 'clerk'), [count]]], scope)
}

/** Totals as plain data: slots by feature, category and kind of layout. */
export function plainTotals(totals: Totals): Record<string, { layout: BucketLayout | null; values: number[] }> {
  const plain: Record<string, { layout: BucketLayout | null; values: number[] }> = {}
  for (const { series, values } of totals.entries()) {
    const { layout } = series
    const which = layout === null ? '' : layout.kind === 'explicit' ? layout.bounds.join(',') : layout.kind
    plain[`${series.metric} ${Object.values(series.attributes).join(' ')} ${which}`] = { layout, values: [...values] }
  }
  return plain
}

export function plainSegments(segments: readonly SegmentTotals[]): unknown[] {
  return segments
    .map(({ totals, ...rest }) => ({ ...rest, totals: plainTotals(totals) }))
    .sort((a, b) => (`${a.segment} ${a.baselineDigest}` < `${b.segment} ${b.baselineDigest}` ? -1 : 1))
}

export function sampleResult(parts: Partial<Result> = {}): Result {
  return {
    model: 'credit',
    version: '1',
    segment: '',
    signal: 'feature-drift',
    feature: 'age',
    startMs: originMs,
    endMs: originMs + 60_000,
    revision: 1,
    status: 'ok',
    reason: null,
    effect: { kind: 'location-shift', unit: 'sd', value: 0.125, interval: [-0.5, 0.75], of: null },
    pValue: 0.25,
    evidence: null,
    distances: { psi: 0.01, wasserstein: null },
    tests: { ks: { statistic: 0.02, pValue: 0.5 } },
    rates: {},
    findings: [],
    smallestDetectable: 0.1,
    sizes: { window: 100, baseline: 1_000, windowRows: 101, dispersion: 1, zEta: 1.96 },
    baselineDigest: 'sha256:b',
    detectorId: 'detector',
    summary: null,
    ...parts,
  }
}

/** An evaluation of the slice of 60 s that starts `second` after the origin. */
export function sampleEvaluation(second: number, parts: Partial<Evaluation> = {}): Evaluation {
  const startMs = originMs + second * secondMs
  return {
    model: 'credit',
    version: '1',
    startMs,
    endMs: startMs + 60_000,
    windowStartMs: startMs,
    revision: 1,
    evaluatedAtMs: startMs + 65_000,
    throughSequence: 1,
    rows: 101,
    status: 'ok',
    detectorId: 'detector',
    state: Uint8Array.of(1, 2, 3),
    results: [],
    segments: [],
    ...parts,
  }
}

export function sampleAlert(parts: Partial<AlertRecord> = {}): AlertRecord {
  return {
    id: 'sha256:alert',
    rule: 'inputs moved',
    model: 'credit',
    version: '1',
    segment: '',
    severity: 'warning',
    state: 'firing',
    activeSinceMs: originMs,
    firedAtMs: originMs + 60_000,
    resolvedAtMs: null,
    lastTrueMs: originMs + 60_000,
    explanation: {
      summary: 'age moved',
      moved: [{ signal: 'feature-drift', feature: 'age', change: 'up by 1.2 sd', effect: 1.2, log10Evidence: 8 }],
      onsetMs: originMs,
      confidence: 'less than one false alarm per month',
      evidence: 1e8,
      threshold: 1e4,
      comparedWith: {
        baselineDigest: 'sha256:b',
        manifestDigest: null,
        baselineRows: 1_000,
        rulesDigest: 'sha256:r',
        detectorId: 'detector',
      },
      window: { startMs: originMs, endMs: originMs + 60_000, rows: 101 },
      diagnosis: [],
      lookFirst: 'the unit of age',
    },
    ...parts,
  }
}

export function sampleEvent(parts: Partial<AlertEvent> = {}): AlertEvent {
  return { alertId: 'sha256:alert', atMs: originMs, kind: 'firing', detail: 'evidence 1e8 over 1e4', ...parts }
}

export function sampleBaseline(rows: number): Baseline {
  return {
    schema: 'driftline.baseline/1',
    model: { name: 'credit', version: '1' },
    createdAt: '2026-01-01T00:00:00.000Z',
    source: { name: 'train.csv', boundsRankError: 0 },
    rows,
    features: [
      {
        name: 'age',
        kind: 'numeric',
        missing: 0,
        invalid: {},
        bounds: [17.5, 30.25, 45],
        counts: [0, rows, 0, 0],
        values: rows,
        mean: 25,
        variance: 4.5,
        min: 18,
        max: 29,
      },
    ],
    predictions: {},
  }
}

export function sampleManifest(seed: number): Manifest {
  return {
    schema: 'driftline.manifest/1',
    model: { name: 'credit', version: '1', task: 'binary-classification' },
    createdAt: '2026-01-01T00:00:00.000Z',
    features: [{ name: 'age', kind: 'numeric', unit: 'year' }],
    seeds: { numpy: seed },
  }
}

/** A block of one second with 200 sums of 1.5: a quarter of a database page. */
export function wideBlock(second: number): Block {
  const startMicros = (originMs + second * secondMs) * 1000
  return {
    scope: wideScope,
    startMicros,
    endMicros: startMicros + 1e6,
    shape: wideShape,
    values: new Float64Array(wideShape.width).fill(1.5),
  }
}
const wideScope = sampleScope()
const wideShape = makeShape(Array.from({ length: 200 }, (_, i) => sum('job', `job ${i}`)))
