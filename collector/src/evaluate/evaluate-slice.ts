import { otherCategory } from '@driftline/instrumentation/contract'
import { compareCategorical } from './compare-categorical.ts'
import { compareNumeric } from './compare-numeric.ts'
import type { CompiledModel, Subject } from './compile-model.ts'
import { dataHealth } from './data-health.ts'
import { step, type DetectorState, type MonitorInput, type MonitorStep } from './evidence/model-detector.ts'
import type { Effect, Evidence, Moments, Result, ResultStatus, ResultSummary, SliceStatus } from './result.ts'
import type { Slice } from './window-plan.ts'
import { invalidRows, type Distribution, type FeatureCounts, type WindowCounts } from './window-counts.ts'

/** By segment; '' is the whole model. */
export type SliceCounts = ReadonlyMap<string, WindowCounts>

export interface SliceInput {
  readonly model: string
  readonly version: string
  readonly slice: Slice
  readonly revision: number
  /** Of the disjoint slice: what evidence advances on. */
  readonly counts: SliceCounts
  /** Of the sliding window that ends with the slice: what distances, tests and rates are computed on. */
  readonly windowCounts: SliceCounts
}

export interface EvaluatedCounts {
  readonly results: readonly Result[]
  readonly state: DetectorState
  readonly status: SliceStatus
  /** Rows of the slice. */
  readonly rows: number
}

/** Shift that a user wants to be able to see, for the status `insufficient`: 0.2 baseline sd, or 0.05 of a rate (STATISTICS §1). */
const effectAskedFor = { numeric: 0.2, categorical: 0.05 } as const

/** All verdicts on one slice. Pure: the same model, state and counts give the same results. */
export function evaluateSlice(model: CompiledModel, state: DetectorState, input: SliceInput): EvaluatedCounts {
  const inputs = model.subjects.map((subject) => monitorInput(subject, input.counts))
  const stepped = step(model.detector, state, inputs, input.slice.startMs)
  const results: Result[] = []
  for (let i = 0; i < model.subjects.length; i++) {
    const subject = model.subjects[i]!
    const window = input.windowCounts.get(subject.segment)
    const verdict = verdictOn(model, subject, window, stepped.monitors[i]!, input)
    results.push(verdict)
    if (subject.kind === 'feature') results.push(healthOf(verdict, subject, window))
  }
  const rows = input.counts.get('')?.rows ?? 0
  return { results, state: stepped.state, status: worst(results, rows), rows }
}

function monitorInput(subject: Subject, counts: SliceCounts): MonitorInput | null {
  const window = counts.get(subject.segment)
  if (subject.kind === 'output') {
    const distribution = window?.outputs.get(subject.name)?.distribution
    if (distribution === undefined || distribution.kind === 'unusable') return null
    return { counts: distribution.counts, missing: 0, invalid: 0, rows: distribution.values }
  }
  const feature = window?.features.get(subject.name)
  if (feature === undefined || feature.distribution.kind === 'unusable') return null
  const invalid = invalidRows(feature.invalid)
  return {
    counts: feature.distribution.counts,
    missing: feature.missing,
    invalid,
    rows: feature.distribution.values + feature.missing + invalid,
  }
}

function verdictOn(
  model: CompiledModel,
  subject: Subject,
  window: WindowCounts | undefined,
  monitor: MonitorStep,
  input: SliceInput,
): Result {
  const feature = subject.kind === 'feature' ? window?.features.get(subject.name) : undefined
  const distribution =
    subject.kind === 'feature' ? feature?.distribution : window?.outputs.get(subject.name)?.distribution
  const base = {
    model: input.model,
    version: input.version,
    segment: subject.segment,
    signal: subject.signal,
    feature: subject.name,
    startMs: input.slice.windowStartMs,
    endMs: input.slice.endMs,
    revision: input.revision,
    baselineDigest: model.baselineDigest,
    detectorId: model.detectorId,
    rates: {},
    findings: [],
  }
  const flaggedRows = feature === undefined ? 0 : feature.missing + invalidRows(feature.invalid)
  const sizes = {
    window: distribution?.values ?? 0,
    baseline: subject.baseline.values,
    windowRows: (distribution?.values ?? 0) + flaggedRows,
    dispersion: monitor.dispersion,
    zEta: model.detector.zEta,
  }
  const evidence = evidenceOf(monitor, model)
  const numbers =
    distribution === undefined || distribution.kind === 'unusable'
      ? null
      : compare(subject, distribution, model.detector.zEta)
  const { status, reason } = statusOf(subject, window, distribution, monitor)
  return {
    ...base,
    status,
    reason,
    effect: numbers?.effect ?? null,
    pValue: numbers?.pValue ?? null,
    evidence,
    distances: numbers?.distances ?? {},
    tests: numbers?.tests ?? {},
    smallestDetectable: monitor.smallestDetectable,
    sizes,
    summary: numbers?.summary ?? null,
  }
}

