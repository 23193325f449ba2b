import { derivedMeasurements } from '@driftline/collector/influx-schema'

/** A dashboard as Grafana reads it: looked at without our own types, since the file is what is shipped. */
export interface DashboardJson {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly editable: boolean
  readonly panels: readonly PanelJson[]
  readonly templating?: { readonly list?: readonly VariableJson[] }
  readonly annotations?: { readonly list?: readonly AnnotationJson[] }
  readonly links?: readonly { readonly url?: string }[]
}

export interface PanelJson {
  readonly id: number
  readonly type: string
  readonly title?: string
  readonly description?: string
  readonly datasource?: { readonly type?: string; readonly uid?: string }
  readonly targets?: readonly TargetJson[]
  readonly transformations?: readonly {
    readonly id: string
    readonly options: {
      readonly sort?: readonly { readonly field?: string }[]
      readonly includeByName?: Readonly<Record<string, boolean>>
      readonly excludeByName?: Readonly<Record<string, boolean>>
    }
  }[]
  readonly timeFrom?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly fieldConfig?: {
    readonly defaults?: {
      readonly unit?: string
      readonly noValue?: string
      readonly links?: readonly { readonly url?: string }[]
    }
  }
}

export interface TargetJson {
  readonly refId: string
  readonly query: string
  readonly resultFormat: string
  readonly alias?: string
  readonly rawQuery?: boolean
  readonly datasource?: { readonly type?: string; readonly uid?: string }
}

export interface VariableJson {
  readonly name: string
  readonly type: string
  readonly query?: string
  readonly label?: string
  readonly datasource?: { readonly uid?: string }
}

export interface AnnotationJson {
  readonly name: string
  readonly query?: string
  readonly datasource?: { readonly uid?: string }
}

/** Variables that Grafana itself defines. */
const builtIn = new Set(['__interval', '__interval_ms', 'timeFilter', 'col', 'm', 'measurement', '__url_time_range'])

/** Every problem of a dashboard with its place; none when it is fit to ship. */
export function lintDashboard(dashboard: DashboardJson, knownUids: ReadonlySet<string>): string[] {
  const problems: string[] = []
  const variables = dashboard.templating?.list ?? []
  const defined = new Set(variables.map(({ name }) => name))
  if (!/^driftline-[a-z-]+$/.test(dashboard.uid)) problems.push(`uid: '${dashboard.uid}' is no stable uid of ours`)
  if (dashboard.editable) problems.push('editable: what is generated must not be edited by hand')
  if (dashboard.schemaVersion < 36) problems.push(`schemaVersion: ${dashboard.schemaVersion} is too old`)
  if (!variables.some(({ name, type }) => name === 'ds' && type === 'datasource'))
    problems.push('templating: there is no variable ds for the data source')
  for (const variable of variables) {
    if ((variable.label ?? '') === '') problems.push(`variable ${variable.name}: has no label`)
    if (variable.type === 'query' && variable.datasource?.uid !== '${ds}')
      problems.push(`variable ${variable.name}: its data source is not a variable`)
  }
  const ids = new Set<number>()
  const cells = new Set<string>()
  for (const panel of dashboard.panels) {
    const place = `panel ${panel.id}`
    const say = (problem: string) => problems.push(`${place}: ${problem}`)
    if (ids.has(panel.id)) say('its id stands twice')
    ids.add(panel.id)
    if ((panel.title ?? '').trim() === '') say('has no title')
    if ((panel.description ?? '').length < 20) say('has no description that says what it shows')
    if (panel.datasource?.uid !== '${ds}') say('its data source is not a variable')
    const { unit, noValue, links = [] } = panel.fieldConfig?.defaults ?? {}
    if (unit === undefined || unit === '') say('has no unit')
    if (noValue === undefined || noValue === '') say('does not say what no data means')
    for (const { url = '' } of links) {
      const uid = /^\/d\/([\w-]+)\?/.exec(url)?.[1]
      if (uid === undefined || !knownUids.has(uid)) say(`links to ${url}, which is no dashboard of ours`)
      for (const problem of unescaped(url)) say(`links to ${url}, where ${problem}`)
    }
    const { x, y, w, h } = panel.gridPos
    if (x + w > 24) say('reaches beyond the grid')
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        const cell = `${column}/${row}`
        if (cells.has(cell)) {
          say('lies over another panel')
          column = x + w
          break
        }
        cells.add(cell)
      }
    }
    const targets = panel.targets ?? []
    const sorted = (panel.transformations ?? []).some(
      ({ id, options }) => id === 'sortBy' && options.sort?.some(({ field }) => field === 'cell'),
    )
    if (targets.length === 0) say('asks for nothing')
    if (new Set(targets.map(({ refId }) => refId)).size !== targets.length) say('a refId stands twice')
    for (const target of targets) {
      const of = (problem: string) => say(`query ${target.refId}: ${problem}`)
      if (target.datasource?.uid !== '${ds}') of('its data source is not a variable')
      if (target.rawQuery !== true) of('is not raw')
      if (!target.query.includes('$timeFilter')) of('does not keep to the time range')
      if (target.resultFormat === 'time_series' && !target.query.includes('time($__interval)'))
        of('a time series without an interval gives one point')
      const groups = target.query.split('GROUP BY')[1] ?? ''
      if (target.resultFormat === 'table' && groups.includes('"le"') && !sorted)
        of('a table by le comes in order of text: it has to be sorted by cell')
      if (
        target.query.includes('${version:regex}') &&
        /\("/.test(target.query) &&
        !groups.includes('"version"') &&
        !oneVersion.has(panel.type)
      )
        of('takes several versions for one: it has to be grouped by version')
      if (
        target.resultFormat === 'time_series' &&
        groups.includes('"version"') &&
        !(target.alias ?? '').includes('$tag_version')
      )
        of('its names do not say which version')
      if (/FROM "results"\."ml_collector"/.test(target.query) && panel.type === 'stat' && panel.timeFrom === undefined)
        of('a collector that died would show what it said last: the panel needs a short time of its own')
      for (const problem of unknownNames(target.query)) of(problem)
    }
  }
  const used = usedVariables(dashboard)
  for (const name of used)
    if (!defined.has(name) && !builtIn.has(name)) problems.push(`variable ${name}: is used and not defined`)
  for (const name of defined) if (!used.has(name)) problems.push(`variable ${name}: is defined and not used`)
  return problems
}

