import { digestJson, type Baseline, type Json } from '@driftline/instrumentation/contract'
import type { AlertRecord, AlertState } from '../alert/alert.ts'
import { createAlertManager } from '../alert/manager.ts'
import {
  columnsOf,
  createWindowAccumulator,
  type OutputColumns,
  type WindowAccumulator,
} from '../baseline/window-accumulator.ts'
import type { Clock } from '../clock.ts'
import { diagnose } from '../diagnose/diagnose.ts'
import type { Diagnosis } from '../diagnose/diagnosis.ts'
import { compileModel } from '../evaluate/compile-model.ts'
import type { SliceCounts } from '../evaluate/evaluate-slice.ts'
import { seasonPlan, type Season } from '../evaluate/evidence/season-plan.ts'
import { createJudges } from '../evaluate/judges.ts'
import type { PresetName } from '../evaluate/presets/preset-names.ts'
import type { Result, SliceStatus } from '../evaluate/result.ts'
import type { EvaluatedHistory, SliceJudge } from '../evaluate/slice-judge.ts'
import { volumeHistory } from '../evaluate/traffic-volume.ts'
import type { LoadedRules } from '../rules/loaded.ts'
import { presetsOf } from '../rules/presets-of.ts'
import { readRows } from '../rows/read-rows.ts'
import type { RowBatch } from '../rows/row-batch.ts'
import { createCutter, type Cut } from './cut-rows.ts'
import { createMemoryAlerts } from './memory-alerts.ts'
import { createMemoryHistory } from './memory-history.ts'
import { addSliceCounts } from './slice-counts.ts'

export interface BacktestOptions {
  readonly file: string
  readonly baseline: Baseline
  readonly rules: LoadedRules
  readonly outputs: OutputColumns
  readonly cut: Cut
  /** Slices per window; 1 for tumbling windows. */
  readonly slicesPerWindow: number
  /** Rules of other tools to be judged as well, beside those that the rules ask for. */
  readonly presets?: readonly PresetName[]
  /** Compares windows of time by season; default: as the rules say. */
  readonly season?: Season
  readonly clock: Clock
}

/** What the collector would have said of one window. */
export interface BacktestWindow {
  /** Number of the window in the run, from 0. */
  readonly window: number
  /** Milliseconds since the epoch, or the numbers of the first row and of the row after the last. */
  readonly start: number
  readonly end: number
  readonly rows: number
  readonly status: SliceStatus
  readonly results: readonly Result[]
  /** Alerts whose state changed with this window. */
  readonly alerts: readonly AlertRecord[]
  readonly diagnosis: readonly Diagnosis[]
}

export interface Backtest {
  windows(): AsyncGenerator<BacktestWindow>
  /** Rows left out, known once the windows have ended. */
  readonly leftOut: { readonly unreadableTime: number; readonly late: number }
}

/**
 * Runs the collector's own evaluation, rules and diagnosis over the rows of a file, in bounded memory.
 *
 * Windows of so many rows have no time of their own: the rules' `every` stands for the time that each takes.
 */
