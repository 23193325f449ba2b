/**
 * Benjamini-Hochberg adjusted p-values.
 *
 * Reporting every p-value whose adjusted value is at most q keeps the expected share of false ones among those reported (the false
 * discovery rate) at q or below, when the tests are independent or positively dependent. With a single true change among many
 * features it is Bonferroni for that one, and the more features change, the less is asked of each.
 * Formula: sorted p(1) <= ... <= p(m): the adjusted p(i) is the smallest of m p(j) / j over j >= i, at most 1.
 * Variant: step-up, without the factor for arbitrary dependence (Benjamini-Yekutieli). Ties get one value. An empty list gives an
 * empty list; anything but numbers from 0 to 1 is a RangeError. Exact; cost: a sort.
 *
 * @see Benjamini and Hochberg (1995), https://doi.org/10.1111/j.2517-6161.1995.tb02031.x;
 * scipy.stats.false_discovery_control (1.17.1); statsmodels multipletests(method='fdr_bh') (0.15.0).
 * @example benjaminiHochberg([0.01, 0.04, 0.03]) // [0.03, 0.04, 0.04]
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  if (pValues.some((pValue) => !(pValue >= 0 && pValue <= 1))) throw new RangeError('p-values lie between 0 and 1')
  const order = pValues.map((_, index) => index).sort((a, b) => pValues[b]! - pValues[a]!)
  const adjusted = new Array<number>(pValues.length)
  let smallest = 1
  for (const [fromLargest, index] of order.entries()) {
    const rank = pValues.length - fromLargest
    smallest = Math.min(smallest, (pValues[index]! * pValues.length) / rank)
    adjusted[index] = smallest
  }
  return adjusted
}
