import { readdirSync, readFileSync } from 'node:fs'
import { derivedMeasurements } from '@driftline/collector/influx-schema'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DashboardJson, PanelJson, TargetJson } from '../../dashboards/test/dashboard-lint.ts'
import { hasInfluxd } from '../../collector/test/support/influxd.ts'
import { hourMs, oddModel, runEmployment, schedule, secondVersion, type EmploymentRun } from './employment-run.ts'
import { aliased, ask, type AnswerSeries, type QueryContext } from './influxql-request.ts'

const directory = new URL('../../dashboards/grafana/dashboards/', import.meta.url)
const boards = readdirSync(directory)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(new URL(name, directory), 'utf8')) as Board)

interface Board extends DashboardJson {
  readonly panels: readonly (PanelJson & {
    readonly options?: { readonly xField?: string }
    readonly fieldConfig?: {
      readonly overrides?: readonly { readonly matcher: { readonly id: string; readonly options: unknown } }[]
    }
  })[]
}

/** Fields that hold texts; all others must answer with numbers. */
const textFields = new Set(
  derivedMeasurements().flatMap(({ fields }) =>
    Object.entries(fields).flatMap(([name, { unit }]) => (unit === 'string' ? [name] : [])),
  ),
)

describe.skipIf(!hasInfluxd)('the queries of the shipped dashboards, against a real InfluxDB', () => {
  let run: EmploymentRun
  beforeAll(async () => {
    run = await runEmployment()
  }, 180_000)
  afterAll(() => run?.dispose())

  /** Every version, the segment and feature that a person would look at first. */
  const chosen = { model: 'employment', version: null, segment: '_all', feature: 'AGEP', collector: null }
  const context = (variables: QueryContext['variables'] = chosen): QueryContext => ({
    url: run.influxd.url,
    database: run.database,
    fromMs: run.startMs - hourMs,
    toMs: run.startMs + (schedule.silent + 2) * hourMs,
    interval: '10m',
    variables,
  })

  /** Panels with a time of their own look back from the last report of the collector. */
  const contextOf = ({ timeFrom }: PanelJson): QueryContext => {
    if (timeFrom === undefined) return context()
    const toMs = run.startMs + schedule.silent * hourMs + 4 * 60_000
    return { ...context(), fromMs: toMs - Number(/^(\d+)m$/.exec(timeFrom)![1]) * 60_000, toMs }
  }

  const targets = boards.flatMap((board) =>
    board.panels.flatMap((panel) =>
      (panel.targets ?? []).map((target): [string, Board['panels'][number], TargetJson] => [
        `${board.uid} / ${panel.title} / ${target.refId}`,
        panel,
        target,
      ]),
    ),
  )

  it.each(targets)('%s', async (_name, panel, target) => {
    const answer = await ask(target.query, contextOf(panel))
    expect(answer, 'an answer').not.toHaveLength(0)
    const texts = textColumns(target.query)
    const columns = answer[0]!.columns.slice(1)
    for (const column of columns) {
      const values = cells(answer, column)
      expect(values, `values of ${column}`).not.toHaveLength(0)
      const kind = texts.has(column) || isTag(target.query, column) ? 'string' : 'number'
      expect([...new Set(values.map((value) => typeof value))], `kind of ${column}`).toEqual([kind])
    }
    if (target.resultFormat === 'table') {
      const others = (panel.targets ?? []).filter((other) => other !== target)
      const besides = (await Promise.all(others.map((other) => ask(other.query, contextOf(panel))))).flat()
      const shown = [
        'Time',
        ...Object.keys(answer[0]!.tags),
        ...columns,
        ...besides.flatMap(({ tags, columns: beside }) => [...Object.keys(tags), ...beside.slice(1)]),
      ]
      for (const pattern of patternsOf(panel))
        expect(
          shown.some((name) => pattern.test(name)),
          `${pattern}`,
        ).toBe(true)
      for (const name of namesOf(panel)) expect(shown, `column that the panel names`).toContain(name)
      return
    }
    const names = answer.flatMap(({ tags, columns: own, values }) =>
      own.slice(1).flatMap((column, i) => {
        if (values.every((row) => row[i + 1] === null)) return []
        return target.alias === undefined ? [column] : [aliased(target.alias, tags, column)]
      }),
    )
    expect(names.filter((name) => name.includes('$') || /^\s*$|version $|\(\)$/.test(name))).toEqual([])
    expect(new Set(names).size, `different names: ${names.join(', ')}`).toBe(names.length)
    for (const name of namesOf(panel)) expect(names, 'series that the panel names').toContain(name)
    for (const pattern of patternsOf(panel))
      expect(
        names.some((name) => pattern.test(name)),
        `${pattern}`,
      ).toBe(true)
    if (panel.type === 'heatmap')
      for (const name of names) expect(Number(name.replace('+Inf', 'Infinity'))).not.toBeNaN()
  })

  it('show the cells of the newest window in their order, where 10 stood before 2 beside cells of an older baseline', async () => {
    const at = run.startMs
    const cells = (names: readonly string[], atMs: number) =>
      names.map((le, cell) => {
        const tags = `model=reordered,version=1,segment=_all,signal=feature-drift,feature=x,le=${le}`
        return `ml_window_bucket,${tags} expected=${cell / 10},actual=${cell / 5},cell=${cell} ${atMs}`
      })
    const lines = [...cells(['-5', '0', '2', '7', '+Inf'], at), ...cells(['0', '1', '2', '10', '+Inf'], at + hourMs)]
    const written = await fetch(`${run.influxd.url}/write?db=${run.database}&rp=results&precision=ms`, {
      method: 'POST',
      body: lines.join('\n'),
    })
    expect(written.status).toBe(204)
    const panel = boards
      .find(({ uid }) => uid === 'driftline-feature')!
      .panels.find(({ title }) => title === 'Baseline against newest window')!
    const [shares, newest] = await Promise.all(
      panel.targets!.map(({ query }) => ask(query, context({ ...chosen, model: 'reordered', feature: 'x' }))),
    )
    expect(shares!.map(({ tags }) => tags['le'])).toEqual(['+Inf', '-5', '0', '1', '10', '2', '7'])
    // What the transformations do: rows whose time is that of the second query, by cell.
    expect(panel.transformations!.map(({ id }) => id)).toEqual(['joinByField', 'sortBy', 'organize'])
    const times = newest!.flatMap(({ values }) => values.map(([time]) => time))
    const shown = shares!
      .flatMap(({ tags, values }) => values.map(([time, cell]) => ({ le: tags['le'], time, cell: Number(cell) })))
      .filter(({ time }) => times.includes(time))
      .toSorted((a, b) => a.cell - b.cell)
    expect(shown.map(({ le }) => le)).toEqual(['0', '1', '2', '10', '+Inf'])
  })

  it('say nothing of a collector that is dead, whose last words once stood there for a week', async () => {
    const stats = boards.find(({ uid }) => uid === 'driftline-fleet')!.panels.filter(({ type }) => type === 'stat')
    expect(stats).toHaveLength(4)
    for (const panel of stats) {
      const { fromMs, toMs } = contextOf(panel)
      const later = { ...context(), fromMs: fromMs + 10 * 60_000, toMs: toMs + 10 * 60_000 }
      expect(await ask(panel.targets![0]!.query, later), panel.title).toEqual([])
    }
  })

  const variables = boards.flatMap((board) =>
    (board.templating?.list ?? [])
      .filter(({ type }) => type === 'query')
      .map((variable): [string, string, string] => [
        `${board.uid} / ${variable.name}`,
        variable.name,
        queryOf(variable),
      ]),
  )

  it.each(variables)('variable %s offers what there is', async (_name, name, query) => {
    const values = (await ask(query, context())).flatMap((series) => cells(series, 'value'))
    const expected: Record<string, readonly string[]> = {
      model: ['employment', oddModel],
      version: ['1', secondVersion],
      segment: ['_all'],
      feature: ['AGEP', 'SCHL'],
      collector: ['collector a'],
    }
    expect(values).toEqual(expect.arrayContaining([...expected[name]!]))
    if (name === 'feature') expect(values).not.toContain('salary')
  })

  const annotations = boards.flatMap((board) =>
    (board.annotations?.list ?? []).map(({ name, query }): [string, string] => [`${board.uid} / ${name}`, query ?? '']),
  )

  it.each(annotations)('annotation %s tells what happened, in words', async (_name, query) => {
    const answer = await ask(query, context())
    expect(answer[0]!.columns).toEqual(['time', 'title', 'text', 'kind'])
    const kinds = cells(answer, 'kind')
    for (const kind of ['deployment', 'baseline', 'manifest', 'drift-onset', 'alert']) expect(kinds).toContain(kind)
    for (const column of ['title', 'text'])
      expect(cells(answer, column).every((text) => String(text) !== '')).toBe(true)
  })

  it.each([
    ['a version', { ...chosen, version: secondVersion }],
    ['several versions', { ...chosen, version: ['1', secondVersion] }],
    ['a model', { ...chosen, model: oddModel, feature: 'salary' }],
  ] as const)('find %s whose name has what regular expressions and quotes mind', async (_name, variables) => {
    const board = boards.find(({ uid }) => uid === 'driftline-feature')!
    for (const panel of board.panels.filter(({ title }) => title === 'Status' || title === 'Distribution over time')) {
      const answer = await ask(panel.targets![0]!.query, context(variables))
      expect(answer, panel.title).not.toHaveLength(0)
    }
    const status = board.panels.find(({ title }) => title === 'Status')!.targets![0]!
    const versions = (await ask(status.query, context(variables))).map(({ tags }) => tags['version']!)
    const { version } = variables
    expect(new Set(versions)).toEqual(
      new Set(version === null ? ['1'] : typeof version === 'string' ? [version] : [...version]),
    )
  })
})

