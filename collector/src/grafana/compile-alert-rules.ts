import { digestBytes } from '@driftline/instrumentation/contract'
import type { LoadedRule, LoadedRules } from '../rules/loaded.ts'
import { derivedSchema } from '../store/influx/derived-schema.ts'
import { derivedTag } from '../store/influx/derived/derived-point.ts'
import { expandable, inTemplate } from './expansion-text.ts'
import { quoteName, tagCondition } from './influxql-text.ts'
import { dataSourceUid, folderTitle, panelLinks } from './panel-links.ts'
import type { AlertingFile, GrafanaRule, InfluxqlModel, RuleGroup, RuleQuery } from './provisioning-format.ts'
import { DistinctTitles } from './rule-titles.ts'

export interface CompileOptions {
  /** Default: 1, Grafana's first organisation. */
  readonly orgId?: number
  /** Retention policy of the derived layer. */
  readonly retentionPolicy?: string
  readonly dataSourceUid?: string
  readonly folder?: string
  /** Contact points that Grafana has: a rule goes to one that is named here only, and by Grafana's policies otherwise. */
  readonly receivers?: readonly string[]
  /** Uids of rules that were provisioned before: those that are no more are listed for deletion. */
  readonly formerUids?: readonly string[]
}

const defaultRetentionPolicy = 'results'

/** How often Grafana looks: slices end no more often in production, and each look costs a query per rule. */
const minimumIntervalMs = 10_000
const maximumIntervalMs = 60_000

/**
 * Alerts look back over this many slices beyond the newest that can have been evaluated, so that one that came late is still seen.
 * More would keep an alert firing on old verdicts when nothing is evaluated any more; the rule on silence tells of that.
 */
const slicesLookedBack = 2

/** Slices without an evaluation before the rule on silence fires. */
const silentSlices = 3

/** Minutes without a word of a collector before the rule on that fires; it reports every 10 s. */
const silentMinutes = 10

/** A model or collector that fell silent is told of for a day; then it counts as taken out of service. */
const silenceRememberedMs = 86_400_000

const label = /^[a-zA-Z0-9_-]{1,40}$/

/**
 * Compiles alert rules to Grafana's file provisioning. Every rule reads `ml_rule`, what the collector found a slice to say about it: the
 * number in the alert is the one in the panel and in the REST interface, and rules that no query could express (corrections
 * for many tests, evidence under a budget, rules of other tools) alert all the same. A last group watches over the collector.
 *
 * Uids depend on model, version and name of a rule only: a rule with another threshold stays the same rule to Grafana.
 */
export function compileAlertRules(files: readonly LoadedRules[], options: CompileOptions = {}): AlertingFile {
  const { orgId = 1, folder = folderTitle, formerUids = [], receivers = [] } = options
  const watched = collectorRules(options)
  const silences = files.map((file) => silenceRule(file, modelConditions(file, files), options))
  const taken = new Set([...watched, ...silences].map(({ uid }) => uid))
  const titles = new DistinctTitles()
  const groupNames = new DistinctTitles()
  const titled = (rule: GrafanaRule): GrafanaRule => ({ ...rule, title: titles.take(rule.title, rule.uid) })
  const group = (name: string, intervalMs: number, rules: readonly GrafanaRule[]): RuleGroup => ({
    orgId,
    name,
    folder: expandable(folder),
    interval: durationText(intervalMs),
    rules,
  })
  // First those whose titles do not depend on what people wrote: theirs then make room.
  const collector = group(groupNames.take(collectorGroup, ''), maximumIntervalMs, watched.map(titled))
  const titledSilences = silences.map(titled)
  const groups = [
    ...files.map((file, index) =>
      group(groupNames.take(groupName(file), JSON.stringify([file.model, file.version])), evaluationIntervalMs(file), [
        ...file.rules.map((rule) =>
          titled(compileRule(file, rule, { ofModel: modelConditions(file, files), receivers, taken, options })),
        ),
        titledSilences[index]!,
      ]),
    ),
    collector,
  ]
  const uids = new Set(groups.flatMap(({ rules }) => rules.map(({ uid }) => uid)))
  const gone = [...new Set(formerUids)].filter((uid) => !uids.has(uid)).sort()
  return {
    apiVersion: 1,
    groups,
    ...(gone.length === 0 ? {} : { deleteRules: gone.map((uid) => ({ orgId, uid })) }),
  }
}

