import type { Finding, Result, ResultSummary } from '../evaluate/result.ts'
import type { Cause } from './diagnosis.ts'
import { shares } from './histogram.ts'

/** One feature or output that moved, with all that the results say about it. */
export interface Suspect {
  readonly feature: string
  readonly segment: string
  readonly role: 'input' | 'output'
  /** Rates and findings of a feature stand in its data-health result, the rest in its drift result. */
  readonly rates: Result['rates']
  readonly findings: readonly Finding[]
  readonly summary: ResultSummary | null
  readonly sizes: Result['sizes']
  /** Group of evidence rows that speaks loudest; empty when there is no evidence. */
  readonly leadingGroup: string
}

/** A cause that one suspect, or the slice as a whole, gives reason to think of. */
export interface Candidate {
  readonly cause: Cause
  /** See the table in diagnose.ts. */
  readonly score: number
  readonly features: readonly string[]
  readonly evidence: string
  readonly lookAt: string
  /** Candidates of one cause and group are told as one: the factor 12 in three features is one story. */
  readonly group: string
}

export type NumericSummary = ResultSummary & { readonly kind: 'numeric' }

/** Shares of the cells before and after, with the sizes they come from; null without values on either side. */
export interface Shares {
  readonly baseline: readonly number[]
  readonly window: readonly number[]
  readonly n: number
  readonly baselineSize: number
}

export function sharesOf({ summary }: Suspect): Shares | null {
  if (summary === null) return null
  const n = total(summary.windowCounts)
  const baselineSize = total(summary.baselineCounts)
  if (n === 0 || baselineSize === 0) return null
  return { baseline: shares(summary.baselineCounts), window: shares(summary.windowCounts), n, baselineSize }
}

/** The four numbers of a numeric suspect, when all are there and the baseline is not constant. */
export interface MomentPair {
  readonly mean: number
  readonly deviation: number
  readonly windowMean: number
  readonly windowDeviation: number
}

export function momentsOf(summary: NumericSummary): MomentPair | null {
  const { baseline, window } = summary
  if (
    baseline.mean === null ||
    baseline.standardDeviation === null ||
    window.mean === null ||
    window.standardDeviation === null
  )
    return null
  if (!(baseline.standardDeviation > 0)) return null
  return {
    mean: baseline.mean,
    deviation: baseline.standardDeviation,
    windowMean: window.mean,
    windowDeviation: window.standardDeviation,
  }
}

function total(counts: readonly number[]): number {
  let sum = 0
  for (const count of counts) sum += count
  return sum
}
