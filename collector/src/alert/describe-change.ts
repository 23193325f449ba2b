import { liesFarther, meanErrors } from '../diagnose/structure-change.ts'
import { formatChange, formatFactor, formatNumber, formatShare } from '../diagnose/words.ts'
import type { Moments, RateResult, Result, ResultSummary } from '../evaluate/result.ts'
import { unitInWords } from './unit-words.ts'

/** Facts that one sentence about a feature can bear. */
const maximumFacts = 3
/** Categories that are named beside the one that moved most. */
const maximumCategories = 2
/** A flag whose rate moved by less than this share of the rows is not worth a clause. */
const minimumRateDifference = 0.001

const flagWords: readonly (readonly [key: string, words: string])[] = [
  ['missing', 'missing'],
  ['invalid', 'invalid'],
  ['out_of_range', 'outside the declared range'],
  ['below_minimum', 'below the smallest value of the baseline'],
  ['above_maximum', 'above the largest value of the baseline'],
  ['unknown_category', 'in categories that the baseline does not have'],
]

/** A result with the rates of the same feature, which stand in its data-health result. */
export interface DescribedResult {
  readonly result: Result
  readonly rates: Result['rates']
  /** Real-world unit of the feature, as its manifest has it. */
  readonly unit?: string
}

/**
 * What changed, in words with numbers, from the baseline to the window; the fact that the evidence points to first.
 *
 * @example 'mean 38.9 years -> 467 years (x12.0), standard deviation 18.1 -> 217 (x12.0), above the largest value of the baseline 0 % -> 71 %'
 */
export function describeChange({ result, rates, unit }: DescribedResult): string {
  if (result.signal === 'multivariate-drift') return structureInWords(result)
  const leading = result.evidence?.leadingGroup ?? ''
  const facts: { readonly first: boolean; readonly text: string }[] = []
  if (result.summary !== null) facts.push(...summaryFacts(result.summary, leading, unit))
  for (const [key, words] of flagWords) {
    const rate = rates[key]
    if (rate !== undefined && isNotable(rate))
      facts.push({
        first: key === leading,
        text: `${flagInWords(key, words, rate)} ${shareChange(rate.baselineRate!, rate.rate!)}`,
      })
  }
  const ordered = [...facts.filter((fact) => fact.first), ...facts.filter((fact) => !fact.first)]
  if (ordered.length === 0) return effectInWords(result)
  return ordered
    .slice(0, maximumFacts)
    .map((fact) => fact.text)
    .join(', ')
}

/** A baseline lists its frequent categories only: where it counted others, they are no new ones. */
function flagInWords(key: string, words: string, { baselineRate }: RateResult): string {
  return key === 'unknown_category' && baselineRate! > 0 ? 'in categories that the baseline did not keep' : words
}

function isNotable({ rate, baselineRate, difference, differenceInterval }: RateResult): boolean {
  if (rate === null || baselineRate === null || difference === null || Math.abs(difference) < minimumRateDifference)
    return false
  return differenceInterval === null || differenceInterval[0] > 0 || differenceInterval[1] < 0
}

function summaryFacts(summary: ResultSummary, leading: string, unit: string | undefined) {
  if (summary.kind === 'categorical') {
    const text = categoryChange(summary)
    return text === null ? [] : [{ first: !['missing', 'invalid'].includes(leading), text }]
  }
  const { baseline, window } = summary
  const facts = []
  if (baseline.mean !== null && window.mean !== null) {
    facts.push({
      first: leading === 'location' || leading === '',
      text: `mean ${numberChange(baseline.mean, window.mean, unit)}`,
    })
  }
  if (baseline.standardDeviation !== null && window.standardDeviation !== null) {
    const text = `standard deviation ${numberChange(baseline.standardDeviation, window.standardDeviation)}`
    facts.push({ first: leading === 'scale', text })
  }
  if (leading === 'range' || leading === 'tail') {
    const text = rangeChange(baseline, window)
    if (text !== null) facts.push({ first: true, text })
  }
  return facts
}

function rangeChange(baseline: Moments, window: Moments): string | null {
  if (baseline.min === null || baseline.max === null || window.min === null || window.max === null) return null
  return `range ${formatNumber(baseline.min)} to ${formatNumber(baseline.max)} -> ${formatNumber(window.min)} to ${formatNumber(window.max)}`
}

/** The category that moved most, then a few others that moved at least half as far. */
function categoryChange(summary: ResultSummary & { kind: 'categorical' }): string | null {
  const baselineTotal = sum(summary.baselineCounts)
  const windowTotal = sum(summary.windowCounts)
  if (baselineTotal === 0 || windowTotal === 0) return null
  const changes = summary.categories
    .map((category, i) => ({
      category,
      before: summary.baselineCounts[i]! / baselineTotal,
      after: summary.windowCounts[i]! / windowTotal,
    }))
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before))
  const largest = Math.abs(changes[0]!.after - changes[0]!.before)
  return changes
    .slice(0, maximumCategories)
    .filter((change) => Math.abs(change.after - change.before) >= largest / 2)
    .map((change) => `share of ${JSON.stringify(change.category)} ${shareChange(change.before, change.after)}`)
    .join(', ')
}

/** What a changed reconstruction error means; its number alone says little. */
function structureInWords(result: Result): string {
  const meaning = liesFarther(result)
    ? 'rows lie farther from the structure of the baseline: correlation between features changed'
    : 'rows lie closer to the structure of the baseline: features follow each other more than they did'
  const means = meanErrors(result)
  return means === null ? meaning : `${meaning}, mean reconstruction error ${numberChange(means.before, means.after)}`
}

function effectInWords({ effect, reason }: Result): string {
  if (effect === null) return reason === null ? 'changed' : `changed (${reason})`
  if (effect.unit === 'sd')
    return `shifted by ${formatNumber(effect.value)} standard deviations of its ranks in the baseline (normal scores)`
  return `share of ${JSON.stringify(effect.of ?? '')} changed by ${formatNumber(100 * effect.value)} points`
}

/** `38.9 years -> 467 years (x12.0)`; the factor only where it says something. */
export function numberChange(before: number, after: number, unit?: string): string {
  const ratio = after / before
  const factor = before > 0 && after > 0 && (ratio >= 1.1 || ratio <= 1 / 1.1) ? ` (${formatFactor(ratio)})` : ''
  return `${formatChange(before, after, unit === undefined ? '' : unitInWords(unit))}${factor}`
}

/** @example shareChange(0.001, 0.2) // '0.1 % -> 20 %' */
export function shareChange(before: number, after: number): string {
  return `${formatShare(before)} -> ${formatShare(after)}`
}

function sum(counts: readonly number[]): number {
  let total = 0
  for (const count of counts) total += count
  return total
}
