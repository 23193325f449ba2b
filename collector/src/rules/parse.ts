import { digestJson, type Json } from '@driftline/instrumentation/contract'
import { z } from 'zod'
import { seasonProblem } from '../evaluate/evidence/season-plan.ts'
import { betterWhen, metricNamed, metricNames } from '../evaluate/metric-values.ts'
import { maximumRanked } from '../evaluate/attribution.ts'
import { presetNames, type PresetName } from '../evaluate/presets/preset-names.ts'
import { alarmThreshold, parseBudget } from './budget.ts'
import { formatDuration, parseDuration } from './duration.ts'
import type { LoadedPerformanceRule, LoadedRule, LoadedRules, LoadedWindow } from './loaded.ts'
import { measureFor, measureNames, measures } from './measures.ts'
import { formatPath, RuleFileError, type Path, type RuleProblem } from './problem.ts'
import type { Correction } from './rule.ts'
import { closest } from './suggest.ts'

/** More rules than a person can know; each costs a look at every result of every slice. */
export const maximumRules = 200
/** Features and notifiers that one rule may name. */
export const maximumNamesPerRule = 10_000
/** Keeps names readable in a pager and bounded in the store. */
export const maximumNameLength = 200
/** Below this many values distances and p-values say little (STATISTICS section 1). */
export const defaultMinimumRows = 20
/** Features that an attribution rule looks at. */
export const defaultTop = 5
/** Grace that is given even to slices of a few seconds: an export and its transport take that long. */
export const minimumGraceMs = 2000
/** Shorter slices than this are shorter than any export interval. */
export const minimumSliceMs = 1000
/** Problems beyond these are counted, not listed: a file that is wrong in 100 places is wrong in kind. */
export const maximumProblems = 100

const budgetSignals = [
  'feature-drift',
  'prediction-drift',
  'confidence-drift',
  'label-drift',
  'multivariate-drift',
  'any-drift',
] as const
const thresholdSignals = [
  'feature-drift',
  'prediction-drift',
  'confidence-drift',
  'label-drift',
  'multivariate-drift',
  'data-health',
] as const
/** Columns: other tools' rules do not speak of a reconstruction error. */
const presetSignals = ['feature-drift', 'prediction-drift', 'confidence-drift', 'label-drift', 'any-drift'] as const
const performanceSignals = ['performance', 'estimated-performance'] as const
const attributionSignals = ['attribution'] as const
const corrections = ['none', 'bonferroni', 'benjamini-hochberg'] as const
const seasons = ['hour-of-week', 'hour-of-day', 'none'] as const
const severities = ['info', 'warning', 'critical'] as const

const name = z.string().trim().min(1).max(maximumNameLength)
const duration = z.string()

const fileSchema = z.strictObject({
  model: name,
  version: name.optional(),
  window: z.strictObject({ size: duration, every: duration.optional(), grace: duration.optional() }),
  falseAlarmBudget: z.string(),
  season: z.enum(seasons).optional(),
  rules: z.array(z.unknown()).min(1).max(maximumRules),
})

const commonShape = {
  name,
  severity: z.enum(severities),
  features: z.array(name).min(1).max(maximumNamesPerRule).optional(),
  segment: z.string().max(maximumNameLength).optional(),
  for: duration.optional(),
  keepFiringFor: duration.optional(),
  notify: z.array(name).max(maximumNamesPerRule).optional(),
}
const budgetSchema = z.strictObject({ ...commonShape, signal: z.enum(budgetSignals) })
const thresholdSchema = z.strictObject({
  ...commonShape,
  signal: z.enum(thresholdSignals),
  test: name,
  threshold: z.number(),
  minimumRows: z.int().min(1).max(1_000_000_000).optional(),
  correction: z.enum(corrections).optional(),
})
const presetSchema = z.strictObject({
  ...commonShape,
  preset: z.enum(presetNames),
  signal: z.enum(presetSignals).optional(),
  share: z.number().optional(),
  minimumRows: z.int().min(1).max(1_000_000_000).optional(),
})
const { features: _, ...commonOfAll } = commonShape
const limit = z.union([z.number(), z.strictObject({ offline: z.number() }), z.strictObject({ baseline: z.number() })])
const performanceSchema = z.strictObject({
  ...commonOfAll,
  signal: z.enum(performanceSignals),
  metric: name,
  below: limit.optional(),
  above: limit.optional(),
  minimumRows: z.int().min(1).max(1_000_000_000).optional(),
})
const attributionSchema = z.strictObject({
  ...commonOfAll,
  signal: z.enum(attributionSignals),
  top: z.int().min(1).max(maximumRanked).optional(),
  minimumRows: z.int().min(1).max(1_000_000_000).optional(),
})

