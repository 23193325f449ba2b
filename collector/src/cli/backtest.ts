import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { formatAlert } from '../alert/format.ts'
import { readBaseline } from '../baseline/read-baseline.ts'
import { createBacktest, type BacktestWindow } from '../backtest/backtest.ts'
import type { Cut } from '../backtest/cut-rows.ts'
import { seasonProblem, type Season } from '../evaluate/evidence/season-plan.ts'
import { presetNames, type PresetName } from '../evaluate/presets/preset-names.ts'
import { summarisePreset } from '../evaluate/presets/preset-summary.ts'
import type { Result } from '../evaluate/result.ts'
import { defaultRules } from '../rules/default-rules.ts'
import { loadRules } from '../rules/load.ts'
import type { LoadedRules } from '../rules/loaded.ts'
import { closest } from '../rules/suggest.ts'
import { UsageError, type Command } from './command.ts'
import { durationOption } from './duration-option.ts'
import { createPresetTally, presetLine } from './preset-lines.ts'
import { statisticsLines, statisticsOf } from './statistics-lines.ts'

export const backtestCommand: Command = {
  name: 'backtest',
  summary: 'run the evaluation and the rules of the collector over a file',
  usage: `Usage: driftline backtest --baseline FILE --data FILE (--rows N | --time COLUMN [--window 1h] [--every 5m]) [options]

Bins the rows of a file as the recorder would, cuts them into windows, and says what the collector would have said of each.

Options:
  --baseline FILE     the reference
  --data FILE         rows: .csv, .tsv, .jsonl (also .gz) or .parquet, in time order
  --rows N            windows of N rows
  --time COLUMN       windows of time, by this column
  --window DURATION   length of a window (default: of the rules)
  --every DURATION    length of the disjoint slices that evidence advances on (default: of --rules if it divides --window, else --window)
  --rules FILE        alert rules (default: built-in)
  --prediction COLUMN the predicted class
  --score COLUMN      the score; --confidence COLUMN the confidence; --value COLUMN the output of a regression
  --target COLUMN     the actual class: label drift against the labels of the baseline
  --preset NAME       also what this rule of another tool would have said (repeatable): evidently-default, nannyml-3std,
                      psi-0.1, psi-0.25, vertex-0.3, sagemaker, deepchecks-0.2, azure, whylogs, popmon
  --season SEASON     compare by hour-of-week, hour-of-day or none, with --time (default: of the rules)
  --tests all         also every statistic of every result; --json has them anyway
  --json              one JSON document per line and window, and nothing else
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        baseline: { type: 'string' },
        data: { type: 'string' },
        rows: { type: 'string' },
        time: { type: 'string' },
        window: { type: 'string' },
        every: { type: 'string' },
        rules: { type: 'string' },
        prediction: { type: 'string' },
        score: { type: 'string' },
        confidence: { type: 'string' },
        value: { type: 'string' },
        target: { type: 'string' },
        preset: { type: 'string', multiple: true, default: [] },
        tests: { type: 'string' },
        season: { type: 'string' },
        json: { type: 'boolean', default: false },
      },
    })
    const presets = presetsFrom(values.preset)
    if (values.tests !== undefined && values.tests !== 'all')
      throw new UsageError(`--tests: expected 'all', got '${values.tests}'`)
    if (values.baseline === undefined || values.data === undefined)
      throw new UsageError('--baseline and --data are needed')
    const baseline = await readBaseline(resolve(io.directory, values.baseline))
    const rules = values.rules === undefined ? defaultRules : await loadRules(resolve(io.directory, values.rules))
    const { cut, slicesPerWindow } = cutOf(values, rules)
    const backtest = createBacktest({
      file: resolve(io.directory, values.data),
      baseline,
      rules,
      cut,
      slicesPerWindow,
      presets,
      ...seasonFrom(values.season, cut),
      clock: io.clock,
      outputs: {
        ...(values.prediction === undefined ? {} : { class: values.prediction }),
        ...(values.score === undefined ? {} : { score: values.score }),
        ...(values.confidence === undefined ? {} : { confidence: values.confidence }),
        ...(values.value === undefined ? {} : { value: values.value }),
        ...(values.target === undefined ? {} : { label: values.target }),
      },
    })
    const tallies = presets.map((name) => ({ name, tally: createPresetTally(name) }))
    let windows = 0
    let fired = 0
    for await (const window of backtest.windows()) {
      windows++
      const firing = window.alerts.filter((alert) => alert.state === 'firing')
      fired += firing.length
      const summaries = tallies.map(({ name, tally }) => {
        const summary = summarisePreset(name, window.results)
        tally.add(summary)
        return [name, summary] as const
      })
      if (values.json) {
        const said = presets.length === 0 ? {} : { presets: Object.fromEntries(summaries) }
        const results = window.results.map(flatten)
        io.stdout(`${JSON.stringify({ ...window, ...instants(window, cut), ...said, results })}\n`)
        continue
      }
      io.stdout(`${lineOf(window, cut)}\n`)
      for (const [name, summary] of summaries) io.stdout(`       ${presetLine(name, summary)}\n`)
      if (values.tests === 'all')
        for (const line of window.results.flatMap(statisticsLines)) io.stdout(`       ${line}\n`)
      for (const alert of firing) io.stdout(`\n${formatAlert(alert, { at: pointOf(cut, rules) })}\n\n`)
    }
    const { unreadableTime, late } = backtest.leftOut
    if (unreadableTime > 0)
      io.stderr(`driftline backtest: ${unreadableTime} rows left out: column ${values.time} does not hold a time\n`)
    if (late > 0)
      io.stderr(
        `driftline backtest: ${late} rows left out: older than the window under way; sort the file by ${values.time}\n`,
      )
    if (windows === 0) throw new Error(`${values.data}: no rows`)
    if (values.json) return 0
    io.stdout(`${windows} windows, ${fired} alerts fired\n`)
    for (const { tally } of tallies) io.stdout(`${tally.line()}\n`)
    return 0
  },
}

interface CutFlags {
  readonly rows?: string | undefined
  readonly time?: string | undefined
  readonly window?: string | undefined
  readonly every?: string | undefined
  readonly rules?: string | undefined
}

function cutOf(flags: CutFlags, rules: LoadedRules): { cut: Cut; slicesPerWindow: number } {
  if ((flags.rows === undefined) === (flags.time === undefined))
    throw new UsageError('either --rows or --time is needed')
  if (flags.rows !== undefined) {
    if (flags.window !== undefined || flags.every !== undefined)
      throw new UsageError('--window and --every go with --time')
    const rows = Number(flags.rows)
    if (!Number.isSafeInteger(rows) || rows < 1)
      throw new UsageError(`--rows: expected a whole number above 0, got '${flags.rows}'`)
    return { cut: { kind: 'rows', rows }, slicesPerWindow: 1 }
  }
  const size = flags.window === undefined ? rules.window.sizeMs : durationOption(flags.window, '--window')
  // With rules, the slices that the collector's evidence would advance on: fewer, longer ones change the budget's threshold.
  const asRules = flags.window === undefined || (flags.rules !== undefined && size % rules.window.everyMs === 0)
  const everyMs =
    flags.every !== undefined ? durationOption(flags.every, '--every') : asRules ? rules.window.everyMs : size
  if (size % everyMs !== 0) throw new UsageError('--every must divide --window')
  return { cut: { kind: 'time', column: flags.time!, everyMs }, slicesPerWindow: size / everyMs }
}

/** Windows of so many rows take the time of a slice each, which means nothing to a reader: rows do. */
function pointOf(cut: Cut, rules: LoadedRules): (milliseconds: number) => string {
  if (cut.kind === 'time') return (milliseconds) => new Date(milliseconds).toISOString()
  return (milliseconds) => `row ${Math.round((milliseconds / rules.window.everyMs) * cut.rows)}`
}

/** Times as ISO 8601; row numbers as they are. */
function instants({ start, end }: BacktestWindow, cut: Cut): { start: number | string; end: number | string } {
  return cut.kind === 'rows'
    ? { start, end }
    : { start: new Date(start).toISOString(), end: new Date(end).toISOString() }
}

/** Distances stand among the tests, so that every statistic is found under one name. */
function flatten({ distances, tests, ...rest }: Result): object {
  return { ...rest, tests: statisticsOf({ distances, tests }) }
}

function seasonFrom(given: string | undefined, cut: Cut): { season?: Season } {
  if (given === undefined) return {}
  const season = (['hour-of-week', 'hour-of-day', 'none'] as const).find((one) => one === given)
  if (season === undefined) throw new UsageError(`--season: expected hour-of-week, hour-of-day or none, got '${given}'`)
  if (season === 'none') return { season }
  if (cut.kind === 'rows') throw new UsageError('--season goes with --time')
  const problem = seasonProblem(season, cut.everyMs)
  if (problem !== null) throw new UsageError(`--season: ${problem}`)
  return { season }
}

function presetsFrom(given: readonly string[]): PresetName[] {
  for (const name of given) {
    if (presetNames.some((one) => one === name)) continue
    const near = closest(name, presetNames)
    const meant = near === null ? '' : `, did you mean '${near}'?`
    throw new UsageError(`--preset: unknown name '${name}'${meant}; valid: ${presetNames.join(', ')}`)
  }
  return presetNames.filter((name) => given.includes(name))
}

function lineOf(window: BacktestWindow, cut: Cut): string {
  const { start, end } = instants(window, cut)
  const moved = window.results
    .filter((result) => result.status === 'drift' && result.signal !== 'data-health')
    .map((result) => (result.segment === '' ? result.feature : `${result.segment}/${result.feature}`))
  const evidence = window.results[0]?.evidence?.log10Model
  // While an incident is open its features are left out of the sum: a low number beside `drift` is that of all the others.
  const open = window.status === 'drift' && !window.results.some((result) => result.evidence?.alarm === true)
  const number = evidence === undefined ? '' : `evidence ${open ? 'of the rest ' : ''}10^${evidence.toFixed(1)}`
  return `${String(window.window).padStart(5)}  ${start} to ${end}  ${window.rows} rows  ${window.status.padEnd(12)} ${number.padEnd(16)} ${moved.join(', ')}`.trimEnd()
}
