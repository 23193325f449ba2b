import { requireSameCells } from './histogram-cells.ts'

/**
 * Kendall's tau-b of two lists.
 *
 * The share of pairs of features that both lists order alike, less the share ordered differently: 1 for the same order, -1 for
 * the reverse.
 * Formula: (concordant - discordant) / sqrt((pairs - ties of the first) (pairs - ties of the second)).
 * Variant: b, corrected for ties. Null with fewer than two values, or when one list is constant or holds something that is not a
 * number. Exact; cost of two sorts (Knight's algorithm: discordant pairs are the exchanges of a merge sort).
 *
 * @see Kendall (1945), https://doi.org/10.1093/biomet/33.3.239; Knight (1966),
 *   https://doi.org/10.1080/01621459.1966.10480879; scipy.stats.kendalltau (1.17.1).
 * @example kendallTauB([3, 2, 1], [30, 10, 20]) // 0.3333333
 */
export function kendallTauB(first: ArrayLike<number>, second: ArrayLike<number>): number | null {
  requireSameCells(first, second)
  const one = Array.from(first)
  const two = Array.from(second)
  if (!one.every(Number.isFinite) || !two.every(Number.isFinite)) return null
  const order = one.map((_, i) => i).sort((a, b) => one[a]! - one[b]! || two[a]! - two[b]!)
  const firstTies = tiedPairs(order, (a, b) => one[a] === one[b])
  const bothTies = tiedPairs(order, (a, b) => one[a] === one[b] && two[a] === two[b])
  const values = order.map((i) => two[i]!)
  const discordant = exchanges(values, values.slice(), 0, values.length)
  const secondTies = tiedPairs(values, (a, b) => a === b)
  const pairs = (one.length * (one.length - 1)) / 2
  const scale = Math.sqrt(pairs - firstTies) * Math.sqrt(pairs - secondTies)
  return scale > 0 ? (pairs - firstTies - secondTies + bothTies - 2 * discordant) / scale : null
}

/** Pairs of equal neighbours in a sorted list: k of a kind make k (k - 1) / 2. */
function tiedPairs(sorted: readonly number[], equal: (a: number, b: number) => boolean): number {
  let sum = 0
  let run = 0
  for (let i = 1; i < sorted.length; i++) {
    run = equal(sorted[i - 1]!, sorted[i]!) ? run + 1 : 0
    sum += run
  }
  return sum
}

/** Sorts `values` from `start` to `end` and returns how many pairs had to change order. */
function exchanges(values: number[], scratch: number[], start: number, end: number): number {
  if (end - start < 2) return 0
  const middle = (start + end) >> 1
  let count = exchanges(values, scratch, start, middle) + exchanges(values, scratch, middle, end)
  let left = start
  let right = middle
  for (let i = start; i < end; i++) {
    if (left < middle && (right >= end || values[left]! <= values[right]!)) {
      scratch[i] = values[left++]!
    } else {
      scratch[i] = values[right++]!
      count += middle - left
    }
  }
  for (let i = start; i < end; i++) values[i] = scratch[i]!
  return count
}