/**
 * Turns the content of a rule file into checked rules with milliseconds and a digest.
 *
 * @param content what the file holds, as plain data
 * @param source the file's name, for errors
 * @throws RuleFileError with every problem and its path
 */
export function parseRules(content: unknown, source: string): LoadedRules {
  const parsed = tryParseRules(content, source)
  if (parsed.rules === null) throw new RuleFileError(source, parsed.problems)
  return parsed.rules
}

export type ParsedRules =
  | { readonly rules: LoadedRules; readonly problems: readonly [] }
  | { readonly rules: null; readonly problems: readonly ParsedProblem[] }

/** A problem with its path as steps too, so that a reader of the text can find the place. */
export interface ParsedProblem extends RuleProblem {
  readonly steps: Path
}

/** As {@link parseRules}, but returns the problems. */
export function tryParseRules(content: unknown, source: string): ParsedRules {
  const problems: ParsedProblem[] = []
  let unlisted = 0
  const report = (steps: Path, message: string) => {
    if (problems.length < maximumProblems) problems.push({ steps, path: formatPath(steps), message })
    else unlisted++
  }

  checkShape(fileSchema, content, [], report)
  const file = asObject(content)
  const window = parseWindow(file?.['window'], report)
  const budget = parseBudgetField(file?.['falseAlarmBudget'], report)
  const threshold = budget === null || window === null ? null : alarmThreshold(budget, window.everyMs)
  if (threshold !== null && threshold <= 1) {
    report(
      ['falseAlarmBudget'],
      `allows an alarm in every slice of ${formatDuration(window!.everyMs)}; allow fewer, or take shorter slices`,
    )
  }
  const season = parseSeason(file?.['season'], window, report)
  const rules = parseRuleList(file?.['rules'], report)

  if (unlisted > 0) problems.push({ steps: [], path: '', message: `and ${unlisted} more` })
  if (problems.length > 0) return { rules: null, problems }
  const meaning = {
    model: (file!['model'] as string).trim(),
    version: (file!['version'] as string | undefined)?.trim() ?? null,
    window: window!,
    budget: budget!,
    alarmThreshold: threshold!,
    ...(season === null ? {} : { season }),
    rules,
  }
  return { rules: { ...meaning, digest: digestJson(meaning as unknown as Json), source }, problems: [] }
}

type Report = (steps: Path, message: string) => void

function asObject(value: unknown): { readonly [key: string]: unknown } | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: unknown })
    : null
}

function parseWindow(value: unknown, report: Report): LoadedWindow | null {
  const window = asObject(value)
  if (window === null) return null
  const read = (key: string, zero: boolean) => readDuration(window[key], ['window', key], zero, report)
  const sizeMs = read('size', false)
  const everyMs = window['every'] === undefined ? sizeMs : read('every', false)
  const grace = window['grace'] === undefined ? undefined : read('grace', true)
  if (sizeMs === null || everyMs === null) return null
  if (everyMs < minimumSliceMs) {
    const key = window['every'] === undefined ? 'size' : 'every'
    report(['window', key], `expected at least ${formatDuration(minimumSliceMs)}, got ${show(window[key])}`)
  }
  if (sizeMs % everyMs !== 0) {
    report(
      ['window', 'every'],
      `must divide size: ${formatDuration(sizeMs)} is not a multiple of ${formatDuration(everyMs)}`,
    )
  }
  return { sizeMs, everyMs, graceMs: grace ?? Math.max(minimumGraceMs, Math.round(everyMs / 10)) }
}

