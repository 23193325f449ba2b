import { fileURLToPath } from 'node:url'
import { readBaseline } from '../../collector/src/baseline/read-baseline.ts'
import { createBacktest } from '../../collector/src/backtest/backtest.ts'
import { systemClock } from '../../collector/src/clock.ts'
import { defaultRules } from '../../collector/src/rules/default-rules.ts'

export interface RealDataTask {
  readonly task: 'real-data'
  readonly file: 'held-out' | 'later-years'
  readonly windowRows: number
}

export interface RealDataOutcome {
  readonly windows: number
  readonly alarms: number
  /** Number of the first window with an alarm, from 1; null when there was none. */
  readonly firstAlarm: number | null
  /** What it was about. */
  readonly features: readonly string[]
  /** Windows in which a feature's p-value (all its tests, Bonferroni) was below 0.05. */
  readonly windowsWithSmallP: number
}

const example = new URL('../../examples/employment/', import.meta.url)

/** The repository's employment data in the order of its file, through the collector's own backtest. */
export async function replayEmployment(task: RealDataTask): Promise<RealDataOutcome> {
  const backtest = createBacktest({
    file: fileURLToPath(new URL(`data/${task.file}.csv.gz`, example)),
    baseline: await readBaseline(fileURLToPath(new URL('baseline.json', example))),
    rules: defaultRules,
    cut: { kind: 'rows', rows: task.windowRows },
    slicesPerWindow: 1,
    clock: systemClock,
    outputs: {},
  })
  let windows = 0
  let alarms = 0
  let firstAlarm: number | null = null
  let features: readonly string[] = []
  let windowsWithSmallP = 0
  for await (const window of backtest.windows()) {
    windows++
    if (window.results.some(({ pValue }) => pValue !== null && pValue < 0.05)) windowsWithSmallP++
    const alarming = window.results.filter(({ evidence }) => evidence?.alarm === true)
    if (alarming.length === 0) continue
    alarms++
    if (firstAlarm === null) {
      firstAlarm = windows
      features = [...new Set(alarming.map(({ feature }) => feature))]
    }
  }
  return { windows, alarms, firstAlarm, features, windowsWithSmallP }
}
