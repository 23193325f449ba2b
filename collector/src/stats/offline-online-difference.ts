import { newcombeInterval, type RateCount } from './newcombe-interval.ts'
import { z95 } from './wilson-interval.ts'

/** A metric measured once: as a proportion of rows, or as a value with its standard error. */
export type MeasuredMetric =
  | ({ readonly kind: 'proportion' } & RateCount)
  | { readonly kind: 'value'; readonly value: number; readonly standardError: number }

/**
 * Online minus offline: how far a metric in use lies from what the held-out set promised.
 *
 * 0 when use keeps the promise; an interval that excludes 0 says that the divergence is not chance, not why it is there.
 * Formula: difference of the values; interval by Newcombe's method when both are proportions, else difference ± z times the root
 * of the summed squared errors (of a proportion, p (1 - p) / n). The samples must be independent.
 * Null when a proportion has no rows or a number is not finite. Constant cost.
 *
 * @see Newcombe (1998), https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I
 * @example offlineOnlineDifference(
 *   { kind: 'value', value: 0.9, standardError: 0.03 }, { kind: 'value', value: 0.8, standardError: 0.04 },
 * ) // { difference: -0.1, interval: [-0.1979982, -0.0020018] }
 */
export function offlineOnlineDifference(
  offline: MeasuredMetric,
  online: MeasuredMetric,
  z: number = z95,
): { readonly difference: number; readonly interval: readonly [number, number] } | null {
  const first = asValue(offline)
  const second = asValue(online)
  const difference = second.value - first.value
  const half = z * Math.hypot(first.standardError, second.standardError)
  if (!Number.isFinite(difference) || !Number.isFinite(half)) return null
  const interval =
    offline.kind === 'proportion' && online.kind === 'proportion' ? newcombeInterval(offline, online, z) : null
  return { difference, interval: interval ?? [difference - half, difference + half] }
}

function asValue(metric: MeasuredMetric): { readonly value: number; readonly standardError: number } {
  if (metric.kind === 'value') return metric
  const value = metric.hits / metric.rows
  return { value, standardError: Math.sqrt(Math.max(0, value * (1 - value)) / metric.rows) }
}
