/**
 * Bonferroni adjusted p-values.
 *
 * Reporting every p-value whose adjusted value is at most q keeps the probability of any false one at q or below, whatever the
 * dependence between the tests. Formula: min(1, m p), m the number of p-values. Exact; cost linear.
 *
 * @see Dunn (1961), https://doi.org/10.1080/01621459.1961.10482090; statsmodels multipletests(method='bonferroni') (0.15.0).
 * @example bonferroni([0.01, 0.04, 0.5]) // [0.03, 0.12, 1]
 */
export function bonferroni(pValues: readonly number[]): number[] {
  return pValues.map((pValue) => Math.min(1, pValue * pValues.length))
}
