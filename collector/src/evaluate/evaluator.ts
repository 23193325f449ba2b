import type { Baseline, Manifest } from '@driftline/instrumentation/contract'
import type { Clock } from '../clock.ts'
import { Totals } from '../observation/totals.ts'
import type { Evaluation, SegmentTotals, Store, StoredEvaluation } from '../store/store.ts'
import { compileModel, type CompiledModel } from './compile-model.ts'
import { countsFromTotals } from './counts-from-totals.ts'
import { evaluateSlice, type SliceCounts } from './evaluate-slice.ts'
import type { Result, SliceStatus } from './result.ts'
import { isDue, sliceAt, type Slice, type WindowPlan } from './window-plan.ts'

/** What evaluation needs to know of a model's rules. */
export interface EvaluationPlan {
  readonly windows: WindowPlan
  /** Evidence steps per allowed false alarm: the threshold that evidence is compared with. */
  readonly budgetSteps: number
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
  readonly counters: Readonly<EvaluatorCounters>
}

/**
 * Runs windowed evaluation over the store: finds slices that hold data they were not evaluated with, computes the verdicts, has the
 * rules applied, and saves everything. All progress lies in the store, so a restart goes on where the last one stopped, and a
 * slice is evaluated once per revision.
 */
export function createEvaluator({ store, clock, planFor, onEvaluated, log }: EvaluatorOptions): Evaluator {
  const counters: EvaluatorCounters = { ticks: 0, slices: 0, revisions: 0, failures: 0, unwatched: 0 }
  const compiled = new Map<string, CompiledModel>()
  const lastFailure = new Map<string, string>()
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
    const text = `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
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
      if (status !== 'error' || signal === 'data-health') continue
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
      if (changed.length > 0) await evaluateFrom(model, version, plan, changed)
      // Blocks of waiting slices stay above the cursor, so that they are found again without any memory of ours.
      const last = Math.max(...touched.map((slice) => slice.lastSequence))
      const cursor = Math.min(last, ...waiting.map((slice) => slice.firstSequence - 1))
      await store.saveEvaluationCursor(model, version, cursor)
    }
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
    const known = current === null ? null : await store.detectorState(model, version, current.detectorId, firstChanged)
    let state = current === null ? null : current.restore(known?.state ?? null)

    const revisions = new Map<number, number>()
    // States of older slices are thinned out in the store; evidence is then recomputed from the last state that is left.
    const recomputeFrom = known === null ? firstChanged : known.startMs + windows.everyMs
    for await (const evaluation of evaluationsBetween(model, version, recomputeFrom, Number.MAX_SAFE_INTEGER)) {
      if (evaluation.endMs - evaluation.startMs === windows.everyMs)
        revisions.set(evaluation.startMs, evaluation.revision)
    }
    const starts = [...new Set([...changed, ...revisions.keys()])].sort((a, b) => a - b)
    for (const startMs of starts) {
      const slice = sliceAt(windows, startMs)
      const revision = (revisions.get(startMs) ?? 0) + 1
      const segments = await store.totals(model, version, slice.startMs, slice.endMs)
      const throughSequence = Math.max(-1, ...segments.map((segment) => segment.throughSequence))
      let results: readonly Result[] = []
      let status: SliceStatus = 'no-baseline'
      let rows = rowsWithoutBaseline(segments)
      let encoded = new Uint8Array()
      if (current !== null && state !== null) {
        const sliceCounts = countsBySegment(current, segments)
        const sliding = slice.windowStartMs < slice.startMs
        const windowCounts = sliding
          ? countsBySegment(current, await store.totals(model, version, slice.windowStartMs, slice.endMs))
          : sliceCounts
        const evaluated = evaluateSlice(current, state, {
          model,
          version,
          slice,
          revision,
          counts: sliceCounts,
          windowCounts,
        })
        state = evaluated.state
        results = evaluated.results
        status = evaluated.status
        rows = evaluated.rows
        encoded = current.save(state)
        reportUnwatched(model, version, results)
        await onEvaluated({
          model,
          version,
          slice,
          revision,
          rows,
          results,
          baseline: current.baseline,
          baselineDigest: current.baselineDigest,
          manifest,
          detectorId: current.detectorId,
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
        detectorId: current?.detectorId ?? '',
        state: encoded,
        results,
        segments,
      }
      await store.saveEvaluation(evaluation)
      counters.slices++
      if (revision > 1) counters.revisions++
    }
  }

  async function currentModel(model: string, version: string, plan: EvaluationPlan): Promise<CompiledModel | null> {
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
    compiled.set(key, one)
    return one
  }

  return {
    tick,
    forget: (model, version) => compiled.delete(keyOf(model, version)),
    counters,
  }
}

function keyOf(model: string, version: string): string {
  return `${model}\u0001${version}`
}

/** The whole model under '', and every segment that the baseline declares. */
function countsBySegment(model: CompiledModel, segments: readonly SegmentTotals[]): SliceCounts {
  const whole = new Totals()
  const bySegment = new Map<string, Totals>()
  for (const { segment, totals } of segments) {
    whole.addTotals(totals)
    if (!model.layouts.has(segment) || segment === '') continue
    const sum = bySegment.get(segment) ?? new Totals()
    sum.addTotals(totals)
    bySegment.set(segment, sum)
  }
  const counts = new Map([['', countsFromTotals(model.layouts.get('')!, whole)]])
  for (const [segment, layout] of model.layouts) {
    if (segment !== '') counts.set(segment, countsFromTotals(layout, bySegment.get(segment) ?? new Totals()))
  }
  return counts
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
