import { otherCategory, type CategoricalSummary, type NumericSummary } from '@driftline/instrumentation/contract'
import { compareCategorical } from './compare-categorical.ts'
import { compareNumeric } from './compare-numeric.ts'
import type { CompiledModel, Subject } from './compile-model.ts'
import { dataHealth, healthStatus, imputedRate } from './data-health.ts'
import { enoughLabels, labelCompleteness } from './label-completeness.ts'
import {
  step,
  type DetectorState,
  type MonitorInput,
  type MonitorStep,
  type StepResult,
} from './evidence/model-detector.ts'
import { presetVerdicts } from './presets/presets.ts'
import type { PresetName } from './presets/preset-names.ts'
import type {
  Effect,
  Evidence,
  Moments,
  PresetVerdict,
  Result,
  ResultReference,
  ResultStatus,
  ResultSummary,
  SliceStatus,
} from './result.ts'
import { trafficVolume } from './traffic-volume.ts'
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
  /** Rows of earlier slices of the same length, in any order: what the traffic is compared with. Default: none. */
  readonly rowsHistory?: readonly number[]
  /** Rules of other tools to be judged beside; default: none. */
  readonly presets?: readonly PresetName[]
  /** When the rules ask for a season. */
  readonly season?: SliceSeason
}

/** How a slice is judged by season. */
export interface SliceSeason {
  /** Advances the season's detector; absent while the baseline's still judges. */
  readonly step?: (inputs: readonly (MonitorInput | null)[]) => StepResult
  /** In the order of the model's subjects. */
  readonly subjects: readonly SubjectSeason[]
}

export interface SubjectSeason {
  readonly reference: ResultReference
  /** Puts the season in the place of the baseline for distances, tests and effect; null: they stay with the baseline. */
  readonly compare:
    | (<Summary extends NumericSummary | CategoricalSummary>(
        baseline: Summary,
        window: Distribution,
      ) => { readonly baseline: Summary; readonly window: Distribution })
    | null
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
  const stepped = input.season?.step?.(inputs) ?? step(model.detector, state, inputs, input.slice.startMs)
  const results: Result[] = []
  for (let i = 0; i < model.subjects.length; i++) {
    const subject = model.subjects[i]!
    const window = input.windowCounts.get(subject.segment)
    const verdict = verdictOn(model, subject, window, stepped.monitors[i]!, input, input.season?.subjects[i])
    results.push(verdict)
    if (subject.kind === 'feature') results.push(healthOf(verdict, subject, window))
  }
  const rows = input.counts.get('')?.rows ?? 0
  results.push(volumeOf(model, rows, input))
  return { results, state: stepped.state, status: worst(results, rows), rows }
}

/** What a monitor's detector takes of a slice; null when there is nothing usable. */
export function monitorInput(subject: Subject, counts: SliceCounts): MonitorInput | null {
  const window = counts.get(subject.segment)
  if (subject.kind === 'output') {
    const distribution = window?.outputs.get(subject.name)?.distribution
    if (distribution === undefined || distribution.kind === 'unusable') return null
    return { counts: distribution.counts, missing: 0, invalid: 0, rows: distribution.values }
  }
  if (subject.kind === 'labels') {
    const labels = window?.labels
    if (labels === undefined || labels.distribution.kind === 'unusable' || !enoughLabels(labels)) return null
    const { counts: classes, values } = labels.distribution
    return { counts: classes, missing: 0, invalid: 0, rows: values }
  }
  if (subject.kind === 'multivariate') {
    const distribution = window?.reconstruction?.distribution
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
  season: SubjectSeason | undefined,
): Result {
  const feature = subject.kind === 'feature' ? window?.features.get(subject.name) : undefined
  const labels = subject.kind === 'labels' ? window?.labels : undefined
  const distribution = distributionOf(subject, window)
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
    rates: labels === undefined ? imputedOf(subject, window) : { completeness: labelCompleteness(labels) },
    findings: [],
  }
  const flaggedRows = feature === undefined ? 0 : feature.missing + invalidRows(feature.invalid)
  const sizes = {
    window: distribution?.values ?? 0,
    baseline: season?.reference.values ?? subject.baseline.values,
    windowRows: (distribution?.values ?? 0) + flaggedRows,
    dispersion: monitor.dispersion,
    zEta: model.detector.zEta,
  }
  const numbers =
    distribution === undefined || distribution.kind === 'unusable'
      ? null
      : compareWith(season, subject, distribution, model.detector.zEta)
  const { status, reason } = bySeason(season, statusOf(subject, window, distribution, monitor))
  // Evidence that these labels did not enter says nothing of them; a rule must not take it for calm.
  const evidence = reason === 'labels-incomplete' ? null : evidenceOf(monitor, model)
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
    ...(season === undefined ? {} : { reference: season.reference }),
    ...(input.presets === undefined || input.presets.length === 0 || subject.kind === 'multivariate'
      ? {}
      : { presets: presetsOf(input.presets, subject, distribution, feature, reason) }),
  }
}

