import { rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { maxBounds, maxCategories, maxChunks } from '@driftline/instrumentation/contract'
import type { AttributionColumns } from '../baseline/attribution-tally.ts'
import { baselineJson } from '../baseline/baseline-json.ts'
import { buildBaseline } from '../baseline/build-baseline.ts'
import type { BuildBaselineOptions } from '../baseline/build-options.ts'
import type { ColumnKind } from '../baseline/column-profile.ts'
import { readManifest } from '../baseline/read-baseline.ts'
import { baselineText, summariseBaseline } from '../baseline/summarise-baseline.ts'
import { UsageError, type Command, type Io } from './command.ts'
import { durationOption } from './duration-option.ts'
import { startProgress } from './progress.ts'

const kinds = ['numeric', 'categorical', 'boolean', 'ignore'] as const
const formats = ['csv', 'tsv', 'jsonl', 'parquet'] as const

export const baselineBuildCommand: Command = {
  name: 'baseline build',
  summary: 'make baseline.json from training data (CSV, JSONL, Parquet)',
  usage: `Usage: driftline baseline build --data FILE --model NAME --version V --out baseline.json [options]

Reads the training rows twice (three times when they are many millions), in bounded memory, and writes what the model was trained on as histograms.

Options:
  --data FILE              .csv, .tsv, .jsonl, .ndjson (also with .gz), .parquet, .pq
  --format FORMAT          csv, tsv, jsonl or parquet, when the name does not tell
  --model NAME             name and version of the model, unless --manifest gives them
  --version V
  --out FILE               where the baseline goes
  --manifest FILE          takes features, kinds, ranges, categories, classes and threshold from a manifest.json

Columns:
  --features A,B,C         the features, in the order in which the model takes them; default: every other column
  --exclude X,Y            columns that are no features
  --target COL             the actual class
  --prediction COL         the predicted class
  --score COL              the score of the positive class
  --confidence COL         the probability of the predicted class
  --value COL              the output of a regression model
  --time COL               numbers, dates or ISO 8601 times that order the rows; @row for the order of the file
  --segment COL            rows are also counted apart by its values, of at least 200 rows each; a feature only
                           if --features names it
  --attributions PREFIX    columns PREFIX<feature>, one for each feature, hold how much it moved the prediction
  --attribution-method M   how they were computed, as monitor.record() will say it; default unknown
  --type COL=KIND          numeric, categorical, boolean or ignore; repeatable; default: told by the values
  --range COL=MIN:MAX      allowed range, ends included, either may be left out; repeatable

Decision:
  --threshold T            score at which a prediction turns positive; default 0.5 for scores between 0 and 1
  --decision-rule RULE     '>=' (default) or '>': whether a score equal to the threshold is positive
  --positive-class X       default: 1, true or yes

Detail:
  --chunks N               time-ordered chunks of equal row counts; default 168, fewer below 50 rows each
  --chunk-duration D       chunks of equal duration instead, such as 1h
  --max-categories N       categories kept of a feature; default 50
  --no-multivariate        without the principal components of the numeric features, which watch their correlation
  --bins N                 cells of equal share for numeric features; default: 1, 5, 10, ... 95, 99 %
  --json                   print one JSON document instead of a summary
`,
  async run(args, io) {
    const values = parse(args)
    const { out, json = false } = values
    if (out === undefined) throw new UsageError('--out FILE is missing')
    const progress = startProgress(io)
    const started = io.clock.now()
    const options = await buildOptions(values, io, (share, rows) => {
      const seconds = Math.max(0.001, (io.clock.now() - started) / 1000)
      progress.update(
        share,
        `${rows.toLocaleString('en')} rows, ${Math.round(rows / seconds).toLocaleString('en')} rows/s`,
      )
    })
    const built = await buildBaseline(options).finally(() => progress.clear())
    await writeWhole(resolve(io.directory, out), baselineJson(built.baseline))
    if (json) {
      const { rows, features, chunking, segments, source } = built.baseline
      io.stdout(
        `${JSON.stringify({
          out,
          digest: built.digest,
          rows,
          features: features.map(({ name, kind }) => ({ name, kind })),
          chunks: chunking?.rows.length ?? 0,
          segments: Object.keys(segments?.values ?? {}),
          boundsRankError: source.boundsRankError,
          notes: built.notes,
        })}\n`,
      )
      return 0
    }
    for (const note of built.notes) io.stderr(`note: ${note}\n`)
    io.stdout(`${baselineText(summariseBaseline(built.baseline))}\nwritten to ${out}\n`)
    return 0
  },
}

type Values = ReturnType<typeof parse>

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      format: { type: 'string' },
      model: { type: 'string' },
      version: { type: 'string' },
      out: { type: 'string' },
      manifest: { type: 'string' },
      features: { type: 'string', multiple: true },
      exclude: { type: 'string', multiple: true },
      target: { type: 'string' },
      prediction: { type: 'string' },
      score: { type: 'string' },
      confidence: { type: 'string' },
      value: { type: 'string' },
      time: { type: 'string' },
      segment: { type: 'string' },
      attributions: { type: 'string' },
      'attribution-method': { type: 'string' },
      type: { type: 'string', multiple: true },
      range: { type: 'string', multiple: true },
      threshold: { type: 'string' },
      'decision-rule': { type: 'string' },
      'positive-class': { type: 'string' },
      chunks: { type: 'string' },
      'chunk-duration': { type: 'string' },
      'max-categories': { type: 'string' },
      bins: { type: 'string' },
      'no-multivariate': { type: 'boolean' },
      json: { type: 'boolean' },
    },
  }).values
}

