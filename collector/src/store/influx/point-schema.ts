import { createHash } from 'node:crypto'
import { attributes as attributeNames, layoutKey, type BucketLayout } from '@driftline/instrumentation/contract'
import { seriesKey, type Scope, type Series } from '../../observation/block.ts'

/**
 * How observations lie in InfluxDB: one point per series of a block, in one measurement per kind of series. docs/influxdb.md has this
 * as a table, and a test compares the two.
 *
 * Names are for people and may be cut or cleaned; what a point belongs to is said by the ids in `population`, `series` and `layout`,
 * whose meaning stands in the block index. Whatever a sender calls its features, the ids are short and need no escaping.
 */
export interface PointMeasurement {
  readonly measurement: string
  readonly description: string
  readonly fields: Readonly<Record<string, string>>
}

/** Of points in `windows` only. */
export const windowFields: Readonly<Record<'instances' | 'revision', string>> = {
  instances: 'instances that sent',
  revision: 'of the evaluation; of several points of one series and slice that differ in layout, the highest counts',
}

export const pointMeasurements: Readonly<Record<'histogram' | 'sum' | 'exact', PointMeasurement>> = {
  histogram: {
    measurement: 'ml_histogram',
    description: 'A histogram over one interval',
    fields: {
      count: 'values',
      sum: 'their sum; absent when it was not sent',
      unsummed: '1 when the sum was not sent',
      min: 'the smallest; absent when it was not sent',
      max: 'the largest; absent when it was not sent',
      b0: '... b255: values in each cell, from the lowest to the highest; absent for none',
      sequence: 'number of the block in the order of its storing',
    },
  },
  sum: {
    measurement: 'ml_sum',
    description: 'A sum over one interval, as a delta',
    fields: { value: 'the sum', sequence: 'number of the block in the order of its storing' },
  },
  exact: {
    measurement: 'ml_exact',
    description:
      'Numbers that InfluxDB has no floats for (infinities, NaN), as text; sums only of senders that are out of order',
    fields: {
      values: 'all slots of the series, separated by commas',
      sequence: 'number of the block in the order of its storing',
    },
  },
}

/** A point has at most so many cells; the rest follow in points with a layout tag of their own. 3 Core has 500 columns per table. */
export const cellsPerPoint = 256

/** Tags, in the order of their keys, in which InfluxDB sorts them anyway. */
export const pointTags: Readonly<Record<string, string>> = {
  category: 'attribute of the series: category of a feature, predicted class, or reason',
  environment: 'deployment environment',
  feature: 'attribute of the series: feature or output',
  instance: 'a configured instance name, else a hash slot; absent in windows',
  layout: 'id of the bucket layout; behind it `.1`, `.2`, ... for cells from 256, 512, ... on',
  metric: 'metric name, as in OpenTelemetry',
  model: 'model name',
  population: 'id of the data directory, model, version, segment and baseline digest',
  segment: 'segment value; absent for the whole model',
  series: 'id of the metric and all attributes of the series',
  service: 'service name',
  slice: 'length of the slice in seconds; windows only',
  version: 'model version',
}

/** Attributes that are shown as tags; ids tell apart what these leave out. */
export const attributeTags: Readonly<Record<string, 'feature' | 'category'>> = {
  [attributeNames.featureName.name]: 'feature',
  [attributeNames.outputName.name]: 'feature',
  [attributeNames.predictionOutput.name]: 'feature',
  [attributeNames.featureCategory.name]: 'category',
  [attributeNames.invalidReason.name]: 'category',
  [attributeNames.predictionClass.name]: 'category',
  [attributeNames.dropReason.name]: 'category',
}

/** Longest readable tag value in UTF-16 units. InfluxDB 1.x takes 65,535 bytes for all of a series key, and a legend takes less. */
export const tagLength = 200

/** Hash slots of instances without a configured name: enough that two rarely share one, few enough to multiply every series by. */
export const defaultInstanceSlots = 64

/** 72 bits: among a million names the chance that two share an id is 1 in 9 billion. */
const idCharacters = 12

function idOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, idCharacters)
}

/** @param directoryId - of the block index, so that collectors that share a database neither overwrite nor sum each other's points. */
export function populationId(
  directoryId: string,
  { model, version, segment, baselineDigest }: Pick<Scope, 'model' | 'version' | 'segment' | 'baselineDigest'>,
): string {
  return idOf(JSON.stringify([directoryId, model, version, segment, baselineDigest]))
}

export function seriesId({ metric, attributes }: Pick<Series, 'metric' | 'attributes'>): string {
  return idOf(seriesKey(metric, attributes))
}

/** The first letter says which kind it is; sums have `sum`. */
export function layoutId(layout: BucketLayout | null): string {
  return layout === null ? 'sum' : `${layout.kind === 'explicit' ? 'e' : 'l'}${idOf(layoutKey(layout))}`
}

/** @param names - instances that stand as tags under their own name. */
export function instanceTag(instance: string, names: ReadonlySet<string>, slots: number): string {
  if (names.has(instance)) return readableTag(instance)
  const hash = createHash('sha256').update(instance).digest().readUInt32LE(0)
  return `slot-${hash % slots}`
}

/**
 * A name as a tag value that every version takes and gives back: without control characters and line breaks (1.x stores those as two
 * characters), without a backslash at the end (it would swallow the separator), without unpaired surrogates, and cut to a length. An
 * empty one means that there is no tag.
 */
export function readableTag(name: string): string {
  let text = name.length > tagLength ? `${name.slice(0, tagLength - 1)}…` : name
  text = text
    .toWellFormed()
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
  return text.replace(/\\+$/, (slashes) => '/'.repeat(slashes.length))
}