/** null: none. */
function parseSeason(value: unknown, window: LoadedWindow | null, report: Report) {
  const season = seasons.find((one) => one === value)
  if (season === undefined || season === 'none') return null
  const problem = window === null ? null : seasonProblem(season, window.everyMs)
  if (problem !== null) report(['season'], `${problem}; got slices of ${formatDuration(window!.everyMs)}`)
  return season
}

function parseBudgetField(value: unknown, report: Report) {
  if (typeof value !== 'string') return null
  const budget = parseBudget(value)
  if (budget === null)
    report(['falseAlarmBudget'], `expected a budget like "1 per 30d" or "2 per week", got ${show(value)}`)
  return budget
}

function parseRuleList(value: unknown, report: Report): LoadedRule[] {
  if (!Array.isArray(value)) return []
  const rules: LoadedRule[] = []
  const firstByName = new Map<string, number>()
  for (const [index, content] of value.slice(0, maximumRules).entries()) {
    const rule = parseRule(content, ['rules', index], report)
    if (rule !== null) rules.push(rule)
    const given = asObject(content)?.['name']
    if (typeof given !== 'string') continue
    const first = firstByName.get(given.trim())
    if (first === undefined) firstByName.set(given.trim(), index)
    else
      report(
        ['rules', index, 'name'],
        `${show(given)} is the name of rules[${first}] already; names of rules must differ`,
      )
  }
  return rules
}

/**
 * A rule with a `preset` is meant as a preset rule; one with a `metric`, or on performance, as a performance rule; one on attributions, or
 * with a `top`, as an attribution rule; one with a `test`, a `threshold`, `minimumRows` or `correction`, or on rates, as a threshold rule;
 * any other as a budget rule.
 */
function kindOf(fields: { readonly [key: string]: unknown }): LoadedRule['kind'] {
  const { signal } = fields
  const has = (...keys: string[]) => keys.some((key) => fields[key] !== undefined)
  if (has('preset')) return 'preset'
  if (performanceSignals.some((one) => one === signal) || has('metric', 'below', 'above')) return 'performance'
  if (signal === 'attribution' || has('top')) return 'attribution'
  return has('test', 'threshold', 'minimumRows', 'correction') || signal === 'data-health' ? 'threshold' : 'budget'
}

const schemas: Readonly<Record<LoadedRule['kind'], z.ZodType>> = {
  preset: presetSchema,
  performance: performanceSchema,
  attribution: attributionSchema,
  threshold: thresholdSchema,
  budget: budgetSchema,
}

function parseRule(content: unknown, path: Path, report: Report): LoadedRule | null {
  const fields = asObject(content)
  if (fields === null) {
    report(path, `expected a rule, got ${show(content)}`)
    return null
  }
  const signal = fields['signal']
  const kind = kindOf(fields)
  const isPreset = kind === 'preset'
  const isThreshold = kind === 'threshold'
  let sound = checkShape(schemas[kind], content, path, report)
  const complain: Report = (steps, message) => {
    sound = false
    report(steps, message)
  }
  const readHold = (key: string) =>
    fields[key] === undefined ? 0 : readDuration(fields[key], [...path, key], true, complain)
  const forMs = readHold('for')
  const keepFiringForMs = readHold('keepFiringFor')
  const measure = isThreshold ? checkTest(fields, path, complain) : null
  if (isPreset) checkShare(fields['share'], path, complain)
  const performance = kind === 'performance' && sound ? readPerformance(fields, path, complain) : null
  if (!sound || forMs === null || keepFiringForMs === null) return null

  const common = {
    name: (fields['name'] as string).trim(),
    severity: fields['severity'] as LoadedRule['severity'],
    features: trimmed(fields['features']),
    segment: (fields['segment'] as string | undefined) ?? null,
    forMs,
    keepFiringForMs,
    notify: trimmed(fields['notify']),
  }
  const rows = { minimumRows: (fields['minimumRows'] as number | undefined) ?? defaultMinimumRows }
  if (kind === 'performance')
    return { kind, ...common, signal: signal as (typeof performanceSignals)[number], ...performance!, ...rows }
  if (kind === 'attribution')
    return { kind, ...common, signal: 'attribution', top: (fields['top'] as number | undefined) ?? defaultTop, ...rows }
  if (isPreset) {
    return {
      kind: 'preset',
      ...common,
      signal: (signal as (typeof presetSignals)[number] | undefined) ?? 'feature-drift',
      preset: fields['preset'] as PresetName,
      share: (fields['share'] as number | undefined) ?? null,
      minimumRows: (fields['minimumRows'] as number | undefined) ?? defaultMinimumRows,
    }
  }
  if (!isThreshold) return { kind: 'budget', ...common, signal: signal as (typeof budgetSignals)[number] }
  return {
    kind: 'threshold',
    ...common,
    signal: signal as (typeof thresholdSignals)[number],
    test: measure!.name,
    measure: measure!.kind,
    threshold: fields['threshold'] as number,
    minimumRows: (fields['minimumRows'] as number | undefined) ?? defaultMinimumRows,
    correction: (fields['correction'] as Correction | undefined) ?? 'none',
  }
}