const collectorGroup = 'driftline collector'

function groupName(file: LoadedRules): string {
  return `driftline ${file.model === '*' ? 'all other models' : subject(file)}`
}

/** Whom the rules of a file are about, in a title. */
function subject({ model, version }: LoadedRules): string {
  if (model === '*') return 'any model'
  return version === null ? model : `${model} ${version}`
}

/** Grafana takes whole multiples of its own base interval of 10 s. */
function evaluationIntervalMs({ window }: LoadedRules): number {
  const wanted = Math.min(Math.max(window.everyMs, minimumIntervalMs), maximumIntervalMs)
  return Math.floor(wanted / minimumIntervalMs) * minimumIntervalMs
}

interface RuleContext {
  readonly ofModel: readonly string[]
  readonly receivers: readonly string[]
  /** Uids of the rules on silence and on the collector. */
  readonly taken: ReadonlySet<string>
  readonly options: CompileOptions
}

function compileRule(file: LoadedRules, rule: LoadedRule, context: RuleContext): GrafanaRule {
  const { ofModel, receivers, taken, options } = context
  const { window } = file
  const { measurement } = derivedSchema.rule
  const conditions = [
    ...ofModel,
    tagCondition('rule', '=', derivedTag(rule.name)),
    ...(rule.segment === null
      ? []
      : [tagCondition('segment', '=', rule.segment === '' ? '_all' : derivedTag(rule.segment))]),
  ]
  const select = (field: string) =>
    queryText({
      measurement,
      field,
      conditions,
      groupBy: ['model', 'version', 'segment'],
      everyMs: window.everyMs,
      options,
    })
  const lookBackMs = window.everyMs * (1 + slicesLookedBack) + window.graceMs + maximumIntervalMs
  const known = (rule.notify ?? []).filter((name) => receivers.includes(name))
  const usual = uidOf(file.model, file.version ?? '', rule.name)
  return {
    // The one with the name of a rule of ours; all others keep the uid that they always had.
    uid: taken.has(usual) ? uidOf(file.model, file.version ?? '', rule.name, 'rule') : usual,
    title: `${subject(file)}: ${rule.name}`,
    condition: 'C',
    data: [
      influxQuery('A', select('holds'), lookBackMs, options),
      reduce('B', 'A', lookBackMs),
      above('C', 'B', 0.5, lookBackMs),
      influxQuery('V', select('value'), lookBackMs, options),
      reduce('W', 'V', lookBackMs),
    ],
    for: durationText(rule.forMs),
    ...(rule.keepFiringForMs === 0 ? {} : { keepFiringFor: durationText(rule.keepFiringForMs) }),
    // A slice that could not be judged says nothing: the last state stays. Silence has a rule of its own.
    noDataState: 'KeepLast',
    execErrState: 'Error',
    dashboardUid: panelLinks.model.dashboardUid,
    panelId: panelLinks.model.rulesPanelId,
    labels: { source: 'driftline', severity: rule.severity, ...(label.test(rule.name) ? { rule: rule.name } : {}) },
    annotations: {
      summary: `{{ $labels.model }} {{ $labels.version }}: ${inTemplate(rule.name)}`,
      description: `${describe(rule)} Value: {{ $values.W }}; segment {{ $labels.segment }}. A drift alarm is a signal, not a verdict: look at the explanation in the collector (GET /api/v1/alerts) before acting.`,
      dashboard: dashboardLink(panelLinks.model.dashboardUid, panelLinks.model.rulesPanelId, ['model', 'version']),
    },
    ...(known.length === 1 ? { notification_settings: { receiver: expandable(known[0]!) } } : {}),
  }
}

