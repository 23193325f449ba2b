/**
 * What a threshold rule can compare: `distance` and `rate` break at or above the threshold, `p-value` at or below it.
 */
export type MeasureKind = 'distance' | 'p-value' | 'rate'

export interface Measure {
  /** As a rule names it. */
  readonly name: string
  readonly kind: MeasureKind
  /** The key in `distances`, `tests` or `rates` of a result. */
  readonly key: string
  /** What it is, for explanations. */
  readonly words: string
}

/**
 * Every measure that a rule may name in `test`. `ks` and `cramer-von-mises` are the tests, by their p-values; with `-distance` behind
 * it, the same statistic as a distance.
 */
export const measures: readonly Measure[] = [
  { name: 'psi', kind: 'distance', key: 'psi', words: 'population stability index' },
  { name: 'kl', kind: 'distance', key: 'kl', words: 'Kullback-Leibler divergence of the window from the baseline' },
  {
    name: 'kl-reverse',
    kind: 'distance',
    key: 'klReverse',
    words: 'Kullback-Leibler divergence of the baseline from the window',
  },
  { name: 'js', kind: 'distance', key: 'jsDistance', words: 'Jensen-Shannon distance (base 2)' },
  { name: 'hellinger', kind: 'distance', key: 'hellinger', words: 'Hellinger distance' },
  { name: 'total-variation', kind: 'distance', key: 'totalVariation', words: 'total variation distance' },
  { name: 'l-infinity', kind: 'distance', key: 'lInfinity', words: 'largest difference of a share' },
  { name: 'ks-distance', kind: 'distance', key: 'ks', words: 'Kolmogorov-Smirnov distance' },
  { name: 'cramer-von-mises-distance', kind: 'distance', key: 'cramerVonMises', words: 'Cramér-von Mises statistic' },
  { name: 'js-divergence', kind: 'distance', key: 'jsDivergence', words: 'Jensen-Shannon divergence, in nats' },
  { name: 'wasserstein', kind: 'distance', key: 'wasserstein', words: 'Wasserstein distance, in units of the feature' },
  {
    name: 'normalised-wasserstein',
    kind: 'distance',
    key: 'wassersteinNormalised',
    words: 'Wasserstein distance, in baseline standard deviations',
  },
  { name: 'energy', kind: 'distance', key: 'energy', words: 'energy distance' },
  { name: 'cramers-v', kind: 'distance', key: 'cramersV', words: "Cramér's V" },
  { name: 'chi-square', kind: 'p-value', key: 'chiSquare', words: 'chi-square test' },
  { name: 'g-test', kind: 'p-value', key: 'gTest', words: 'G-test' },
  { name: 'ks', kind: 'p-value', key: 'ks', words: 'Kolmogorov-Smirnov test' },
  { name: 'cramer-von-mises', kind: 'p-value', key: 'cramerVonMises', words: 'Cramér-von Mises test' },
  { name: 'welch', kind: 'p-value', key: 'welch', words: "Welch's t-test of the mean" },
  { name: 'variance-ratio', kind: 'p-value', key: 'varianceRatio', words: 'F-test of the variances' },
  {
    name: 'rate-difference',
    kind: 'p-value',
    key: 'rateDifference',
    words: 'test of the difference of two shares (features of two categories)',
  },
  {
    name: 'practically-unchanged',
    kind: 'p-value',
    key: 'practicallyUnchanged',
    words: '"practically unchanged" chi-square test',
  },
  { name: 'missing', kind: 'rate', key: 'missing', words: 'share of missing values' },
  { name: 'invalid', kind: 'rate', key: 'invalid', words: 'share of invalid values' },
  { name: 'nan', kind: 'rate', key: 'nan', words: 'share of NaN values' },
  { name: 'infinite', kind: 'rate', key: 'infinite', words: 'share of infinite values' },
  { name: 'wrong-type', kind: 'rate', key: 'wrong_type', words: 'share of values of a wrong type' },
  { name: 'out-of-range', kind: 'rate', key: 'out_of_range', words: 'share of values outside the declared range' },
  {
    name: 'below-minimum',
    kind: 'rate',
    key: 'below_minimum',
    words: 'share of values below the smallest of the baseline',
  },
  {
    name: 'above-maximum',
    kind: 'rate',
    key: 'above_maximum',
    words: 'share of values above the largest of the baseline',
  },
  {
    name: 'unknown-category',
    kind: 'rate',
    key: 'unknown_category',
    words: 'share of categories that the baseline did not keep',
  },
]

/**
 * The measure of this name, if a rule on this signal may use it: rates for `data-health`, distances and tests for the others. The key
 * that results use (`jsDistance`, `out_of_range`) is understood too.
 */
export function measureFor(signal: string, name: string): Measure | null {
  const usable = measures.filter((one) => isUsable(one, signal))
  return usable.find((one) => one.name === name) ?? usable.find((one) => one.key === name) ?? null
}

/** Names that a rule on this signal may use. */
export function measureNames(signal: string): string[] {
  return measures.filter((one) => isUsable(one, signal)).map((one) => one.name)
}

function isUsable({ kind }: Measure, signal: string): boolean {
  return (kind === 'rate') === (signal === 'data-health')
}
