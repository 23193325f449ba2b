import type { Baseline, Manifest } from '@driftline/instrumentation/contract'
import type { Clock } from '../clock.ts'
import { Totals } from '../observation/totals.ts'
import {
  StoreUnavailableError,
  type Evaluation,
  type SegmentTotals,
  type Store,
  type StoredEvaluation,
} from '../store/store.ts'
import { compileModel, type CompiledModel } from './compile-model.ts'
import { countsFromTotals } from './counts-from-totals.ts'
import type { SliceCounts } from './evaluate-slice.ts'
import type { DetectorState } from './evidence/model-detector.ts'
import { seasonPlan, type Season } from './evidence/season-plan.ts'
import { createJudges, type Judges } from './judges.ts'
import { qualityResults } from './quality-results.ts'
import type { PresetName } from './presets/preset-names.ts'
import { driftSignals, type Result, type SliceStatus } from './result.ts'
import type { SliceJudge } from './slice-judge.ts'
import { createStoreHistory, type StoreHistory } from './store-history.ts'
import { smallestVolumeHistory, volumeHistory } from './traffic-volume.ts'
import { isDue, sliceAt, type Slice, type WindowPlan } from './window-plan.ts'

/** What evaluation needs to know of a model's rules. */
export interface EvaluationPlan {
  readonly windows: WindowPlan
  /** Evidence steps per allowed false alarm: the threshold that evidence is compared with. */
  readonly budgetSteps: number
  /** Rules of other tools that the model's rules ask for. */
  readonly presets?: readonly PresetName[]
  /** What windows are compared with besides the baseline; default 'none'. */
  readonly season?: Season
}

/** One slice with its verdicts, as handed to the alert rules. */
export interface EvaluatedSlice {
  readonly model: string
  readonly version: string
  readonly slice: Slice
  readonly revision: number
  readonly rows: number
  readonly results: readonly Result[]
  readonly baseline: Baseline
  readonly baselineDigest: string
  readonly manifest: { readonly digest: string; readonly manifest: Manifest } | null
  readonly detectorId: string
}

export interface EvaluatorOptions {
  readonly store: Store
  readonly clock: Clock
  readonly planFor: (model: string, version: string) => EvaluationPlan
  /**
   * Applies the alert rules. It is awaited before the evaluation is saved: after a crash in between, the slice is evaluated
   * and applied once more, which changes nothing; the other order could lose an alarm.
   */
  readonly onEvaluated: (evaluated: EvaluatedSlice) => Promise<void>
  readonly log: (line: string) => void
}

export interface EvaluatorCounters {
  ticks: number
  slices: number
  revisions: number
  failures: number
  /** Features and outputs that the newest slices could not judge: absent, or in other buckets than the baseline's. */
  unwatched: number
}

export interface Evaluator {
  /** Evaluates every slice that is due. Never rejects: a model version that fails is logged, counted and tried again next time. */
  tick(): Promise<void>
  /** Takes up a new baseline at the next tick. */
  forget(model: string, version: string): void
  /** How long the oldest slice that waits for its evaluation has been due; 0 when none does. */
  lagMs(): number
  readonly counters: Readonly<EvaluatorCounters>
}

/** To wait for the store is ordinary; of anything else one needs to know where it came from. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error instanceof StoreUnavailableError ? error.message : (error.stack ?? error.message)
}

/**
 * Runs windowed evaluation over the store: finds slices that hold data they were not evaluated with, computes the verdicts, has the
 * rules applied, and saves everything. All progress lies in the store, so a restart goes on where the last one stopped, and a
 * slice is evaluated once per revision.
 */