async function buildOptions(
  values: Values,
  io: Io,
  onProgress: (share: number, rows: number) => void,
): Promise<BuildBaselineOptions> {
  if (values.data === undefined) throw new UsageError('--data FILE is missing')
  const checked = checkedOptions(values)
  const manifest =
    values.manifest === undefined ? undefined : await readManifest(resolve(io.directory, values.manifest))
  const name = values.model ?? manifest?.model.name
  const version = values.version ?? manifest?.model.version
  if (name === undefined || name === '') throw new UsageError('--model NAME is missing')
  if (version === undefined || version === '') throw new UsageError('--version V is missing')
  if (manifest !== undefined && (name !== manifest.model.name || version !== manifest.model.version)) {
    throw new UsageError(`--manifest is of ${manifest.model.name} ${manifest.model.version}, not of ${name} ${version}`)
  }
  return {
    ...checked,
    file: resolve(io.directory, values.data),
    model: { name, version },
    createdAt: new Date(io.clock.now()).toISOString(),
    ...(manifest === undefined ? {} : { manifest }),
    // Passes of about equal length.
    onProgress: ({ pass, passes, share, rows }) => onProgress((pass - 1 + share) / passes, rows),
  }
}

/** Everything that can be wrong in the arguments themselves. */
function checkedOptions(values: Values): Omit<BuildBaselineOptions, 'file' | 'model' | 'createdAt'> {
  const { target, prediction, score, confidence, value, time, segment } = values
  if (values.chunks !== undefined && values['chunk-duration'] !== undefined) {
    throw new UsageError('--chunks and --chunk-duration exclude each other')
  }
  for (const option of ['chunks', 'chunk-duration'] as const) {
    if (values[option] !== undefined && time === undefined) throw new UsageError(`--${option} needs --time COL`)
  }
  for (const option of ['threshold', 'decision-rule', 'positive-class'] as const) {
    if (values[option] !== undefined && score === undefined) throw new UsageError(`--${option} needs --score COL`)
  }
  const features = values.features === undefined ? undefined : nameList(values.features, '--features')
  const roles = Object.entries({ target, prediction, score, confidence, value })
  for (const [role, column] of roles) {
    if (column !== undefined && features?.includes(column)) {
      throw new UsageError(`--features names ${JSON.stringify(column)}, which is the --${role} column`)
    }
  }
  return {
    columns: defined({ target, prediction, score, confidence, value, time, segment }),
    ...defined({
      format: choice(values.format, '--format', formats),
      features,
      exclude: values.exclude === undefined ? undefined : nameList(values.exclude, '--exclude'),
      attributions: attributionColumns(values),
      types: columnKinds(values.type),
      ranges: columnRanges(values.range),
      threshold: number(values.threshold, '--threshold'),
      decisionRule: choice(values['decision-rule'], '--decision-rule', ['>', '>='] as const),
      positiveClass: values['positive-class'],
      chunks: whole(values.chunks, '--chunks', 2, maxChunks),
      chunkDurationMs:
        values['chunk-duration'] === undefined
          ? undefined
          : durationOption(values['chunk-duration'], '--chunk-duration'),
      maxCategories: whole(values['max-categories'], '--max-categories', 1, maxCategories),
      bins: whole(values.bins, '--bins', 2, maxBounds - 4),
      multivariate: values['no-multivariate'] === true ? false : undefined,
    }),
  }
}

