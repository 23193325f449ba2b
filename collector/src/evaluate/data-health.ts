import type { FeatureBaseline } from '@driftline/instrumentation/contract'
import { newcombeInterval } from '../stats/newcombe-interval.ts'
import { wilsonInterval } from '../stats/wilson-interval.ts'
import type { Finding, RateResult, Result, ResultStatus } from './result.ts'
import { invalidRows, type FeatureCounts, type ReconstructionCounts } from './window-counts.ts'

/** Fewer values than this say nothing about a value being stuck. */
const stuckMinimumValues = 20
const stuckShare = 0.99
/** A baseline that is itself nearly constant cannot get stuck. */
const stuckBaselineShare = 0.9

export interface DataHealth {
  readonly rates: Readonly<Record<string, RateResult>>
  readonly findings: readonly Finding[]
}

/**
 * Rates of missing, invalid, out-of-range and unseen values of one feature against the baseline (STATISTICS §5), and what
 * else a person wants to know of the window. Rates carry no verdict: alarms come from evidence or from a rule's threshold.
 */
export function dataHealth(baseline: FeatureBaseline, window: FeatureCounts, baselineRows: number): DataHealth {
  const { distribution, missing, invalid } = window
  const rows = distribution.values + missing + invalidRows(invalid)
  const rates: Record<string, RateResult> = {
    missing: rate(missing, rows, baseline.missing, baselineRows),
    invalid: rate(invalidRows(invalid), rows, invalidRows(baseline.invalid), baselineRows),
  }
  for (const reason of ['nan', 'infinite', 'wrong_type'] as const) {
    const count = invalid[reason] ?? 0
    const before = baseline.invalid[reason] ?? 0
    if (count > 0 || before > 0) rates[reason] = rate(count, rows, before, baselineRows)
  }
  const findings: Finding[] = []
  if (distribution.kind === 'unusable') {
    findings.push({ kind: distribution.reason, detail: distribution.detail, value: distribution.values })
  } else if (distribution.kind === 'numeric' && baseline.kind === 'numeric') {
    const { counts, values } = distribution
    const outside = invalid.out_of_range ?? 0
    if (baseline.range !== undefined)
      rates.out_of_range = rate(outside, values, baseline.outOfRange ?? 0, baseline.values)
    const below = counts[0]!
    const above = counts.at(-1)!
    rates.below_minimum = rate(below, values, baseline.counts[0]!, baseline.values)
    rates.above_maximum = rate(above, values, baseline.counts.at(-1)!, baseline.values)
    if (outside > 0)
      findings.push({
        kind: 'out-of-range',
        detail: `${outside} of ${values} values outside the declared range`,
        value: outside,
      })
    if (below > 0)
      findings.push({
        kind: 'below-minimum',
        detail: `${below} of ${values} values below ${baseline.min}, the smallest of the baseline`,
        value: below,
      })
    if (above > 0)
      findings.push({
        kind: 'above-maximum',
        detail: `${above} of ${values} values above ${baseline.max}, the largest of the baseline`,
        value: above,
      })
    if (distribution.values >= stuckMinimumValues && distribution.min === distribution.max) {
      stuckFinding(counts, baseline.counts, baseline.values, values, String(distribution.min), findings)
    }
  } else if (distribution.kind === 'categorical' && baseline.kind !== 'numeric') {
    const { counts, values } = distribution
    const unseen = counts.at(-1)!
    const unseenBefore = baseline.counts.at(-1)!
    rates.unknown_category = rate(unseen, values, unseenBefore, baseline.values)
    if (unseen > 0 && unseenBefore === 0) {
      findings.push({
        kind: 'new-category',
        detail: `${unseen} of ${values} values in categories that the baseline has never seen`,
        value: unseen,
      })
    }
    const largest = largestIndex(counts)
    if (values >= stuckMinimumValues && largest < baseline.categories.length) {
      stuckFinding(
        counts,
        baseline.counts,
        baseline.values,
        values,
        `"${baseline.categories[largest] ?? '_OTHER'}"`,
        findings,
      )
    }
  }
  return { rates, findings }
}

/** Rows of which a value was missing or invalid, so that its mean stood in for it when the reconstruction error was computed. */
export function imputedRate(
  { imputed, distribution: { values } }: ReconstructionCounts,
  baselineImputed: number,
  baselineRows: number,
): RateResult {
  return rate(imputed, values, baselineImputed, baselineRows)
}

/**
 * Drift while the feature is in an incident and its health is worse than the baseline's: a rate above it by more than chance, or a
 * stuck value. Insufficient when the values of the window could not have shown a shift.
 */
export function healthStatus(
  verdict: Result,
  { rates, findings }: DataHealth,
): { status: ResultStatus; reason: string | null } {
  if (verdict.status === 'error') return { status: 'error', reason: verdict.reason }
  if (verdict.sizes.windowRows === 0) return { status: 'insufficient', reason: 'empty-window' }
  const worse =
    Object.values(rates).some(({ differenceInterval }) => differenceInterval !== null && differenceInterval[0] > 0) ||
    findings.some(({ kind }) => kind === 'stuck-value')
  if (verdict.status === 'drift' && worse) return { status: 'drift', reason: verdict.reason }
  if (verdict.sizes.windowRows < fewestHealthRows) return { status: 'insufficient', reason: 'too-few-rows' }
  return { status: 'ok', reason: null }
}

/** Below this many rows a rate of 0.05, which a user wants to be able to see, would often not show once. */
const fewestHealthRows = 60

/** One rate in the window and in the baseline, with Wilson's interval and Newcombe's for the difference. */
function rate(count: number, rows: number, baselineCount: number, baselineRows: number): RateResult {
  const known = rows > 0
  const both = known && baselineRows > 0
  return {
    count,
    rows,
    rate: known ? count / rows : null,
    interval: known ? wilsonInterval(count, rows) : null,
    baselineRate: baselineRows > 0 ? baselineCount / baselineRows : null,
    difference: both ? count / rows - baselineCount / baselineRows : null,
    differenceInterval: both
      ? newcombeInterval({ hits: baselineCount, rows: baselineRows }, { hits: count, rows })
      : null,
  }
}

function stuckFinding(
  counts: Float64Array,
  baselineCounts: readonly number[],
  baselineValues: number,
  values: number,
  value: string,
  findings: Finding[],
): void {
  const share = Math.max(...counts) / values
  if (share < stuckShare || Math.max(...baselineCounts) / baselineValues >= stuckBaselineShare) return
  findings.push({
    kind: 'stuck-value',
    detail: `${(100 * share).toFixed(1)} % of ${values} values are ${value}`,
    value: share,
  })
}

function largestIndex(counts: Float64Array): number {
  let largest = 0
  for (let i = 1; i < counts.length; i++) if (counts[i]! > counts[largest]!) largest = i
  return largest
}