/** Kinds of panel that can show only one version: their descriptions say so. */
const oneVersion: ReadonlySet<string> = new Set(['barchart', 'heatmap'])

/** What of a link a name with `&` or `+` in it, or several values of a variable, would break. */
function unescaped(url: string): string[] {
  return [...url.matchAll(/(=?)\$\{([^}]*)\}/g)].flatMap(([text, behind, inside]) => {
    if (text === '${__url_time_range}') return []
    return behind === '='
      ? /^[\w.]+:percentencode$/.test(inside!)
        ? []
        : [`${text.slice(1)} needs :percentencode`]
      : /^\w+:queryparam$/.test(inside!)
        ? []
        : [`${text} needs :queryparam`]
  })
}

/** Names of variables in every text of a dashboard. */
function usedVariables(dashboard: DashboardJson): Set<string> {
  const text = JSON.stringify(dashboard)
  const found = new Set<string>()
  for (const match of text.matchAll(/\$\{(\w+)(?::\w+)?\}|\$(\w+)/g)) {
    const name = match[1] ?? match[2]!
    // `${__field.labels.x}` and `${__data.fields.x}` have a dot and are not matched; `$tag_x` names a tag.
    if (!name.startsWith('tag_')) found.add(name)
  }
  return found
}

/** Measurements, fields and tags of a query that the collector does not write. */
function unknownNames(query: string): string[] {
  const measurement = /FROM "results"\."(\w+)"/.exec(query)?.[1]
  const known = derivedMeasurements().find((one) => one.measurement === measurement)
  if (known === undefined) return [`reads ${measurement ?? 'no measurement'}, which the collector does not write`]
  const fields = [...query.matchAll(/\("(\w+)"\)/g)].map((match) => match[1]!)
  const plain = [...query.split(' FROM ')[0]!.matchAll(/(?:SELECT|,) "(\w+)"/g)].map((match) => match[1]!)
  const tags = [
    ...[...query.matchAll(/"(\w+)" (?:=~|=|!=)/g)].map((match) => match[1]!),
    ...[...(query.split('GROUP BY')[1] ?? '').matchAll(/"(\w+)"/g)].map((match) => match[1]!),
  ]
  return [
    ...fields.filter((name) => !(name in known.fields)).map((name) => `${measurement} has no field ${name}`),
    ...plain
      .filter((name) => !(name in known.fields) && !(name in known.tags))
      .map((name) => `${measurement} has neither a field nor a tag ${name}`),
    ...tags.filter((name) => !(name in known.tags)).map((name) => `${measurement} has no tag ${name}`),
  ]
}