/** What the rules of other tools say of the same window, against the baseline itself: a season is no reference of theirs. */
function presetsOf(
  names: readonly PresetName[],
  { baseline, signal, rows }: Subject,
  distribution: Distribution | undefined,
  feature: FeatureCounts | undefined,
  reason: string | null,
): Record<string, PresetVerdict> {
  const values = distribution?.values ?? 0
  // Labels that came so far are no sample of all.
  if (reason === 'labels-incomplete') return presetVerdicts(names, { reason, values })
  const missing =
    feature === undefined || !('missing' in baseline)
      ? null
      : {
          baseline: { missing: baseline.missing, rows },
          window: { missing: feature.missing, rows: values + feature.missing + invalidRows(feature.invalid) },
        }
  if (distribution?.kind === 'numeric' && 'bounds' in baseline)
    return presetVerdicts(names, { kind: 'numeric', signal, missing, baseline, window: distribution })
  if (distribution?.kind === 'categorical' && 'categories' in baseline)
    return presetVerdicts(names, { kind: 'categorical', signal, missing, baseline, window: distribution })
  return presetVerdicts(names, { reason: reason ?? 'not-comparable', values })
}

function imputedOf(subject: Subject, window: WindowCounts | undefined): Result['rates'] {
  if (subject.kind !== 'multivariate' || window?.reconstruction === undefined) return {}
  return { imputed: imputedRate(window.reconstruction, subject.imputed, subject.rows) }
}

export function distributionOf(subject: Subject, window: WindowCounts | undefined): Distribution | undefined {
  if (subject.kind === 'feature') return window?.features.get(subject.name)?.distribution
  if (subject.kind === 'labels') return window?.labels?.distribution
  if (subject.kind === 'multivariate') return window?.reconstruction?.distribution
  return window?.outputs.get(subject.name)?.distribution
}

/** `error` before `drift` before `insufficient` before `ok`: an open incident stays visible when the data stops, not when it contradicts itself. */
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
  if (subject.kind === 'labels' && window !== undefined && window.rows + (distribution?.values ?? 0) > 0) {
    if (!enoughLabels(window.labels)) return { status: 'insufficient', reason: 'labels-incomplete' }
  } else if (window === undefined || window.rows === 0) return { status: 'insufficient', reason: 'empty-window' }
  if (distribution === undefined) return { status: 'error', reason: absentReason[subject.kind] }
  if (distribution.values === 0) return { status: 'insufficient', reason: 'no-values' }
  if (subject.baseline.values === 0) return { status: 'insufficient', reason: 'empty-baseline' }
  if (!monitor.monitored) return { status: 'insufficient', reason: 'segment-too-small' }
  const asked = 'bounds' in subject.baseline ? effectAskedFor.numeric : effectAskedFor.categorical
  if (monitor.smallestDetectable === null) return { status: 'insufficient', reason: 'constant-baseline' }
  if (monitor.smallestDetectable > asked) return { status: 'insufficient', reason: 'too-few-rows' }
  return { status: 'ok', reason: null }
}

/** The window has rows, but nothing of what is watched was ever reported in it. */
const absentReason = {
  feature: 'feature-absent',
  output: 'output-absent',
  labels: 'output-absent',
  multivariate: 'errors-absent',
} as const

/** Without a reference of its phase a window was not looked at, however calm the evidence is. */
function bySeason(
  season: SubjectSeason | undefined,
  said: { status: ResultStatus; reason: string | null },
): { status: ResultStatus; reason: string | null } {
  const unseen = season?.reference.kind === 'season' && season.reference.windows === 0
  const calm = said.status === 'ok' || said.reason === 'too-few-rows'
  return unseen && calm ? { status: 'insufficient', reason: 'no-season-reference' } : said
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

function compareWith(
  season: SubjectSeason | undefined,
  subject: Subject,
  distribution: Exclude<Distribution, { kind: 'unusable' }>,
  zEta: number,
): Numbers {
  if (season === undefined || season.compare === null) return compare(subject, distribution, zEta)
  const { baseline, window } = season.compare<NumericSummary | CategoricalSummary>(subject.baseline, distribution)
  return compare({ ...subject, baseline } as Subject, window as typeof distribution, zEta)
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
  const { status, reason } = healthStatus(verdict, health)
  const { presets: _, ...common } = verdict
  return {
    ...common,
    signal: 'data-health',
    status,
    reason,
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

/** The data-health result of the whole model: how many rows came. It carries no evidence and never a verdict of drift. */
function volumeOf(model: CompiledModel, rows: number, input: SliceInput): Result {
  const { expected, rates, findings } = trafficVolume(rows, input.rowsHistory ?? [])
  const reason = rows === 0 ? 'empty-window' : expected === null ? 'too-few-windows' : null
  return {
    model: input.model,
    version: input.version,
    segment: '',
    signal: 'data-health',
    feature: '',
    startMs: input.slice.startMs,
    endMs: input.slice.endMs,
    revision: input.revision,
    status: reason === null ? 'ok' : 'insufficient',
    reason,
    effect: null,
    pValue: null,
    evidence: null,
    distances: {},
    tests: {},
    rates,
    findings,
    smallestDetectable: null,
    sizes: { window: rows, baseline: model.baseline.rows, windowRows: rows, dispersion: 1, zEta: model.detector.zEta },
    baselineDigest: model.baselineDigest,
    detectorId: model.detectorId,
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
