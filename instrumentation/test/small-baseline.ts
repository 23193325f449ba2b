import type {
  Baseline,
  CategoricalFeatureBaseline,
  NumericFeatureBaseline,
  NumericSummary,
} from '../src/contract/index.ts'

/** Rows of every baseline made here. */
const rows = 100

export function numericSummary(bounds: readonly number[], mean: number): NumericSummary {
  const min = bounds[0]! + 1
  return {
    bounds,
    counts: [0, rows, ...Array.from({ length: bounds.length - 1 }, () => 0)],
    values: rows,
    mean,
    variance: 1,
    min,
    max: Math.max(mean, min),
  }
}

export function numericFeature(
  name: string,
  bounds: readonly number[],
  mean: number,
  range?: { min?: number; max?: number },
): NumericFeatureBaseline {
  return {
    name,
    kind: 'numeric',
    missing: 0,
    invalid: {},
    ...numericSummary(bounds, mean),
    ...(range === undefined ? {} : { range }),
  }
}

export function categoricalFeature(
  name: string,
  categories: readonly string[],
  kind: 'categorical' | 'boolean' = 'categorical',
): CategoricalFeatureBaseline {
  return { name, kind, missing: 0, invalid: {}, categories, counts: [rows, ...categories.map(() => 0)], values: rows }
}

/** age: bounds -1, 10, 20 and range 0 to 120; sector: private, public; member: boolean. */
export function smallBaseline(more: Partial<Baseline> = {}): Baseline {
  return {
    schema: 'driftline.baseline/1',
    model: { name: 'small', version: '1' },
    createdAt: '2026-01-01T00:00:00Z',
    source: { name: 'test', boundsRankError: 0 },
    rows,
    features: [
      numericFeature('age', [-1, 10, 20], 5, { min: 0, max: 120 }),
      categoricalFeature('sector', ['private', 'public']),
      categoricalFeature('member', ['false', 'true'], 'boolean'),
    ],
    predictions: {
      classes: { categories: ['no', 'yes'], counts: [50, 50, 0], values: rows },
      score: {
        bounds: [-0.1, 0.25, 0.5, 0.75],
        counts: [0, 0, 50, 50, 0],
        values: rows,
        mean: 0.5,
        variance: 0.01,
        min: 0.3,
        max: 0.7,
      },
      decision: { threshold: 0.5, rule: '>', positiveClass: 'yes', negativeClass: 'no' },
    },
    ...more,
  }
}
