import type { MetricDefinition } from '@driftline/instrumentation/contract'
import {
  temporality,
  type ExponentialHistogramPoint,
  type HistogramPoint,
  type KeyValue,
  type Metric,
  type NumberPoint,
} from './otlp-tree.ts'
import type { ReceiveLimits } from './receive-limits.ts'
import { rejection, shown, type Rejection } from './rejections.ts'

/**
 * What a metric and its points must be like to be taken. Each function returns the first thing that is wrong, or null.
 *
 * @see opentelemetry-proto 1.11, metrics/v1/metrics.proto, the comments of the point messages.
 */

/** Times between which a point may lie, in microseconds. */
export interface TimeBounds {
  readonly earliestMicros: number
  readonly latestMicros: number
}

/** Checks that concern a metric as a whole: kind of data, temporality and unit. */
export function checkMetric(metric: Metric, definition: MetricDefinition): Rejection | null {
  const { data, unit } = metric
  if (data === null) return null
  const isHistogram = data.kind === 'histogram' || data.kind === 'exponential'
  if (definition.instrument === 'histogram' ? !isHistogram : data.kind !== 'sum') {
    return rejection(
      'wrong_type',
      `is a ${data.kind}, and must be a ${definition.instrument === 'histogram' ? 'histogram' : 'sum'}`,
    )
  }
  // Seconds read as milliseconds would look like drift. No unit at all is let pass.
  if (unit !== '' && unit !== definition.unit)
    return rejection('wrong_unit', `has the unit ${shown(unit)}, and must have '${definition.unit}'`)
  if (data.kind === 'gauge' || data.kind === 'summary') return null
  if (data.temporality !== temporality.delta && data.temporality !== temporality.cumulative) {
    return rejection(
      'wrong_temporality',
      `has the aggregation temporality ${data.temporality}, and must have 1 (delta) or 2 (cumulative)`,
    )
  }
  if (
    data.kind === 'sum' &&
    data.temporality === temporality.cumulative &&
    definition.instrument === 'counter' &&
    !data.monotonic
  ) {
    return rejection('wrong_temporality', 'is cumulative and not monotonic, so a fall could be a reset or a decrease')
  }
  return null
}

/** Times of a point. A cumulative point may leave its start open, a delta may not: nobody could tell what it covers. */
export function checkTimes(
  startMicros: number,
  timeMicros: number,
  cumulative: boolean,
  bounds: TimeBounds,
): Rejection | null {
  if (startMicros === 0 && !cumulative) return rejection('no_start_time', 'a delta has no start time')
  if (timeMicros < startMicros)
    return rejection('end_before_start', `ends ${startMicros - timeMicros} µs before it starts`)
  if (timeMicros > bounds.latestMicros) return rejection('in_future', `lies in the future: ends ${isoTime(timeMicros)}`)
  const oldest = cumulative ? timeMicros : startMicros
  if (oldest < bounds.earliestMicros)
    return rejection('too_old', `is too old: ${cumulative ? 'ends' : 'starts'} ${isoTime(oldest)}`)
  return null
}

/** The value of a sum; a counter counts things, so it is a whole number from 0. */
export function checkSum(point: NumberPoint, definition: MetricDefinition): Rejection | null {
  const { value } = point
  if (value === undefined) return rejection('bad_value', 'has no value')
  if (definition.instrument === 'counter') {
    return isCount(value)
      ? null
      : rejection('bad_value', `has the value ${value}, and must be a whole number from 0 to 2^53 - 1`)
  }
  return Number.isFinite(value) ? null : rejection('bad_value', `has the value ${value}`)
}

/** Bounds of an explicit histogram. */
export function checkBounds(bounds: readonly number[], limits: Pick<ReceiveLimits, 'buckets'>): Rejection | null {
  if (bounds.length >= limits.buckets) return rejection('too_many_buckets', `has more than ${limits.buckets} buckets`)
  for (let i = 0; i < bounds.length; i++) {
    if (!Number.isFinite(bounds[i])) return rejection('bad_bounds', `has the bound ${bounds[i]} at place ${i}`)
    if (i > 0 && !(bounds[i]! > bounds[i - 1]!)) {
      return rejection(
        'bad_bounds',
        `has bounds that do not increase: ${bounds[i - 1]} and then ${bounds[i]} at place ${i}`,
      )
    }
  }
  return null
}

