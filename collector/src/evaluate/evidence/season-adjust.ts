import { sumOf } from '../../stats/histogram-cells.ts'

/**
 * Carries a window's counts from the ranks of a seasonal reference to those of a layout's target counts, so that windows of every
 * phase can be judged by the rows of one detector.
 *
 * Numeric: a value whose cell covers the ranks [a, b] of the reference counts, in proportion, in the target cells that cover
 * these ranks. Values below (above) everything in the reference go to the first (last) cell; those in a gap of the reference go
 * to the target cell at the gap's rank. Counts become fractions; their sum stays.
 * If the window's rows come from the reference, their carried counts have the target's shares on average, and
 * E[prod e^(sum_j T_ij l_j)] <= sum_j share_j e^(l_j) for one row (Jensen): rows that are valid for the target stay valid.
 * Cost: linear in the cells.
 *
 * @see STATISTICS.md 13.1.
 * @example adjustNumeric([0, 2, 2, 0], [0, 1, 3, 0], [0, 4, 0, 0]) // [0, 2, 2, 0]
 */
export function adjustNumeric(
  reference: ArrayLike<number>,
  target: ArrayLike<number>,
  counts: ArrayLike<number>,
): Float64Array {
  const cells = counts.length
  const adjusted = new Float64Array(cells)
  const referenceSize = sumOf(reference)
  const targetSize = sumOf(target)
  const last = cells - 1
  let below = 0
  let cell = 0
  // `cell` is the first target cell that ends, at rank `end`, beyond the ranks already passed.
  let end = target[0]! / targetSize
  for (let i = 0; i < cells; i++) {
    const count = counts[i]!
    const inReference = reference[i]!
    const from = below / referenceSize
    below += inReference
    const to = below / referenceSize
    while (cell < last && end <= from) {
      end = ++cell === last ? 1 : end + target[cell]! / targetSize
    }
    if (count === 0) continue
    if (inReference === 0) {
      adjusted[below === 0 ? 0 : below >= referenceSize ? last : cell]! += count
      continue
    }
    let at = from
    let inner = cell
    let innerEnd = end
    let left = count
    for (; inner < last && innerEnd < to; innerEnd += target[++inner]! / targetSize) {
      const part = (count * Math.max(0, innerEnd - at)) / (to - from)
      adjusted[inner]! += part
      left -= part
      at = Math.max(at, innerEnd)
    }
    adjusted[highestFilled(target, inner)]! += Math.max(left, 0)
  }
  return adjusted
}

/** The last ranks belong to the last cell that the target fills, whatever rounding says. */
function highestFilled(target: ArrayLike<number>, cell: number): number {
  while (cell > 0 && target[cell] === 0) cell--
  return cell
}

/**
 * The same for categories: what a category has more of in the reference than in the target is spread over those that have less,
 * in proportion to what they lack. A category that the reference has not seen stays itself.
 *
 * @example adjustCategorical([3, 1], [1, 1], [3, 1]) // [2, 2]
 */
export function adjustCategorical(
  reference: ArrayLike<number>,
  target: ArrayLike<number>,
  counts: ArrayLike<number>,
): Float64Array {
  const cells = counts.length
  const referenceSize = sumOf(reference)
  const targetSize = sumOf(target)
  const adjusted = new Float64Array(cells)
  let lacking = 0
  let spread = 0
  for (let i = 0; i < cells; i++) {
    const had = reference[i]! / referenceSize
    const due = target[i]! / targetSize
    const kept = had > due ? (counts[i]! * due) / had : counts[i]!
    adjusted[i] = kept
    spread += counts[i]! - kept
    lacking += Math.max(0, due - had)
  }
  if (spread > 0 && lacking > 0) {
    for (let i = 0; i < cells; i++) {
      adjusted[i]! += (spread * Math.max(0, target[i]! / targetSize - reference[i]! / referenceSize)) / lacking
    }
  }
  return adjusted
}