function silenceRule(file: LoadedRules, ofModel: readonly string[], options: CompileOptions): GrafanaRule {
  const { version, window } = file
  const { everyMs, graceMs } = window
  // The slice under way, and those that may still wait for their evaluation, hold no rows yet.
  const slices = silentSlices + 1 + Math.ceil((graceMs + maximumIntervalMs) / everyMs)
  // A model that sent is remembered for that long; a version that another took the place of is no silence.
  const lookBackMs = Math.max(silenceRememberedMs, 2 * slices * everyMs)
  const groupBy = version === null ? ['model'] : ['model', 'version']
  const groups = [`time(${durationText(everyMs)})`, ...groupBy.map(quoteName)].join(', ')
  const source = sourceText(derivedSchema.window.measurement, options)
  const where = [...ofModel, '$timeFilter'].join(' AND ')
  const query = `SELECT moving_average(sum("rows"), ${slices}) FROM ${source} WHERE ${where} GROUP BY ${groups} fill(0)`
  const name = `no evaluation for ${silentSlices} windows`
  return {
    uid: uidOf(file.model, file.version ?? '', name),
    title: `${subject(file)}: ${name}`,
    condition: 'C',
    data: [
      influxQuery('A', query, lookBackMs, options),
      reduce('B', 'A', lookBackMs),
      below('C', 'B', 0.5 / slices, lookBackMs),
    ],
    for: '0s',
    // Rules of a model that nobody heard of are an alarm; rules for all others ask for none.
    noDataState: file.model === '*' ? 'OK' : 'Alerting',
    execErrState: 'Error',
    dashboardUid: panelLinks.model.dashboardUid,
    panelId: panelLinks.model.windowsPanelId,
    labels: { source: 'driftline', severity: 'warning' },
    annotations: {
      summary: `${file.model === '*' ? '{{ $labels.model }}' : inTemplate(subject(file))}: ${name}`,
      description:
        'No traffic reached the collector, the collector does not evaluate, or its results do not reach InfluxDB. While this is so, no alarm on drift can be raised.',
      dashboard: dashboardLink(panelLinks.model.dashboardUid, panelLinks.model.windowsPanelId, groupBy),
    },
  }
}

/** What watches over the collector: data that waits, is lost or refused, and evaluations that fail. */
function collectorRules(options: CompileOptions): GrafanaRule[] {
  const lookBackMs = 600_000
  const { measurement } = derivedSchema.collector
  const rule = (
    name: string,
    field: keyof typeof derivedSchema.collector.fields,
    limit: number,
    severity: string,
    description: string,
    increase: boolean,
  ): GrafanaRule => {
    const from = { measurement, field, conditions: [], groupBy: ['collector'], everyMs: maximumIntervalMs, options }
    return {
      uid: uidOf('collector', '', name),
      title: `driftline collector: ${name}`,
      condition: 'C',
      data: [
        influxQuery('A', increase ? increaseText(from) : queryText(from), lookBackMs, options),
        reduce('B', 'A', lookBackMs, increase ? 'max' : 'last'),
        above('C', 'B', limit, lookBackMs),
      ],
      for: '0s',
      noDataState: field === 'journal_age' ? 'Alerting' : 'OK',
      execErrState: 'Error',
      dashboardUid: panelLinks.collector.dashboardUid,
      panelId: panelLinks.collector.journalPanelId,
      labels: { source: 'driftline', severity },
      annotations: {
        summary: `collector {{ $labels.collector }}: ${name}`,
        description,
        dashboard: dashboardLink(panelLinks.collector.dashboardUid, panelLinks.collector.journalPanelId, ['collector']),
      },
    }
  }
  return [
    collectorSilenceRule(options),
    rule(
      'data waits for InfluxDB',
      'journal_age',
      300,
      'warning',
      'The oldest data in the journal is older than five minutes, or the collector says nothing of itself: InfluxDB is down, too slow, or refuses the token.',
      false,
    ),
    rule(
      'data was lost',
      'dropped_records',
      0,
      'critical',
      'The journal reached its limit, and its oldest data was dropped.',
      true,
    ),
    rule(
      'data was refused',
      'dead_lettered',
      0,
      'warning',
      'InfluxDB refused points for good; they lie in the dead-letter file beside the journal, with the reason.',
      true,
    ),
    rule(
      'evaluation fails',
      'evaluation_failures',
      0,
      'warning',
      'An evaluation failed and will be tried again; the log of the collector has the reason.',
      true,
    ),
  ]
}