/** Counts of an explicit histogram whose bounds were found to be good. */
export function checkHistogram(point: HistogramPoint): Rejection | null {
  const { count, bucketCounts, explicitBounds } = point
  const length = bucketCounts.length
  if (length !== explicitBounds.length + 1 && !(length === 0 && explicitBounds.length === 0)) {
    return rejection('bad_buckets', `has ${length} bucket counts for ${explicitBounds.length} bounds`)
  }
  let total = 0
  for (let i = 0; i < length; i++) {
    const bucketCount = bucketCounts[i]!
    // The sum shows a count beyond 2^53 only if it is looked at before rounding.
    if (bucketCount > Number.MAX_SAFE_INTEGER) return rejection('bad_value', `has the bucket count ${bucketCount}`)
    total += bucketCount
  }
  if (length > 0 && total !== count)
    return rejection('count_mismatch', `has the count ${count} and buckets that add up to ${total}`)
  return checkSummary(point)
}

/** Counts of an exponential histogram. */
export function checkExponential(
  point: ExponentialHistogramPoint,
  limits: Pick<ReceiveLimits, 'buckets'>,
): Rejection | null {
  const { count, scale, zeroCount, zeroThreshold, positive, negative } = point
  if (positive.bucketCounts.length > limits.buckets || negative.bucketCounts.length > limits.buckets) {
    return rejection('too_many_buckets', `has more than ${limits.buckets} buckets of one sign`)
  }
  if (scale < -10 || scale > 20)
    return rejection('bad_buckets', `has the scale ${scale}, and must have one from -10 to 20`)
  if (!(zeroThreshold >= 0 && Number.isFinite(zeroThreshold)))
    return rejection('bad_buckets', `has the zero threshold ${zeroThreshold}`)
  let total = zeroCount
  for (const { bucketCounts } of [negative, positive]) {
    for (const bucketCount of bucketCounts) {
      if (bucketCount > Number.MAX_SAFE_INTEGER) return rejection('bad_value', `has the bucket count ${bucketCount}`)
      total += bucketCount
    }
  }
  if (total !== count) return rejection('count_mismatch', `has the count ${count} and buckets that add up to ${total}`)
  return checkSummary(point)
}

/** Count, sum, min and max of any histogram. */
function checkSummary({ count, sum, min, max }: HistogramPoint | ExponentialHistogramPoint): Rejection | null {
  if (!isCount(count)) return rejection('bad_value', `has the count ${count}`)
  if (sum !== undefined && !Number.isFinite(sum)) return rejection('bad_value', `has the sum ${sum}`)
  if (min !== undefined && !Number.isFinite(min)) return rejection('bad_value', `has the minimum ${min}`)
  if (max !== undefined && !Number.isFinite(max)) return rejection('bad_value', `has the maximum ${max}`)
  if (count > 0 && min !== undefined && max !== undefined && min > max)
    return rejection('bad_value', `has the minimum ${min} above its maximum ${max}`)
  return null
}

/** Attributes of a point: plain values, each key once, all of bounded length. */
export function checkAttributes(attributes: readonly KeyValue[], limits: ReceiveLimits): Rejection | null {
  if (attributes.length > limits.attributes)
    return rejection('bad_attributes', `has more than ${limits.attributes} attributes`)
  const keys = new Set<string>()
  let length = 0
  for (const { key, value } of attributes) {
    if (keys.has(key)) return rejection('bad_attributes', `has the attribute ${shown(key)} twice`)
    keys.add(key)
    const text = typeof value === 'string' ? value : ''
    if (key.length > limits.textLength || text.length > limits.textLength) {
      return rejection('text_too_long', `has an attribute ${shown(key)} of more than ${limits.textLength} characters`)
    }
    length += key.length + text.length
    if (key === '' || !isPlainText(key))
      return rejection('bad_attributes', `has an attribute with the name ${shown(key)}`)
    const plain =
      typeof value === 'string'
        ? isPlainText(value)
        : typeof value === 'number'
          ? Number.isFinite(value)
          : typeof value === 'boolean'
    if (!plain)
      return rejection(
        'bad_attributes',
        `has the attribute ${shown(key)} with a value that is no plain text, number or boolean`,
      )
  }
  return length > limits.seriesKeyLength
    ? rejection('text_too_long', `has attributes of more than ${limits.seriesKeyLength} characters`)
    : null
}

/**
 * Whether text may stand in an identity: well-formed UTF-16 (a lone surrogate becomes another text once it is stored) without the
 * control characters that keys are joined with.
 */
export function isPlainText(text: string): boolean {
  return !/[\u0000-\u0008]|\p{Surrogate}/u.test(text)
}

function isCount(value: number): boolean {
  return value >= 0 && Number.isSafeInteger(value)
}

/** ISO time, or the number when it is no date that JavaScript can show. */
function isoTime(micros: number): string {
  const date = new Date(micros / 1000)
  return Number.isNaN(date.getTime()) ? `${micros} µs` : date.toISOString()
}
