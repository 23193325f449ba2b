import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog'
import * as common from '@grafana/grafana-foundation-sdk/common'
import type {
  DashboardLink,
  DataTransformerConfig,
  DynamicConfigValue,
  FieldColor,
  Panel,
  ThresholdsConfig,
  ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { PanelBuilder as BarChartBuilder } from '@grafana/grafana-foundation-sdk/barchart'
import { HeatmapColorOptionsBuilder, PanelBuilder as HeatmapBuilder } from '@grafana/grafana-foundation-sdk/heatmap'
import { PanelBuilder as StateTimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table'
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import { dataSource, type InfluxqlQuery } from './influxql-query.ts'
import { byName, byThreshold, fixedColour } from './meaning.ts'

/** What every panel must say of itself. */
export interface PanelOptions {
  /** Unique on its dashboard and never given to another panel: alerts and links name it. */
  readonly id: number
  readonly title: string
  /** What it shows and how to read it. */
  readonly description: string
  /** Grafana's name of the unit. */
  readonly unit: string
  // A query of any measurement: its columns were checked when it was made.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly queries: readonly InfluxqlQuery<any>[]
  /** Said in place of numbers when there are none, with what to do about it. */
  readonly noData: string
  /** Of 24 columns. */
  readonly width: number
  readonly height?: number
  readonly decimals?: number
  readonly min?: number
  readonly max?: number
  readonly mappings?: ValueMapping[]
  readonly thresholds?: Builder<ThresholdsConfig>
  /** Fixed colours by name of the series, or what stands before `, ` in it. */
  readonly colours?: Readonly<Record<string, string>>
  readonly links?: readonly Builder<DashboardLink>[]
  /** Shows this much up to now instead of the chosen range, such as `5m`. */
  readonly timeFrom?: string
}

const defaultHeight = 8

/** What all kinds of panel builder have in common. */
interface CommonBuilder extends Builder<Panel> {
  id(id: number): this
  title(title: string): this
  description(description: string): this
  datasource(reference: { type: string; uid: string }): this
  unit(unit: string): this
  noValue(text: string): this
  span(columns: number): this
  height(rows: number): this
  targets(targets: Builder<Dataquery>[]): this
  decimals(decimals: number): this
  min(min: number): this
  max(max: number): this
  mappings(mappings: ValueMapping[]): this
  thresholds(thresholds: Builder<ThresholdsConfig>): this
  colorScheme(color: Builder<FieldColor>): this
  overrideByRegexp(regexp: string, properties: DynamicConfigValue[]): this
  timeFrom(timeFrom: string): this
  overrideByName(name: string, properties: DynamicConfigValue[]): this
  dataLinks(links: Builder<DashboardLink>[]): this
}

function described<Kind extends CommonBuilder>(builder: Kind, options: PanelOptions): Kind {
  const { id, title, description, unit, queries, noData, width, height = defaultHeight } = options
  builder
    .id(id)
    .title(title)
    .description(description)
    .datasource(dataSource)
    .unit(unit)
    .noValue(noData)
    .span(width)
    .height(height)
    .targets(queries.map((query, index) => query.refId(String.fromCodePoint(65 + index))))
    .colorScheme(options.thresholds === undefined ? byName : byThreshold)
  if (options.decimals !== undefined) builder.decimals(options.decimals)
  if (options.min !== undefined) builder.min(options.min)
  if (options.max !== undefined) builder.max(options.max)
  if (options.mappings !== undefined) builder.mappings(options.mappings)
  if (options.thresholds !== undefined) builder.thresholds(options.thresholds)
  if (options.links !== undefined) builder.dataLinks([...options.links])
  if (options.timeFrom !== undefined) builder.timeFrom(options.timeFrom)
  for (const [series, colour] of Object.entries(options.colours ?? {}))
    builder.overrideByRegexp(`/^${series}(?:, |$)/`, [{ id: 'color', value: fixedColour(colour).build() }])
  return builder
}

const legend: Builder<common.VizLegendOptions> = new common.VizLegendOptionsBuilder()
  .displayMode(common.LegendDisplayMode.List)
  .placement(common.LegendPlacement.Bottom)
  .showLegend(true)

const tooltip: Builder<common.VizTooltipOptions> = new common.VizTooltipOptionsBuilder()
  .mode(common.TooltipDisplayMode.Multi)
  .sort(common.SortOrder.Descending)

/** Lines over time. `thresholds` colours the area behind them. */
export function timeSeries(
  options: PanelOptions & { readonly stacked?: boolean; readonly limits?: Builder<ThresholdsConfig> },
): Builder<Panel> {
  const builder = described(new TimeSeriesBuilder(), options)
    .legend(legend)
    .tooltip(tooltip)
    .lineWidth(2)
    .showPoints(common.VisibilityMode.Auto)
    // Windows come once an hour or so: lines go on between them, but not over a day of silence.
    .spanNulls(86_400_000)
  if (options.limits !== undefined) {
    builder
      .thresholds(options.limits)
      .thresholdsStyle(new common.GraphThresholdsStyleConfigBuilder().mode(common.GraphThresholdsStyleMode.Dashed))
  }
  if (options.stacked === true) {
    builder.stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal)).fillOpacity(60).lineWidth(0)
  }
  return builder
}