/**
 * One collector among several that ended: its series then ends too, which the other rules take for calm. As long as it is remembered, minutes
 * without a report count as 0.
 */
function collectorSilenceRule(options: CompileOptions): GrafanaRule {
  const source = sourceText(derivedSchema.collector.measurement, options)
  const query = `SELECT moving_average(count("journal_age"), ${silentMinutes}) FROM ${source} WHERE $timeFilter GROUP BY time(1m), "collector" fill(0)`
  const name = `no report for ${silentMinutes} minutes`
  const { dashboardUid } = panelLinks.collector
  const panelId = panelLinks.collector.journalPanelId
  return {
    uid: uidOf('collector', '', name),
    title: `driftline collector: ${name}`,
    condition: 'C',
    data: [
      influxQuery('A', query, silenceRememberedMs, options),
      reduce('B', 'A', silenceRememberedMs),
      below('C', 'B', 0.5 / silentMinutes, silenceRememberedMs),
    ],
    for: '0s',
    // That there is none at all is told by the rule on data that waits.
    noDataState: 'OK',
    execErrState: 'Error',
    dashboardUid,
    panelId,
    labels: { source: 'driftline', severity: 'warning' },
    annotations: {
      summary: `collector {{ $labels.collector }}: ${name}`,
      description:
        'It does not run, or what it reports does not reach InfluxDB. One that was taken away or renamed is told of for a day.',
      dashboard: dashboardLink(dashboardUid, panelId, ['collector']),
    },
  }
}

interface Selection {
  readonly measurement: string
  readonly field: string
  readonly conditions: readonly string[]
  readonly groupBy: readonly string[]
  readonly everyMs: number
  readonly options: CompileOptions
}

/** The last value of each slice; literal intervals, since alert rules have no dashboard to take them from. */
function queryText({ measurement, field, conditions, groupBy, everyMs, options }: Selection): string {
  const where = [...conditions, '$timeFilter'].join(' AND ')
  const groups = [`time(${durationText(everyMs)})`, ...groupBy.map(quoteName)].join(', ')
  return `SELECT last(${quoteName(field)}) FROM ${sourceText(measurement, options)} WHERE ${where} GROUP BY ${groups} fill(none)`
}

/** By how much a counter grew; a restart, after which it is smaller, counts as none. */
function increaseText(selection: Selection): string {
  const { measurement, field, groupBy, everyMs, options } = selection
  const groups = [`time(${durationText(everyMs)})`, ...groupBy.map(quoteName)].join(', ')
  return `SELECT non_negative_difference(max(${quoteName(field)})) FROM ${sourceText(measurement, options)} WHERE $timeFilter GROUP BY ${groups} fill(none)`
}

function sourceText(measurement: string, { retentionPolicy = defaultRetentionPolicy }: CompileOptions): string {
  return `${quoteName(retentionPolicy)}.${quoteName(measurement)}`
}

/** Which models and versions a file speaks for: those that a more exact file has are left to it. */
function modelConditions({ model, version }: LoadedRules, files: readonly LoadedRules[]): string[] {
  if (model === '*')
    return [...new Set(files.map((file) => file.model))]
      .filter((name) => name !== '*')
      .map((name) => tagCondition('model', '!=', derivedTag(name)))
  const ofModel = tagCondition('model', '=', derivedTag(model))
  if (version !== null) return [ofModel, tagCondition('version', '=', derivedTag(version))]
  const others = files.flatMap((file) => (file.model === model && file.version !== null ? [file.version] : []))
  return [ofModel, ...others.map((name) => tagCondition('version', '!=', derivedTag(name)))]
}