/** What a rule on performance compares, or null with the reason reported. */
function readPerformance(
  { metric, below, above }: { readonly [key: string]: unknown },
  path: Path,
  report: Report,
): Pick<LoadedPerformanceRule, 'metric' | 'direction' | 'limit' | 'relativeTo'> | null {
  const known = metricNamed(metric as string)
  if (known === null) {
    report(
      [...path, 'metric'],
      `unknown metric ${show(metric)}${didYouMean(metric as string, metricNames)}; valid: ${metricNames.join(', ')}`,
    )
    return null
  }
  if ((below === undefined) === (above === undefined)) {
    report(
      path,
      `give one of below and above, a value of ${known} or { offline: 0.95 }, a multiple of the held-out set's`,
    )
    return null
  }
  const direction = below === undefined ? 'above' : 'below'
  const better = betterWhen(known)
  if ((better === 'higher' && direction === 'above') || (better === 'lower' && direction === 'below')) {
    report(
      [...path, direction],
      `${known} is better when it is ${better}; give ${direction === 'above' ? 'below' : 'above'}`,
    )
    return null
  }
  const given = below ?? above
  if (typeof given === 'number') return { metric: known, direction, limit: given, relativeTo: null }
  const [[relativeTo, limit]] = Object.entries(given as object) as [['offline' | 'baseline', number]]
  if (!(direction === 'below' ? limit > 0 && limit <= 1 : limit >= 1)) {
    const range = direction === 'below' ? 'above 0 and at most 1' : 'of at least 1'
    report([...path, direction, relativeTo], `expected a multiple ${range}, got ${show(limit)}`)
    return null
  }
  return { metric: known, direction, limit, relativeTo }
}

function checkShare(share: unknown, path: Path, report: Report): void {
  if (typeof share !== 'number' || (share > 0 && share <= 1)) return
  report([...path, 'share'], `is a share of features: expected a number above 0 and at most 1, got ${show(share)}`)
}

function checkTest(fields: { readonly [key: string]: unknown }, path: Path, report: Report) {
  const { signal, test, threshold } = fields
  if (typeof test !== 'string' || !thresholdSignals.some((one) => one === signal)) return null
  const measure = measureFor(signal as string, test.trim())
  const place = [...path, 'test']
  if (measure === null) {
    const elsewhere = measures.find((one) => one.name === test.trim() || one.key === test.trim())
    if (elsewhere !== undefined) {
      const fitting =
        elsewhere.kind === 'rate'
          ? 'data-health'
          : 'feature-drift, prediction-drift, confidence-drift, label-drift or multivariate-drift'
      report(place, `${show(test)} needs signal ${fitting}, not ${show(signal)}`)
    } else {
      const names = measureNames(signal as string)
      report(
        place,
        `unknown test ${show(test)}${didYouMean(test, names)}; valid for ${show(signal)}: ${names.join(', ')}`,
      )
    }
    return null
  }
  const { correction } = fields
  if (measure.kind !== 'p-value' && corrections.some((one) => one === correction) && correction !== 'none') {
    report([...path, 'correction'], `${show(correction)} corrects p-values, and ${test} has none`)
  }
  if (typeof threshold !== 'number' || !Number.isFinite(threshold)) return measure
  const got = `got ${show(threshold)}`
  if (measure.kind === 'p-value' && !(threshold > 0 && threshold < 1)) {
    report(
      [...path, 'threshold'],
      `${test} compares a p-value: expected a number between 0 and 1, both excluded, ${got}`,
    )
  }
  if (measure.kind === 'rate' && !(threshold > 0 && threshold <= 1)) {
    report([...path, 'threshold'], `${test} is a share of rows: expected a number above 0 and at most 1, ${got}`)
  }
  if (measure.kind === 'distance' && !(threshold > 0)) {
    report([...path, 'threshold'], `${test} is a distance: expected a number above 0, ${got}`)
  }
  return measure
}