/** One number, large. */
export function stat(options: PanelOptions): Builder<Panel> {
  return described(new StatBuilder(), { height: 4, ...options })
    .reduceOptions(new common.ReduceDataOptionsBuilder().calcs(['lastNotNull']).values(false).fields(''))
    .colorMode(options.thresholds === undefined ? common.BigValueColorMode.None : common.BigValueColorMode.Background)
    .graphMode(common.BigValueGraphMode.None)
}

/** Statuses over time, a line per series. */
export function stateTimeline(options: PanelOptions): Builder<Panel> {
  return described(new StateTimelineBuilder(), options)
    .legend(legend)
    .tooltip(tooltip)
    .mergeValues(true)
    .showValue(common.VisibilityMode.Never)
    .rowHeight(0.85)
    .perPage(40)
}

/** Rows of groups with their newest values. */
export function table(
  options: PanelOptions & {
    /** Columns in order: name in the query, and properties of their own. Others are hidden. */
    readonly columns: Readonly<Record<string, readonly DynamicConfigValue[]>>
    readonly sortBy?: string
  },
): Builder<Panel> {
  const { columns, sortBy } = options
  const names = Object.keys(columns)
  const organise: DataTransformerConfig = {
    id: 'organize',
    options: { includeByName: Object.fromEntries(names.map((name) => [name, true])), indexByName: places(names) },
  }
  const transformations = options.queries.length > 1 ? [{ id: 'merge', options: {} }, organise] : [organise]
  const builder = described(new TableBuilder(), options).transformations(transformations).showHeader(true)
  if (sortBy !== undefined) builder.sortBy([new common.TableSortByFieldStateBuilder().displayName(sortBy).desc(true)])
  for (const [name, properties] of Object.entries(columns))
    if (properties.length > 0) builder.overrideByName(name, [...properties])
  return builder
}

/** Shares by cell over time; names of series must be numbers, or the rows stand in no order. */
export function heatmap(options: PanelOptions): Builder<Panel> {
  return described(new HeatmapBuilder(), options)
    .calculate(false)
    .color(new HeatmapColorOptionsBuilder().scheme('Blues').steps(64).reverse(false))
    .cellGap(1)
    .showLegend()
}

/** Bars by the values of one tag, from a table. */
export function bars(
  options: PanelOptions & {
    readonly by: string
    readonly hidden?: readonly string[]
    /** Before columns are hidden: joins queries, or puts rows in order. */
    readonly arranged?: readonly DataTransformerConfig[]
  },
): Builder<Panel> {
  const { by, hidden = ['Time'], arranged = [] } = options
  return described(new BarChartBuilder(), options)
    .transformations([
      ...arranged,
      { id: 'organize', options: { excludeByName: Object.fromEntries(hidden.map((name) => [name, true])) } },
    ])
    .xField(by)
    .legend(legend)
    .tooltip(tooltip)
    .showValue(common.VisibilityMode.Never)
    .groupWidth(0.8)
    .barWidth(0.95)
}

function places(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name, index) => [name, index]))
}
