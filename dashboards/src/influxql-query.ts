import { derivedSchema, type DerivedId } from '@driftline/collector/influx-schema'
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'

/** Retention policy of the derived layer, as `driftline collector --init-influx` makes it. */
export const retentionPolicy = 'results'

export type FieldOf<Id extends DerivedId> = keyof (typeof derivedSchema)[Id]['fields'] & string
export type TagOf<Id extends DerivedId> = keyof (typeof derivedSchema)[Id]['tags'] & string

/** `value`: as it is; beside another selector, of the point which that one selects. */
export type Selector = 'last' | 'mean' | 'max' | 'non_negative_difference(max' | 'value'

export interface Selection<Id extends DerivedId> {
  readonly from: Id
  /** By column name: how its values are taken together. */
  readonly columns: Readonly<Record<string, readonly [Selector, FieldOf<Id>]>>
  /** Tags as columns of their own, where single points are shown. */
  readonly tags?: readonly TagOf<Id>[]
  /** Conditions on tags: a text is the value, `!text` any other, `$name` a variable, of which several values may be chosen. */
  readonly where?: Partial<Readonly<Record<TagOf<Id>, string>>>
  readonly groupBy?: readonly TagOf<Id>[]
  /** Takes the newest of each group, and these together as one number. Only for tables of one column. */
  readonly over?: { readonly groups: readonly TagOf<Id>[]; readonly take: 'sum' | 'max' }
  /** `time_series`: over time by the panel's interval; `table`: one row per group. */
  readonly as?: 'time_series' | 'table'
  /** Name of a series, `$tag_model` standing for a tag and `$col` for the column. Only for `time_series`. */
  readonly alias?: string
}

/** The one variable that dashboards take their data source from. */
export const dataSource = { type: 'influxdb', uid: '${ds}' } as const

/**
 * A query in InfluxQL: the Foundation SDK has none for InfluxDB. Measurements, tags and fields are checked against the schema that the collector
 * writes by.
 */
export class InfluxqlQuery<Id extends DerivedId> implements Builder<Dataquery> {
  readonly #selection: Selection<Id>
  #refId = 'A'

  constructor(selection: Selection<Id>) {
    this.#selection = selection
  }

  refId(refId: string): this {
    this.#refId = refId
    return this
  }

  build(): Dataquery {
    const { as = 'time_series', alias } = this.#selection
    const query = {
      refId: this.#refId,
      datasource: dataSource,
      rawQuery: true,
      query: influxql(this.#selection),
      resultFormat: as,
      ...(alias === undefined ? {} : { alias }),
      _implementsDataqueryVariant: () => {},
      dataqueryName: () => '',
    }
    return query
  }
}

/** The text of the query. */
export function influxql<Id extends DerivedId>({
  from,
  columns,
  tags = [],
  where = {},
  groupBy = [],
  over,
  as = 'time_series',
}: Selection<Id>): string {
  if (over !== undefined) {
    const [[name, column]] = Object.entries(columns) as [[string, (typeof columns)[string]]]
    const inner = influxql<Id>({ from, columns: { [column[1]]: column }, where, groupBy: over.groups, as: 'table' })
    return `SELECT ${over.take}("${column[1]}") AS "${name}" FROM (${inner})`
  }
  const selected = Object.entries(columns).map(([name, [selector, field]]) => {
    if (selector === 'value') return `"${field}" AS "${name}"`
    const closing = ')'.repeat(selector.split('(').length)
    return `${selector}("${field}"${closing} AS "${name}"`
  })
  const conditions = Object.entries(where as Record<string, string>).map(([tag, value]) => condition(tag, value))
  const groups = [...(as === 'time_series' ? ['time($__interval)'] : []), ...groupBy.map((tag) => `"${tag}"`)]
  const source = `"${retentionPolicy}"."${derivedSchema[from].measurement}"`
  return [
    `SELECT ${[...selected, ...tags.map((tag) => `"${tag}"`)].join(', ')} FROM ${source}`,
    `WHERE ${[...conditions, '$timeFilter'].join(' AND ')}`,
    ...(groups.length === 0 ? [] : [`GROUP BY ${groups.join(', ')}`]),
    ...(as === 'time_series' ? ['fill(none)'] : []),
  ].join(' ')
}

/** A condition on a tag, as `where` of a selection says it. */
export function condition(tag: string, value: string): string {
  if (value.startsWith('$')) return `"${tag}" =~ /^(?:\${${value.slice(1)}:regex})$/`
  return value.startsWith('!') ? `"${tag}" != '${value.slice(1)}'` : `"${tag}" = '${value}'`
}
