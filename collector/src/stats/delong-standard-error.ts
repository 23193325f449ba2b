import { areaUnderRocCurve } from './area-under-roc-curve.ts'
import { finiteOrNull } from './finite-or-null.ts'
import { sumOf } from './histogram-cells.ts'

/**
 * DeLong's standard error of the area under the ROC curve, on bucketed scores.
 *
 * Each positive row is placed among the negatives (the share of them below it, ties half), each negative among the positives;
 * the area is the mean of either kind of placement, and its error comes from how much placements vary.
 * Formula: sqrt(var(placements of positives) / P + var(placements of negatives) / N), variances with divisors P - 1 and N - 1.
 * Variant: rows of one bucket are ties and so have one placement. Null with fewer than two rows of either class; 0 when the
 * classes are separated. Asymptotic in the rows; cost linear in the cells.
 *
 * @see DeLong, DeLong, Clarke-Pearson (1988), https://doi.org/10.2307/2531595; for the ties Sun, Xu (2014),
 *   https://doi.org/10.1109/LSP.2014.2337313
 * @example delongStandardError([1, 4], [6, 2]) // 0.1292147
 */
export function delongStandardError(positives: ArrayLike<number>, negatives: ArrayLike<number>): number | null {
  const curve = areaUnderRocCurve(positives, negatives)
  const positiveSize = sumOf(positives)
  const negativeSize = sumOf(negatives)
  if (curve === null || positiveSize <= 1 || negativeSize <= 1) return null
  let negativesBelow = 0
  let positivesAbove = positiveSize
  let ofPositives = 0
  let ofNegatives = 0
  for (let i = 0; i < positives.length; i++) {
    const positive = positives[i]!
    const negative = negatives[i]!
    positivesAbove -= positive
    ofPositives += positive * ((negativesBelow + negative / 2) / negativeSize - curve.area) ** 2
    ofNegatives += negative * ((positivesAbove + positive / 2) / positiveSize - curve.area) ** 2
    negativesBelow += negative
  }
  return finiteOrNull(
    Math.sqrt(ofPositives / (positiveSize - 1) / positiveSize + ofNegatives / (negativeSize - 1) / negativeSize),
  )
}
