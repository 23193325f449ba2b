import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
  type AnnotationQuery,
  type Dashboard,
  type DashboardLink,
  type Panel,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { derivedSchema, wholeModel, type DerivedId } from '@driftline/collector/influx-schema'
import { condition, dataSource, retentionPolicy, type TagOf } from './influxql-query.ts'
import { colours } from './meaning.ts'

export interface Frame {
  readonly uid: string
  readonly title: string
  readonly description: string
  /** Beside the data source, in order. */
  readonly variables: readonly Builder<VariableModel>[]
  /** Whether events of the chosen model are marked. */
  readonly events: boolean
  readonly panels: readonly Builder<Panel>[]
}

/** Puts panels into a dashboard with what all of ours have in common. */
export function dashboard({ uid, title, description, variables, events, panels }: Frame): Dashboard {
  const builder = new DashboardBuilder(`Driftline / ${title}`)
    .uid(uid)
    .description(description)
    .tags(['driftline'])
    .readonly()
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-7d', to: 'now' })
    .refresh('1m')
    .links([
      new DashboardLinkBuilder('Driftline')
        .type(DashboardLinkType.Dashboards)
        .tags(['driftline'])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true)
        .icon('external link')
        .tooltip('other dashboards, with the same model and time')
        .url('')
        .targetBlank(false),
    ])
    .variables([
      new DatasourceVariableBuilder('ds')
        .label('Data source')
        .description('the InfluxDB that the collector writes to')
        .type('influxdb'),
      ...variables,
    ])
  if (events) builder.annotations([eventMarks])
  for (const panel of panels) builder.withPanel(panel)
  return builder.build()
}

/** A tag's values, narrowed by the variables before it. `all` allows several. */
export function tagVariable<Id extends DerivedId>(options: {
  readonly name: string
  readonly label: string
  readonly from: Id
  readonly tag: TagOf<Id>
  readonly within?: Partial<Readonly<Record<TagOf<Id>, string>>>
  readonly all: boolean
  readonly current?: string
}): Builder<VariableModel> {
  const { name, label, from, tag, within = {}, all, current } = options
  const conditions = Object.entries(within as Record<string, string>).map(([key, value]) => condition(key, value))
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`
  const builder = new QueryVariableBuilder(name)
    .label(label)
    .datasource(dataSource)
    .query(`SHOW TAG VALUES FROM "${retentionPolicy}"."${derivedSchema[from].measurement}" WITH KEY = "${tag}"${where}`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.NaturalAsc)
    .multi(all)
    .includeAll(all)
    .allowCustomValue(false)
  // Everything, also what came since the list was read.
  if (all) builder.allValue('.*')
  if (current !== undefined) builder.current({ text: current, value: current, selected: true })
  return builder
}

export const modelVariable: Builder<VariableModel> = tagVariable({
  name: 'model',
  label: 'Model',
  from: 'window',
  tag: 'model',
  all: false,
})

export const versionVariable: Builder<VariableModel> = tagVariable({
  name: 'version',
  label: 'Version',
  from: 'window',
  tag: 'version',
  within: { model: '$model' },
  all: true,
})

export const segmentVariable: Builder<VariableModel> = tagVariable({
  name: 'segment',
  label: 'Segment',
  from: 'drift',
  tag: 'segment',
  within: { model: '$model' },
  all: false,
  current: wholeModel,
})

export const featureVariable: Builder<VariableModel> = tagVariable({
  name: 'feature',
  label: 'Feature',
  from: 'drift',
  tag: 'feature',
  within: { model: '$model', signal: 'feature-drift' },
  all: false,
})

/**
 * A link from a row or series to another dashboard, about the model (and feature) under the pointer. `$name` hands on what a variable of this
 * dashboard has chosen, which may be several values; anything else is the text of a macro, such as `__field.labels.feature`.
 */
export function linkTo(
  title: string,
  uid: string,
  parameters: Readonly<Record<string, string>>,
): Builder<DashboardLink> {
  const query = Object.entries(parameters).map(([name, value]) =>
    value.startsWith('$') ? `\${${value.slice(1)}:queryparam}` : `var-${name}=\${${value}:percentencode}`,
  )
  return new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .url(`/d/${uid}?${query.join('&')}&\${__url_time_range}`)
    .targetBlank(false)
}

/** Deployments, baselines and the onset of drifts, as the collector noted them. */
const eventMarks: Builder<AnnotationQuery> = {
  build() {
    const query = new AnnotationQueryBuilder()
      .name('Events')
      .datasource(dataSource)
      .enable(true)
      .iconColor(colours.window)
      .build()
    return {
      ...query,
      rawQuery: true,
      query: `SELECT "title", "text", "kind" FROM "${retentionPolicy}"."${derivedSchema.event.measurement}" WHERE "model" =~ /^(?:\${model:regex})$/ AND $timeFilter`,
      titleColumn: 'title',
      textColumn: 'text',
      tagsColumn: 'kind',
    } as AnnotationQuery
  },
}