function influxQuery(refId: string, query: string, lookBackMs: number, options: CompileOptions): RuleQuery {
  const model: InfluxqlModel = {
    refId,
    rawQuery: true,
    query,
    resultFormat: 'time_series',
    intervalMs: minimumIntervalMs,
    maxDataPoints: 43_200,
  }
  return {
    refId,
    relativeTimeRange: { from: Math.ceil(lookBackMs / 1000), to: 0 },
    datasourceUid: options.dataSourceUid ?? dataSourceUid,
    model,
  }
}

/** Grafana's name for its own expressions in place of a data source. */
const expressionUid = '__expr__'

function expression(refId: string, lookBackMs: number, model: RuleQuery['model']): RuleQuery {
  return {
    refId,
    relativeTimeRange: { from: Math.ceil(lookBackMs / 1000), to: 0 },
    datasourceUid: expressionUid,
    model,
  }
}

function reduce(refId: string, of: string, lookBackMs: number, reducer: 'last' | 'max' = 'last'): RuleQuery {
  return expression(refId, lookBackMs, {
    refId,
    type: 'reduce',
    expression: of,
    reducer,
    settings: { mode: 'dropNN' },
  })
}

function above(refId: string, of: string, limit: number, lookBackMs: number): RuleQuery {
  return threshold(refId, of, 'gt', limit, lookBackMs)
}

function below(refId: string, of: string, limit: number, lookBackMs: number): RuleQuery {
  return threshold(refId, of, 'lt', limit, lookBackMs)
}

function threshold(refId: string, of: string, type: 'gt' | 'lt', limit: number, lookBackMs: number): RuleQuery {
  return expression(refId, lookBackMs, {
    refId,
    type: 'threshold',
    expression: of,
    conditions: [{ evaluator: { type, params: [limit] } }],
  })
}

/** Grafana allows 40 characters of letters, digits, - and _. */
function uidOf(...identity: readonly [model: string, version: string, name: string, kind?: 'rule']): string {
  const hash = digestBytes(JSON.stringify(identity)).slice('sha256:'.length)
  return `driftline-${hash.slice(0, 24)}`
}

function describe(rule: LoadedRule): string {
  switch (rule.kind) {
    case 'budget':
      return `Evidence of ${rule.signal} under the false-alarm budget of the model.`
    case 'threshold': {
      const relation = rule.measure === 'p-value' ? 'at or below' : 'at or above'
      return `${rule.test} of ${rule.signal} ${relation} ${rule.threshold}.`
    }
    case 'preset':
      return `The rule ${rule.preset} flags ${rule.signal}.`
    case 'performance': {
      const of =
        rule.relativeTo === null
          ? ''
          : ` times that of the ${rule.relativeTo === 'offline' ? 'held-out set' : 'baseline'}`
      return `${rule.metric} (${rule.signal}) ${rule.direction} ${rule.limit}${of}.`
    }
    case 'attribution':
      return `The ${rule.top} features that move predictions most are others than in the baseline.`
  }
}

/** A panel, with the variables that the labels of the alert give. Names may have what an address gives a meaning. */
function dashboardLink(uid: string, panelId: number, labels: readonly string[]): string {
  const variables = labels.map((name) => `&var-${name}={{ $labels.${name} | urlquery }}`)
  return `/d/${uid}?viewPanel=${panelId}${variables.join('')}`
}

/** As Grafana and InfluxQL both read it: whole seconds, minutes, hours or days. */
function durationText(milliseconds: number): string {
  const units = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1000],
  ] as const
  for (const [unit, length] of units) {
    if (milliseconds >= length && milliseconds % length === 0) return `${milliseconds / length}${unit}`
  }
  return `${Math.ceil(milliseconds / 1000)}s`
}