export function createEvaluator({ store, clock, planFor, onEvaluated, log }: EvaluatorOptions): Evaluator {
  const counters: EvaluatorCounters = { ticks: 0, slices: 0, revisions: 0, failures: 0, unwatched: 0 }
  const compiled = new Map<string, CurrentModel>()
  /** By model version, the newest slice evaluated; read from the store when it is first asked for. */
  const newest = new Map<string, { readonly startMs: number; readonly rows: number } | null>()
  /** By model version, the start of the last slice that was found to be silent or of no interest. */
  const silences = new Map<string, number>()
  const lastFailure = new Map<string, string>()
  /** By model version with slices that are due: since when the oldest has been. */
  const dueSince = new Map<string, number>()
  /** By model version: what the newest slice could not judge, and why. */
  const unwatched = new Map<string, ReadonlyMap<string, string>>()

  async function tick(): Promise<void> {
    counters.ticks++
    try {
      for (const { model, version } of await store.modelVersions()) {
        try {
          await evaluateVersion(model, version)
          lastFailure.delete(keyOf(model, version))
        } catch (error) {
          counters.failures++
          logFailure(keyOf(model, version), `evaluation of ${model} ${version} failed and will be tried again`, error)
        }
      }
    } catch (error) {
      counters.failures++
      logFailure('', 'evaluation could not list the models', error)
    }
  }

  /** Once per failure, not once per tick: a full disk fails every second, on the disk that holds the log perhaps. */
  function logFailure(key: string, what: string, error: unknown): void {
    const text = `${what}: ${describe(error)}`
    if (lastFailure.get(key) === text) return
    lastFailure.set(key, text)
    log(text)
  }

  /** Says once what could not be judged, and once when it can be again: nobody would hear of it from an alert. */
  function reportUnwatched(model: string, version: string, results: readonly Result[]): void {
    const key = keyOf(model, version)
    const before = unwatched.get(key) ?? new Map<string, string>()
    const now = new Map<string, string>()
    for (const { status, signal, segment, feature, reason, findings } of results) {
      if (status !== 'error' || !driftSignals.includes(signal)) continue
      const subject = `${segment === '' ? '' : `${segment}/`}${feature}`
      now.set(subject, [reason, ...findings.map(({ detail }) => detail)].join(', '))
    }
    for (const [subject, reason] of now) {
      if (before.get(subject) !== reason) log(`${model} ${version}: ${subject} is not watched: ${reason}`)
    }
    for (const subject of before.keys()) if (!now.has(subject)) log(`${model} ${version}: ${subject} is watched again`)
    unwatched.set(key, now)
    counters.unwatched = [...unwatched.values()].reduce((sum, subjects) => sum + subjects.size, 0)
  }

  async function evaluateVersion(model: string, version: string): Promise<void> {
    const plan = planFor(model, version)
    const { windows } = plan
    const now = clock.now()
    const touched = await store.touchedSlices(
      model,
      version,
      windows.everyMs,
      await store.evaluationCursor(model, version),
    )
    const waiting = touched.filter((slice) => !isDue(windows, slice.startMs, now))
    const due = touched.filter((slice) => isDue(windows, slice.startMs, now))
    if (due.length > 0) {
      const changed = await withoutDone(model, version, windows, due)
      if (changed.length > 0) dueSince.set(keyOf(model, version), changed[0]! + windows.everyMs + windows.graceMs)
      if (changed.length > 0) await evaluateFrom(model, version, plan, changed)
      // Blocks of waiting slices stay above the cursor, so that they are found again without any memory of ours.
      const last = Math.max(...touched.map((slice) => slice.lastSequence))
      const cursor = Math.min(last, ...waiting.map((slice) => slice.firstSequence - 1))
      await store.saveEvaluationCursor(model, version, cursor)
      dueSince.delete(keyOf(model, version))
    }
    const withData = new Set(touched.map(({ startMs }) => startMs))
    await evaluateSilence(model, version, plan, withData, now)
  }

  /**
   * Evaluates the first slice after traffic has stopped, which nothing else would bring up, because nobody sent anything. Only that
   * one, and only where traffic was regular: a version that was taken out of service is noted once.
   */
  async function evaluateSilence(
    model: string,
    version: string,
    plan: EvaluationPlan,
    withData: ReadonlySet<number>,
    now: number,
  ): Promise<void> {
    const { windows } = plan
    const key = keyOf(model, version)
    if (!newest.has(key)) newest.set(key, await newestSlice(model, version, windows))
    const last = newest.get(key)
    if (last === undefined || last === null || last.rows === 0) return
    const startMs = last.startMs + windows.everyMs
    if (silences.get(key) === startMs || withData.has(startMs) || !isDue(windows, startMs, now)) return
    silences.set(key, startMs)
    const usual = (await rowsBefore(model, version, windows, startMs)).filter((rows) => rows > 0)
    if (usual.length >= smallestVolumeHistory) await evaluateFrom(model, version, plan, [startMs])
  }

  async function newestSlice(model: string, version: string, windows: WindowPlan) {
    const all = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1, order: 'descending' } as const
    const [evaluation] = await store.evaluations({ model, version, ...all })
    const ofThisLength = evaluation !== undefined && evaluation.endMs - evaluation.startMs === windows.everyMs
    return ofThisLength ? { startMs: evaluation.startMs, rows: evaluation.rows } : null
  }

  /** Leaves out slices whose newest evaluation has already seen all their blocks. */
  async function withoutDone(
    model: string,
    version: string,
    windows: WindowPlan,
    due: readonly { startMs: number; lastSequence: number }[],
  ): Promise<number[]> {
    const first = due[0]!.startMs
    const last = due.at(-1)!.startMs
    const seen = new Map<number, number>()
    for await (const evaluation of evaluationsBetween(model, version, first, last + windows.everyMs)) {
      if (evaluation.endMs - evaluation.startMs === windows.everyMs)
        seen.set(evaluation.startMs, evaluation.throughSequence)
    }
    return due.filter((slice) => slice.lastSequence > (seen.get(slice.startMs) ?? -1)).map((slice) => slice.startMs)
  }

  /** Slices read from the store at a time. */
  const pageSize = 1000

  async function* evaluationsBetween(
    model: string,
    version: string,
    fromMs: number,
    toMs: number,
  ): AsyncGenerator<StoredEvaluation> {
    let from = fromMs
    for (;;) {
      const page = await store.evaluations({ model, version, fromMs: from, toMs, limit: pageSize, order: 'ascending' })
      yield* page
      if (page.length < pageSize) return
      from = page.at(-1)!.startMs + 1
    }
  }

  /**
   * Evaluates the changed slices, and again all later ones that were evaluated before: their evidence rests on what came earlier.
   */
  async function evaluateFrom(
    model: string,
    version: string,
    plan: EvaluationPlan,
    changed: readonly number[],
  ): Promise<void> {
    const current = await currentModel(model, version, plan)
    const manifest = await store.manifestFor(model, version)
    const { windows } = plan
    const firstChanged = changed[0]!
    current?.judges.forgetFrom(firstChanged)
    current?.history.forgetFrom(firstChanged)
    const resumed = current === null ? null : await resumeAt(model, version, current.judges, firstChanged, windows)
    const known = resumed?.known ?? null
    let { judge, state } = resumed ?? { judge: null, state: null }

    const revisions = new Map<number, number>()
    // States of older slices are thinned out in the store; evidence is then recomputed from the last state that is left.
    const recomputeFrom = known === null ? firstChanged : known.startMs + windows.everyMs
    for await (const evaluation of evaluationsBetween(model, version, recomputeFrom, Number.MAX_SAFE_INTEGER)) {
      if (evaluation.endMs - evaluation.startMs === windows.everyMs)
        revisions.set(evaluation.startMs, evaluation.revision)
    }
    const starts = [...new Set([...changed, ...revisions.keys()])].sort((a, b) => a - b)
    const rowsHistory = await rowsBefore(model, version, windows, starts[0]!)
    for (const startMs of starts) {
      const slice = sliceAt(windows, startMs)
      const revision = (revisions.get(startMs) ?? 0) + 1
      const segments = await store.totals(model, version, slice.startMs, slice.endMs)
      const throughSequence = Math.max(-1, ...segments.map((segment) => segment.throughSequence))
      let results: readonly Result[] = []
      let status: SliceStatus = 'no-baseline'
      let rows = rowsWithoutBaseline(segments)
      let encoded = new Uint8Array()
      if (current !== null && judge !== null && state !== null) {
        const next = await current.judges.at(startMs)
        if (next.detectorId !== judge.detectorId) state = next.carry(judge, state)
        judge = next
        const sliceTotals = totalsBySegment(current.compiled, segments)
        const sliceCounts = countsOf(current.compiled, sliceTotals)
        const sliding = slice.windowStartMs < slice.startMs
        const windowTotals = sliding
          ? totalsBySegment(current.compiled, await store.totals(model, version, slice.windowStartMs, slice.endMs))
          : sliceTotals
        const windowCounts = sliding ? countsOf(current.compiled, windowTotals) : sliceCounts
        const evaluated = await judge.evaluate(state, {
          model,
          version,
          slice,
          revision,
          counts: sliceCounts,
          windowCounts,
          rowsHistory,
          ...(plan.presets === undefined ? {} : { presets: plan.presets }),
        })
        state = evaluated.state
        const quality = qualityResults(current.compiled, {
          model,
          version,
          slice,
          revision,
          sliceTotals: sliceTotals.get('')!,
          windowTotals,
          windowCounts,
          manifest: manifest?.manifest ?? null,
          detectorId: judge.detectorId,
        })
        results = [...evaluated.results, ...quality]
        status = evaluated.status
        rows = evaluated.rows
        encoded = judge.save(state)
        reportUnwatched(model, version, results)
        await onEvaluated({
          model,
          version,
          slice,
          revision,
          rows,
          results,
          baseline: current.compiled.baseline,
          baselineDigest: current.compiled.baselineDigest,
          manifest,
          detectorId: judge.detectorId,
        })
      }
      const evaluation: Evaluation = {
        model,
        version,
        startMs: slice.startMs,
        endMs: slice.endMs,
        windowStartMs: slice.windowStartMs,
        revision,
        evaluatedAtMs: clock.now(),
        throughSequence,
        rows,
        status,
        detectorId: judge?.detectorId ?? '',
        state: encoded,
        results,
        segments,
      }
      await store.saveEvaluation(evaluation)
      const key = keyOf(model, version)
      if ((newest.get(key)?.startMs ?? -1) <= startMs) newest.set(key, { startMs, rows })
      rowsHistory.push(rows)
      if (rowsHistory.length > volumeHistory) rowsHistory.shift()
      counters.slices++
      if (revision > 1) counters.revisions++
    }
  }

  /** Who judges the slice, and the state to begin with. */
  async function resumeAt(
    model: string,
    version: string,
    judges: Judges,
    startMs: number,
    { everyMs }: WindowPlan,
  ): Promise<{ judge: SliceJudge; state: DetectorState; known: { readonly startMs: number } | null }> {
    const judge = await judges.at(startMs)
    const known = await store.detectorState(model, version, judge.detectorId, startMs)
    if (known !== null) return { judge, state: judge.restore(known.state), known }
    // The first slice of a newly learned season goes on with the incidents of the one before.
    const before = await judges.at(startMs - everyMs)
    const last =
      before.detectorId === judge.detectorId
        ? null
        : await store.detectorState(model, version, before.detectorId, startMs)
    const state = last === null ? judge.restore(null) : judge.carry(before, before.restore(last.state))
    return { judge, state, known: null }
  }

  /** Rows of the last slices of this length before a time, oldest first. */
  async function rowsBefore(model: string, version: string, windows: WindowPlan, toMs: number): Promise<number[]> {
    const earlier = await store.evaluations({
      model,
      version,
      fromMs: 0,
      toMs,
      limit: volumeHistory,
      order: 'descending',
    })
    return earlier
      .filter(({ startMs, endMs }) => endMs - startMs === windows.everyMs)
      .map(({ rows }) => rows)
      .reverse()
  }

  async function currentModel(model: string, version: string, plan: EvaluationPlan): Promise<CurrentModel | null> {
    const key = keyOf(model, version)
    const cached = compiled.get(key)
    if (cached !== undefined) return cached
    const found = await store.baselineFor(model, version)
    if (found === null) return null
    const one = compileModel({
      baseline: found.baseline,
      baselineDigest: found.digest,
      everyMs: plan.windows.everyMs,
      budgetSteps: plan.budgetSteps,
    })
    const current = withJudges(model, version, one, plan)
    compiled.set(key, current)
    return current
  }

  function withJudges(name: string, version: string, model: CompiledModel, plan: EvaluationPlan): CurrentModel {
    const { everyMs } = plan.windows
    const { season = 'none' } = plan
    const { phaseMs } = season === 'none' ? { phaseMs: everyMs } : seasonPlan(season, everyMs)
    const countsBySegment = (segments: readonly SegmentTotals[]) => countsOf(model, totalsBySegment(model, segments))
    const history = createStoreHistory({ store, model, name, version, everyMs, phaseMs, countsOf: countsBySegment })
    return { compiled: model, judges: createJudges({ model, season, everyMs, history }), history }
  }

  return {
    tick,
    forget: (model, version) => compiled.delete(keyOf(model, version)),
    lagMs: () => (dueSince.size === 0 ? 0 : Math.max(0, clock.now() - Math.min(...dueSince.values()))),
    counters,
  }
}

