import {
  digestJson,
  multivariateDetector,
  type Baseline,
  type CategoricalSummary,
  type FeatureBaseline,
  type NumericSummary,
  type PredictionBaseline,
} from '@driftline/instrumentation/contract'
import type { CountsLayout } from './counts-from-totals.ts'
import {
  compileDetector,
  decodeState,
  encodeState,
  initialState,
  type CompiledDetector,
  type DetectorState,
  type MonitorDefinition,
} from './evidence/model-detector.ts'
import type { Signal } from './result.ts'
import type { OutputName } from './window-counts.ts'

/** A baseline made ready for evaluation: everything that does not change from window to window. */
export interface CompiledModel {
  readonly baseline: Baseline
  readonly baselineDigest: string
  /** Equal for equal detectors: evidence is only carried on between slices with the same id. */
  readonly detectorId: string
  readonly detector: CompiledDetector
  /** What the detector was compiled from, in the order of its monitors. */
  readonly definitions: readonly MonitorDefinition[]
  /** In the order of the detector's monitors. */
  readonly subjects: readonly Subject[]
  /** By segment; '' is the whole model. */
  readonly layouts: ReadonlyMap<string, CountsLayout>
  restore(state: Uint8Array | null): DetectorState
  save(state: DetectorState): Uint8Array<ArrayBuffer>
}

/** What one monitor watches. */
export type Subject = {
  readonly segment: string
  readonly signal: Signal
  readonly rows: number
  readonly chunked: boolean
} & (
  | { readonly kind: 'feature'; readonly name: string; readonly baseline: FeatureBaseline }
  | { readonly kind: 'output'; readonly name: OutputName; readonly baseline: NumericSummary | CategoricalSummary }
  | { readonly kind: 'labels'; readonly name: 'label'; readonly baseline: CategoricalSummary }
  | {
      readonly kind: 'multivariate'
      readonly name: typeof multivariateDetector
      readonly baseline: NumericSummary
      /** Baseline rows of which a value was imputed. */
      readonly imputed: number
    }
)

/** Changes whenever the same baseline would lead to other evidence, so that old states are not carried on. */
const detectorVersion = 1

export interface ModelOptions {
  readonly baseline: Baseline
  readonly baselineDigest: string
  readonly everyMs: number
  readonly budgetSteps: number
}

export function compileModel({ baseline, baselineDigest, everyMs, budgetSteps }: ModelOptions): CompiledModel {
  const subjects: Subject[] = []
  const monitors: MonitorDefinition[] = []
  const layouts = new Map<string, CountsLayout>()

  const addSegment = (
    segment: string,
    layout: CountsLayout,
    rows: number,
    chunkRows: readonly number[] | undefined,
  ) => {
    layouts.set(segment, layout)
    for (const feature of layout.features) {
      const chunked = feature.chunks !== undefined && chunkRows !== undefined
      subjects.push({
        segment,
        signal: 'feature-drift',
        kind: 'feature',
        name: feature.name,
        baseline: feature,
        rows,
        chunked,
      })
      monitors.push(featureMonitor(segment, feature, rows, chunkRows))
    }
    for (const [name, summary] of outputsOf(layout.predictions)) {
      const chunked = summary.chunks !== undefined && chunkRows !== undefined
      const signal = name === 'confidence' ? 'confidence-drift' : 'prediction-drift'
      subjects.push({ segment, signal, kind: 'output', name, baseline: summary, rows, chunked })
      monitors.push({
        id: `output:${name}`,
        segment,
        family: 'predictions',
        kind: 'bounds' in summary ? 'numeric' : 'categorical',
        baselineCounts: summary.counts,
        baselineRows: rows,
        ...(summary.chunks === undefined ? {} : { chunkCounts: summary.chunks }),
        ...('categories' in summary ? { categories: summary.categories } : { bounds: summary.bounds }),
      })
    }
    const { labels } = layout
    if (labels !== undefined) {
      const chunked = labels.chunks !== undefined && chunkRows !== undefined
      subjects.push({ segment, signal: 'label-drift', kind: 'labels', name: 'label', baseline: labels, rows, chunked })
      monitors.push({
        id: 'label',
        segment,
        family: 'labels',
        kind: 'categorical',
        baselineCounts: labels.counts,
        baselineRows: rows,
        ...(labels.chunks === undefined ? {} : { chunkCounts: labels.chunks }),
        categories: labels.categories,
      })
    }
    if (layout.multivariate !== undefined) {
      const { error, imputed } = layout.multivariate
      const chunked = error.chunks !== undefined && chunkRows !== undefined
      const common = { segment, signal: 'multivariate-drift', kind: 'multivariate', rows, chunked } as const
      subjects.push({ ...common, name: multivariateDetector, baseline: error, imputed })
      monitors.push({
        id: `multivariate:${multivariateDetector}`,
        segment,
        family: 'multivariate',
        kind: 'numeric',
        baselineCounts: error.counts,
        baselineRows: rows,
        ...(error.chunks === undefined ? {} : { chunkCounts: error.chunks }),
        bounds: error.bounds,
      })
    }
  }
  addSegment('', baseline, baseline.rows, baseline.chunking?.rows)
  for (const [segment, one] of Object.entries(baseline.segments?.values ?? {})) {
    addSegment(segment, one, one.rows, one.chunkRows)
  }

  const detector = compileDetector({ monitors, budgetSteps })
  return {
    baseline,
    baselineDigest,
    detectorId: digestJson({ detectorVersion, fingerprint: detector.fingerprint, baselineDigest, everyMs }),
    detector,
    definitions: monitors,
    subjects,
    layouts,
    restore: (state) => (state === null ? initialState(detector) : decodeState(detector, state)),
    save: (state) => encodeState(state),
  }
}

/**
 * Compiles a baseline only to see whether it can be.
 *
 * @throws RangeError listing what contradicts itself.
 */
export function requireCompilable(baseline: Baseline): void {
  compileModel({ baseline, baselineDigest: '', everyMs: 1, budgetSteps: 1 })
}

function featureMonitor(
  segment: string,
  feature: FeatureBaseline,
  rows: number,
  chunkRows: readonly number[] | undefined,
): MonitorDefinition {
  const invalid = (feature.invalid.nan ?? 0) + (feature.invalid.infinite ?? 0) + (feature.invalid.wrong_type ?? 0)
  const flag = (count: number, chunks: readonly number[] | undefined) => ({
    count,
    rows,
    ...(chunks === undefined || chunkRows === undefined ? {} : { chunkCounts: chunks, chunkRows }),
  })
  return {
    id: `feature:${feature.name}`,
    segment,
    family: 'features',
    kind: feature.kind === 'numeric' ? 'numeric' : 'categorical',
    baselineCounts: feature.counts,
    baselineRows: rows,
    ...(feature.chunks === undefined ? {} : { chunkCounts: feature.chunks }),
    ...(feature.kind === 'numeric' ? { bounds: feature.bounds } : { categories: feature.categories }),
    missing: flag(feature.missing, feature.chunkMissing),
    invalid: flag(invalid, feature.chunkInvalid),
  }
}

function outputsOf(predictions: PredictionBaseline): [OutputName, NumericSummary | CategoricalSummary][] {
  const outputs: [OutputName, NumericSummary | CategoricalSummary][] = []
  if (predictions.classes !== undefined) outputs.push(['class', predictions.classes])
  if (predictions.score !== undefined) outputs.push(['score', predictions.score])
  if (predictions.confidence !== undefined) outputs.push(['confidence', predictions.confidence])
  if (predictions.value !== undefined) outputs.push(['value', predictions.value])
  return outputs
}