function attributionColumns(values: Values): AttributionColumns | undefined {
  const { attributions: prefix, 'attribution-method': method = 'unknown' } = values
  if (prefix === '') throw new UsageError('--attributions: an empty prefix would name the features themselves')
  if (prefix === undefined && values['attribution-method'] !== undefined)
    throw new UsageError('--attribution-method needs --attributions PREFIX')
  return prefix === undefined ? undefined : { prefix, method }
}

/** Without the members that are undefined. */
function defined<T extends object>(object: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, member]) => member !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

function nameList(lists: readonly string[], option: string): string[] {
  const names = lists.flatMap((list) => list.split(',')).map((name) => name.trim())
  if (names.includes('')) throw new UsageError(`${option}: an empty name in ${JSON.stringify(lists.join(','))}`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new UsageError(`${option}: ${JSON.stringify(twice)} is named twice`)
  return names
}

function columnKinds(given: readonly string[] | undefined): Map<string, ColumnKind | 'ignore'> | undefined {
  if (given === undefined) return undefined
  return new Map(
    given.map((text) => {
      const [column, kind] = columnSetting(text, '--type', 'COL=KIND')
      return [column, choice(kind, `--type ${column}`, kinds)!]
    }),
  )
}

function columnRanges(given: readonly string[] | undefined): Map<string, { min?: number; max?: number }> | undefined {
  if (given === undefined) return undefined
  return new Map(
    given.map((text) => {
      const [column, range] = columnSetting(text, '--range', 'COL=MIN:MAX')
      const ends = range.split(':')
      if (ends.length !== 2 || range === ':')
        throw new UsageError(`--range: expected COL=MIN:MAX, got ${JSON.stringify(text)}`)
      const [min, max] = ends.map((end) => (end === '' ? undefined : number(end, `--range ${column}`)))
      if (min !== undefined && max !== undefined && min > max)
        throw new UsageError(`--range ${column}: ${min} is above ${max}`)
      return [column, defined({ min, max })]
    }),
  )
}

/** Splits at the last `=`, since column names may hold one. */
function columnSetting(text: string, option: string, form: string): [string, string] {
  const split = text.lastIndexOf('=')
  if (split < 1) throw new UsageError(`${option}: expected ${form}, got ${JSON.stringify(text)}`)
  return [text.slice(0, split), text.slice(split + 1)]
}

function choice<T extends string>(text: string | undefined, option: string, choices: readonly T[]): T | undefined {
  if (text === undefined) return undefined
  const found = choices.find((one) => one === text)
  if (found === undefined)
    throw new UsageError(`${option}: expected ${choices.join(', ')}, got ${JSON.stringify(text)}`)
  return found
}

function number(text: string | undefined, option: string): number | undefined {
  if (text === undefined) return undefined
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (!Number.isFinite(value)) throw new UsageError(`${option}: expected a number, got ${JSON.stringify(text)}`)
  return value
}

function whole(text: string | undefined, option: string, least: number, most: number): number | undefined {
  const value = number(text, option)
  if (value === undefined) return undefined
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new UsageError(`${option}: expected a whole number from ${least} to ${most}, got ${JSON.stringify(text)}`)
  }
  return value
}

/** Writes beside the target and moves it there, so that nobody reads half a file. */
async function writeWhole(file: string, content: string): Promise<void> {
  const beside = `${file}.${process.pid}.tmp`
  try {
    await writeFile(beside, content)
    await rename(beside, file)
  } catch (error) {
    await rm(beside, { force: true })
    throw new Error(`${file}: can not be written (${(error as Error).message})`, { cause: error })
  }
}