/** `drift` before `error` before `insufficient` before `ok`: an open incident stays visible even when the data stops. */
function statusOf(
  subject: Subject,
  window: WindowCounts | undefined,
  distribution: Distribution | undefined,
  monitor: MonitorStep,
): { status: ResultStatus; reason: string | null } {
  if (distribution?.kind === 'unusable') return { status: 'error', reason: distribution.reason }
  if (monitor.problem !== null) return { status: 'error', reason: monitor.problem }
  if (monitor.alarm) return { status: 'drift', reason: 'alarm' }
  if (monitor.incident !== null) return { status: 'drift', reason: 'open-incident' }
  if (window === undefined || window.rows === 0) return { status: 'insufficient', reason: 'empty-window' }
  if (distribution === undefined)
    return { status: 'error', reason: subject.kind === 'feature' ? 'feature-absent' : 'output-absent' }
  if (distribution.values === 0) return { status: 'insufficient', reason: 'no-values' }
  if (subject.baseline.values === 0) return { status: 'insufficient', reason: 'empty-baseline' }
  if (!monitor.monitored) return { status: 'insufficient', reason: 'segment-too-small' }
  const asked = 'bounds' in subject.baseline ? effectAskedFor.numeric : effectAskedFor.categorical
  if (monitor.smallestDetectable === null) return { status: 'insufficient', reason: 'constant-baseline' }
  if (monitor.smallestDetectable > asked) return { status: 'insufficient', reason: 'too-few-rows' }
  return { status: 'ok', reason: null }
}

function evidenceOf(monitor: MonitorStep, model: CompiledModel): Evidence {
  return {
    log10Feature: monitor.log10Evidence,
    log10Model: monitor.log10ModelEvidence,
    threshold: model.detector.budgetSteps,
    log10Step: monitor.log10Step,
    leadingGroup: monitor.leadingGroup,
    leadingRow: monitor.leadingRow,
    alarm: monitor.alarm,
    incident: monitor.incident,
  }
}

interface Numbers {
  readonly effect: Effect | null
  readonly pValue: number | null
  readonly distances: Result['distances']
  readonly tests: Result['tests']
  readonly summary: ResultSummary
}

function compare(subject: Subject, distribution: Exclude<Distribution, { kind: 'unusable' }>, zEta: number): Numbers {
  const { baseline } = subject
  if (distribution.kind === 'numeric' && 'bounds' in baseline) {
    const { values, sum, sumOfSquares } = distribution
    const comparison = compareNumeric(baseline, distribution, { zEta })
    const windowMean = values > 0 ? baseline.mean + sum / values : Number.NaN
    const windowVariance = values > 0 ? Math.max(0, sumOfSquares / values - (sum / values) ** 2) : Number.NaN
    return {
      ...comparison,
      summary: {
        kind: 'numeric',
        bounds: baseline.bounds,
        baselineCounts: baseline.counts,
        windowCounts: [...distribution.counts],
        baseline: moments(baseline.mean, Math.sqrt(baseline.variance), baseline.min, baseline.max),
        window: moments(windowMean, Math.sqrt(windowVariance), distribution.min, distribution.max),
      },
    }
  }
  if (distribution.kind === 'categorical' && 'categories' in baseline) {
    return {
      ...compareCategorical(baseline, distribution, { zEta }),
      summary: {
        kind: 'categorical',
        categories: [...baseline.categories, otherCategory],
        baselineCounts: baseline.counts,
        windowCounts: [...distribution.counts],
      },
    }
  }
  // countsFromTotals turns a contradiction of kinds into an unusable distribution before it comes here.
  throw new Error(`${subject.name}: a ${distribution.kind} window cannot be compared with its baseline`)
}

function moments(mean: number, standardDeviation: number, min: number, max: number): Moments {
  const orNull = (value: number) => (Number.isNaN(value) ? null : value)
  return { mean: orNull(mean), standardDeviation: orNull(standardDeviation), min: orNull(min), max: orNull(max) }
}

/** The data-health result of a feature: rates and findings, with the status of what the flags say. */
function healthOf(verdict: Result, subject: Subject & { kind: 'feature' }, window: WindowCounts | undefined): Result {
  const counts: FeatureCounts | undefined = window?.features.get(subject.name)
  const health = counts === undefined ? { rates: {}, findings: [] } : dataHealth(subject.baseline, counts, subject.rows)
  const flagged = verdict.status === 'drift' && ['missing', 'invalid'].includes(verdict.evidence?.leadingGroup ?? '')
  const status: ResultStatus =
    verdict.status === 'error' ? 'error' : flagged ? 'drift' : verdict.sizes.windowRows === 0 ? 'insufficient' : 'ok'
  return {
    ...verdict,
    signal: 'data-health',
    status,
    reason: status === 'ok' ? null : verdict.reason,
    effect: null,
    pValue: null,
    evidence: null,
    distances: {},
    tests: {},
    smallestDetectable: null,
    rates: health.rates,
    findings: health.findings,
    summary: null,
  }
}

function worst(results: readonly Result[], rows: number): SliceStatus {
  if (results.some((result) => result.status === 'drift')) return 'drift'
  if (rows === 0) return 'insufficient'
  if (results.some((result) => result.status === 'error')) return 'error'
  const verdicts = results.filter((result) => result.signal !== 'data-health' && result.segment === '')
  return verdicts.every((result) => result.status === 'insufficient') ? 'insufficient' : 'ok'
}
