import { logGamma } from './log-gamma.ts'
import type { RateCount } from './newcombe-interval.ts'

/** Tables as likely as the observed one up to this factor count as equally likely, as in scipy. */
const tieTolerance = 1e-7

/** Terms this much smaller than the sum so far are left out. */
const negligible = 1e-18

/**
 * Fisher's exact test of a 2 x 2 table, two-sided: p-value that two rates are equal.
 *
 * Given both margins, the number of hits in the second sample is hypergeometric; the p-value sums the probabilities of all
 * tables no more likely than the observed one. Exact for any counts, hence conservative for small ones.
 * Formula: sum of C(n1, h - k) C(n2, k) / C(n1 + n2, h) over k with probability at most that of the observed k.
 * Variant: by probability (as R and scipy), not doubled one-sided tails. Null when one of them has no rows.
 * Exactness: relative error about 1e-9 for sizes up to a million. Cost: terms until they are negligible.
 *
 * @see Fisher (1922), https://doi.org/10.2307/2340521; scipy.stats.fisher_exact (1.17.1).
 * @example fisherExactPValue({ hits: 10, rows: 1000 }, { hits: 1, rows: 3 }) // 0.0325739
 */
export function fisherExactPValue(first: RateCount, second: RateCount): number | null {
  if (!(first.rows > 0) || !(second.rows > 0)) return null
  const hits = first.hits + second.hits
  const low = Math.max(0, hits - first.rows)
  const high = Math.min(hits, second.rows)
  const constant = logChoose(first.rows + second.rows, hits)
  const logProbability = (k: number): number => logChoose(first.rows, hits - k) + logChoose(second.rows, k) - constant
  const mode = Math.min(
    high,
    Math.max(low, Math.floor(((second.rows + 1) * (hits + 1)) / (first.rows + second.rows + 2))),
  )
  const observed = logProbability(second.hits)
  const limit = observed + tieTolerance
  if (logProbability(mode) <= limit) return 1
  // Probabilities fall on both sides of the mode: find on each side the table nearest to it that is unlikely enough.
  const left = furthest(mode, low, (k) => logProbability(k) <= limit)
  const right = furthest(mode, high, (k) => logProbability(k) <= limit)
  let sum = 0
  if (left !== null) sum += outwardSum(left, low, -1, logProbability(left), { first, second, hits })
  if (right !== null) sum += outwardSum(right, high, 1, logProbability(right), { first, second, hits })
  return Math.min(1, sum)
}

function logChoose(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1)
}

/** The first table from the mode towards `end` that meets a condition which, once met, stays met. */
function furthest(mode: number, end: number, met: (k: number) => boolean): number | null {
  if (!met(end)) return null
  let outside = end
  let inside = mode
  while (Math.abs(outside - inside) > 1) {
    const middle = Math.trunc((outside + inside) / 2)
    if (met(middle)) outside = middle
    else inside = middle
  }
  return outside
}

function outwardSum(
  start: number,
  end: number,
  direction: 1 | -1,
  logStart: number,
  { first, second, hits }: { first: RateCount; second: RateCount; hits: number },
): number {
  let sum = 1
  let term = 1
  for (let k = start; k !== end; k += direction) {
    const fewer = hits - k
    term *=
      direction === 1
        ? ((second.rows - k) * fewer) / ((k + 1) * (first.rows - fewer + 1))
        : (k * (first.rows - fewer)) / ((second.rows - k + 1) * (fewer + 1))
    sum += term
    if (term < negligible * sum) break
  }
  return Math.exp(logStart) * sum
}