/** Values of a column over all series, without nulls. */
function cells(series: AnswerSeries | readonly AnswerSeries[], column: string): (string | number | boolean)[] {
  return [series].flat().flatMap(({ columns, values }) => {
    const place = columns.indexOf(column)
    return place < 0 ? [] : values.flatMap((row) => (row[place] === null ? [] : [row[place]!]))
  })
}

/** Columns of a query that are texts by the schema. */
function textColumns(query: string): Set<string> {
  const found = new Set<string>()
  for (const match of query.matchAll(/(?:last\()?"(\w+)"\)?(?: AS "([^"]+)")?/g)) {
    if (textFields.has(match[1]!)) found.add(match[2] ?? match[1]!)
  }
  return found
}

function isTag(query: string, column: string): boolean {
  const measurement = /FROM "results"\."(\w+)"/.exec(query)?.[1]
  return derivedMeasurements().some((one) => one.measurement === measurement && column in one.tags)
}

/** Names of columns or series that transformations, colours and the x axis of a panel rest on. */
function namesOf({ transformations = [], options, fieldConfig }: Board['panels'][number]): string[] {
  return [
    ...transformations.flatMap(({ options: { includeByName = {}, excludeByName = {} } }) => [
      ...Object.keys(includeByName),
      ...Object.keys(excludeByName),
    ]),
    ...(options?.xField === undefined ? [] : [options.xField]),
    ...(fieldConfig?.overrides ?? []).flatMap(({ matcher }) =>
      matcher.id === 'byName' && typeof matcher.options === 'string' ? [matcher.options] : [],
    ),
  ]
}

/** What colours of series rest on, where names have the version in them. */
function patternsOf({ fieldConfig }: Board['panels'][number]): RegExp[] {
  return (fieldConfig?.overrides ?? []).flatMap(({ matcher }) =>
    matcher.id === 'byRegexp' ? [new RegExp(String(matcher.options).slice(1, -1))] : [],
  )
}

function queryOf({ query }: { readonly query?: unknown }): string {
  return typeof query === 'string' ? query : ((query as { query?: string } | undefined)?.query ?? '')
}