function trimmed(names: unknown): string[] | null {
  return names === undefined ? null : (names as string[]).map((one) => one.trim())
}

function readDuration(value: unknown, path: Path, zeroAllowed: boolean, report: Report): number | null {
  if (typeof value !== 'string') return null
  const milliseconds = parseDuration(value)
  if (milliseconds === null) {
    report(path, `expected a duration like "30s", "5m", "1h" or "7d", got ${show(value)}`)
    return null
  }
  if (milliseconds === 0 && !zeroAllowed) {
    report(path, `expected a duration above 0, got ${show(value)}`)
    return null
  }
  return milliseconds
}

/** Reports what zod finds, in our words. Returns whether there was nothing. */
function checkShape(schema: z.ZodType, value: unknown, base: Path, report: Report): boolean {
  const { success, error } = schema.safeParse(value, { reportInput: true })
  if (success) return true
  for (const issue of error.issues) {
    const path = [...base, ...issue.path.map((step) => (typeof step === 'number' ? step : String(step)))]
    if (issue.code === 'unrecognized_keys') {
      const known = keysOf(schema, issue.path)
      for (const key of issue.keys)
        report([...path, key], `unknown setting${didYouMean(key, known)}; known: ${known.join(', ')}`)
    } else {
      report(path, wordsFor(issue))
    }
  }
  return false
}

function wordsFor(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') return typeInWords(issue.expected, issue.input)
  if (issue.code === 'invalid_value') return valueInWords(issue.values.map(String), issue.input)
  if (issue.code === 'too_small') {
    if (issue.origin === 'string') return 'must not be empty'
    if (issue.origin === 'array') return 'must not be an empty list'
    return `expected at least ${issue.minimum}, got ${show(issue.input)}`
  }
  if (issue.code === 'too_big') {
    if (issue.origin === 'string') return `is longer than ${issue.maximum} characters`
    if (issue.origin === 'array') return `has more than ${issue.maximum} entries`
    return `expected at most ${issue.maximum}, got ${show(issue.input)}`
  }
  return issue.message
}

function typeInWords(type: string, input: unknown): string {
  const expected = withArticle(type)
  if (input === undefined) return `is missing; expected ${expected}`
  const hint = type === 'string' && typeof input === 'number' ? '; put it in quotes' : ''
  return `expected ${expected}, got ${show(input)}${hint}`
}

function valueInWords(values: readonly string[], input: unknown): string {
  if (input === undefined) return `is missing; expected one of ${values.join(', ')}`
  const hint = typeof input === 'string' ? didYouMean(input, values) : ''
  return `unknown value ${show(input)}${hint}; valid: ${values.join(', ')}`
}

function withArticle(type: string): string {
  const words: { readonly [type: string]: string } = {
    string: 'a text',
    int: 'a whole number',
    array: 'a list',
    object: 'an object',
  }
  return words[type] ?? `a ${type}`
}

/** The settings that an object of the schema may have at a path inside it. */
function keysOf(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema
  for (const step of path) {
    while (at instanceof z.ZodOptional) at = at.unwrap()
    at = at instanceof z.ZodObject ? at.shape[String(step)] : undefined
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : []
}

function didYouMean(word: string, candidates: readonly string[]): string {
  const near = closest(word, candidates)
  return near === null ? '' : `, did you mean ${JSON.stringify(near)}?`
}

/** A value as an error shows it, cut to a bearable length. */
function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (typeof value === 'number' || typeof value === 'boolean' || value === null) return String(value)
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  if (typeof value !== 'string') return `a ${typeof value}`
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}...` : value)
}