export function createBacktest(options: BacktestOptions): Backtest {
  const { rules, cut } = options
  const baseline = withOutputs(options.baseline, options.outputs)
  const cutter = createCutter(cut)
  const everyMs = cut.kind === 'rows' ? rules.window.everyMs : cut.everyMs
  const baselineDigest = digestJson(options.baseline as unknown as Json)
  const model = compileModel({ baseline, baselineDigest, everyMs, budgetSteps: budgetSteps(rules, everyMs) })
  // Windows of so many rows have no place in a week.
  const season = cut.kind === 'rows' ? 'none' : (options.season ?? rules.season ?? 'none')
  const history = season === 'none' ? null : createMemoryHistory(model, seasonPlan(season, everyMs))
  const judges = createJudges({ model, season, everyMs, history: history ?? noHistory })
  const presets = [...new Set([...(options.presets ?? []), ...presetsOf(rules)])]
  const alerts = createAlertManager({
    store: createMemoryAlerts(),
    notifiers: [],
    clock: options.clock,
    log: () => undefined,
  })

  async function* windows(): AsyncGenerator<BacktestWindow> {
    let judge: SliceJudge | null = null
    let state = model.restore(null)
    const recent: { readonly slice: number; readonly counts: SliceCounts }[] = []
    const accumulators = createAccumulators(baseline, options.outputs)
    let open: number | null = null
    let number = 0
    const rowsHistory: number[] = []
    const states = new Map<string, AlertState>()

    async function finish(slice: number): Promise<BacktestWindow> {
      const counts = accumulators.take()
      recent.push({ slice, counts })
      while (recent[0]!.slice <= slice - options.slicesPerWindow) recent.shift()
      const windowCounts = recent.length === 1 ? counts : recent.map((one) => one.counts).reduce(addSliceCounts)
      const startMs = slice * everyMs
      const bounds = {
        startMs,
        endMs: startMs + everyMs,
        windowStartMs: startMs + everyMs - options.slicesPerWindow * everyMs,
      }
      const { name, version } = baseline.model
      const next = await judges.at(startMs)
      if (judge !== null && next.detectorId !== judge.detectorId) state = next.carry(judge, state)
      judge = next
      const evaluated = await judge.evaluate(state, {
        model: name,
        version,
        slice: bounds,
        revision: 1,
        counts,
        windowCounts,
        rowsHistory,
        presets,
      })
      state = evaluated.state
      history?.add(startMs, counts, evaluated.results)
      rowsHistory.push(evaluated.rows)
      if (rowsHistory.length > volumeHistory) rowsHistory.shift()
      const changed = await alerts.apply(
        { ...rules, model: '*', version: null },
        {
          model: name,
          version,
          startMs: bounds.startMs,
          endMs: bounds.endMs,
          revision: 1,
          rows: evaluated.rows,
          results: evaluated.results,
          comparedWith: {
            baselineDigest,
            manifestDigest: null,
            baselineRows: baseline.rows,
            detectorId: judge.detectorId,
          },
        },
      )
      const turned = changed.filter((alert) => states.get(alert.id) !== alert.state)
      for (const alert of turned) states.set(alert.id, alert.state)
      const size = cut.kind === 'rows' ? cut.rows : everyMs
      return {
        window: number++,
        start: slice * size,
        end: cut.kind === 'rows' ? slice * size + evaluated.rows : bounds.endMs,
        rows: evaluated.rows,
        status: evaluated.status,
        results: evaluated.results,
        alerts: turned,
        diagnosis: diagnose(evaluated.results),
      }
    }

    const columns = [...columnsOf(baseline, options.outputs), ...extraColumns(baseline, cut)]
    for await (const batch of readRows(options.file, { columns: [...new Set(columns)] })) {
      for (const { from, to, slice } of cutter.runs(batch)) {
        if (open !== null && slice !== open) yield await finish(open)
        open = slice
        accumulators.add(batch, from, to)
      }
    }
    if (open !== null) yield await finish(open)
  }

  return {
    windows,
    get leftOut() {
      return { unreadableTime: cutter.unreadable, late: cutter.late }
    },
  }
}

/** The baseline with only those outputs that the file has: the others are not absent by fault, they were not asked about. */
function withOutputs(baseline: Baseline, outputs: OutputColumns): Baseline {
  const { classes, score, confidence, value, ...rest } = baseline.predictions
  const { labels, ...others } = baseline
  const predictions = {
    ...rest,
    ...(classes === undefined || outputs.class === undefined ? {} : { classes }),
    ...(score === undefined || outputs.score === undefined ? {} : { score }),
    ...(confidence === undefined || outputs.confidence === undefined ? {} : { confidence }),
    ...(value === undefined || outputs.value === undefined ? {} : { value }),
  }
  return { ...others, predictions, ...(labels === undefined || outputs.label === undefined ? {} : { labels }) }
}

/** Evidence steps per allowed false alarm, when a step is as long as the slices of this run. */
function budgetSteps(rules: LoadedRules, everyMs: number): number {
  return (rules.alarmThreshold * rules.window.everyMs) / everyMs
}

function extraColumns(baseline: Baseline, cut: Cut): string[] {
  const segment = baseline.segments === undefined ? [] : [baseline.segments.column]
  return cut.kind === 'time' ? [cut.column, ...segment] : segment
}

interface Accumulators {
  add(batch: RowBatch, from: number, to: number): void
  take(): SliceCounts
}

/** One accumulator for the whole model and one per declared segment. */
function createAccumulators(baseline: Baseline, outputs: OutputColumns): Accumulators {
  const whole = createWindowAccumulator(baseline, outputs)
  const { segments, multivariate: components } = baseline
  const bySegment = new Map<string, WindowAccumulator>(
    Object.entries(segments?.values ?? {}).map(([name, { multivariate, ...segment }]) => {
      // Segments have errors of their own, by the components of the whole.
      const own = components && multivariate && { multivariate: { ...components, ...multivariate } }
      return [name, createWindowAccumulator({ ...segment, ...own }, outputs)]
    }),
  )
  return {
    add(batch, from, to) {
      whole.add(batch, from, to)
      if (segments === undefined) return
      const values = batch.columns.get(segments.column)
      // Runs of rows of one segment are added together; sorted files have long ones.
      let start = from
      for (let row = from + 1; row <= to; row++) {
        if (row < to && values?.[row] === values?.[start]) continue
        bySegment.get(String(values?.[start]))?.add(batch, start, row)
        start = row
      }
    },
    take() {
      const counts = new Map([['', whole.take()]])
      for (const [name, accumulator] of bySegment) counts.set(name, accumulator.take())
      return counts
    },
  }
}

const noHistory: EvaluatedHistory = { unit: async () => null, firstMs: async () => null }