interface CurrentModel {
  readonly compiled: CompiledModel
  readonly judges: Judges
  readonly history: StoreHistory
}

function keyOf(model: string, version: string): string {
  return `${model}\u0001${version}`
}

/** The whole model under '', and every segment that the baseline declares. */
function totalsBySegment(model: CompiledModel, segments: readonly SegmentTotals[]): ReadonlyMap<string, Totals> {
  const whole = new Totals()
  const bySegment = new Map([['', whole]])
  for (const segment of model.layouts.keys()) if (segment !== '') bySegment.set(segment, new Totals())
  for (const { segment, totals } of segments) {
    whole.addTotals(totals)
    if (segment !== '') bySegment.get(segment)?.addTotals(totals)
  }
  return bySegment
}

function countsOf(model: CompiledModel, totals: ReadonlyMap<string, Totals>): SliceCounts {
  return new Map([...totals].map(([segment, own]) => [segment, countsFromTotals(model.layouts.get(segment)!, own)]))
}

/** Rows as far as they can be told without knowing the features: the largest number of values that one series holds. */
function rowsWithoutBaseline(segments: readonly SegmentTotals[]): number {
  let rows = 0
  for (const { totals } of segments) {
    let most = 0
    for (const { series, values } of totals.entries()) if (series.layout !== null) most = Math.max(most, values[0]!)
    rows += most
  }
  return rows
}
