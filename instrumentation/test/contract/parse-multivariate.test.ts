import { describe, expect, it } from 'vitest'
import {
  FormatError,
  maxMultivariateFeatures,
  parseBaseline,
  type Baseline,
  type NumericSummary,
} from '../../src/contract/index.ts'
import { categoricalFeature, numericFeature, numericSummary, smallBaseline } from '../small-baseline.ts'

const features = [
  numericFeature('a', [-1, 10], 5),
  categoricalFeature('b', ['x']),
  numericFeature('c', [-1, 10], 5),
  numericFeature('d', [-1, 10], 5),
]
const error = (): NumericSummary => ({ ...numericSummary([-0.5, 1, 2], 1), min: 0 })

/** A baseline with a detector over the features a, c and d, and a segment. */
function sample(): Baseline {
  return smallBaseline({
    features,
    multivariate: {
      kind: 'pca',
      name: 'pca',
      features: ['a', 'c', 'd'],
      means: [5, 5, 5],
      standardDeviations: [1, 1, 1],
      components: [
        [0.6, 0.8, 0],
        [0, 0, 1],
      ],
      explainedVariance: 0.7,
      error: error(),
      imputed: 3,
    },
    segments: {
      column: 'b',
      values: { x: { rows: 100, features, predictions: {}, multivariate: { error: error(), imputed: 3 } } },
    },
  })
}

/** Problems after one place was changed. */
function problemsAfter(change: (baseline: any) => void): string[] {
  const baseline = structuredClone(sample())
  change(baseline)
  try {
    parseBaseline(JSON.parse(JSON.stringify(baseline)))
  } catch (problem) {
    if (problem instanceof FormatError) return problem.problems.map(({ path, message }) => `${path}: ${message}`)
    throw problem
  }
  return []
}

describe('the multivariate detector of a baseline', () => {
  it('is accepted as it is written', () => expect(problemsAfter(() => undefined)).toEqual([]))

  it('may be absent, also in a segment', () => {
    expect(problemsAfter((baseline) => delete baseline.segments.values.x.multivariate)).toEqual([])
    expect(problemsAfter((baseline) => delete baseline.multivariate)).toEqual([
      'segments.values.x.multivariate: given without multivariate at the top, whose components it needs',
    ])
  })

  it('names numeric features of the model, in their order', () => {
    expect(problemsAfter(({ multivariate }) => (multivariate.features = ['c', 'a', 'b']))).toEqual([
      'multivariate.features[1]: "a" is not in the order of features',
      'multivariate.features[2]: "b" is not a numeric feature',
    ])
    expect(problemsAfter(({ multivariate }) => (multivariate.features[2] = 'e'))).toEqual([
      'multivariate.features[2]: "e" is none of the features',
    ])
    expect(problemsAfter(({ multivariate }) => (multivariate.features = ['a']))).toContain(
      'multivariate.features: expected at least 2 features, got 1',
    )
    const many = Array.from({ length: maxMultivariateFeatures + 1 }, (_, i) => `f${i}`)
    expect(problemsAfter(({ multivariate }) => (multivariate.features = many))).toContain(
      `multivariate.features: expected at most ${maxMultivariateFeatures} features, got ${maxMultivariateFeatures + 1}`,
    )
  })

  it('has a mean and a standard deviation above 0 for each of them', () => {
    expect(
      problemsAfter(({ multivariate }) => {
        multivariate.means = [5, 5]
        multivariate.standardDeviations[1] = 0
        multivariate.standardDeviations[2] = null
      }),
    ).toEqual([
      'multivariate.means: expected 3 numbers, one per feature, got 2',
      'multivariate.standardDeviations[2]: expected a finite number, got null',
    ])
    expect(problemsAfter(({ multivariate }) => (multivariate.standardDeviations[1] = 0))).toEqual([
      'multivariate.standardDeviations[1]: expected a number > 0, got 0',
    ])
  })

  it('has orthonormal components, fewer than features', () => {
    expect(problemsAfter(({ multivariate }) => (multivariate.components[0] = [0.6, 0.6, 0]))).toEqual([
      `multivariate.components[0]: has length ${Math.sqrt(0.6 * 0.6 * 2)} instead of 1`,
    ])
    expect(problemsAfter(({ multivariate }) => (multivariate.components[1] = [0.8, 0.6, 0]))).toEqual([
      'multivariate.components[1]: is not at a right angle to multivariate.components[0]: their product is 0.96',
    ])
    expect(problemsAfter(({ multivariate }) => multivariate.components.push([0.8, -0.6, 0]))).toEqual([
      'multivariate.components: expected fewer components than the 3 features, got 3: none is left to err in',
    ])
    expect(problemsAfter(({ multivariate }) => (multivariate.components = []))).toEqual([
      'multivariate.components: expected at least one component',
    ])
    expect(problemsAfter(({ multivariate }) => (multivariate.components[1] = ['0', 0, 1]))).toEqual([
      'multivariate.components[1][0]: expected a finite number, got "0"',
    ])
  })

  it('has an error for every row, none negative', () => {
    expect(problemsAfter(({ multivariate }) => (multivariate.error.min = -1))).toEqual([
      'multivariate.error.min: expected a number >= 0, got -1',
    ])
    expect(
      problemsAfter(({ multivariate }) => {
        multivariate.error.values = 99
        multivariate.error.counts[1] = 99
      }),
    ).toEqual(['multivariate.error.values: is 99, but rows is 100'])
    expect(problemsAfter(({ multivariate }) => (multivariate.imputed = 101))).toEqual([
      'multivariate.imputed: is 101, but rows is 100',
    ])
    expect(problemsAfter(({ multivariate }) => (multivariate.explainedVariance = 1.2))).toEqual([
      'multivariate.explainedVariance: expected a share between 0 and 1, got 1.2',
    ])
  })

  it('is counted in the same cells in segments', () => {
    expect(problemsAfter(({ segments }) => (segments.values.x.multivariate.error.bounds[1] = 1.5))).toEqual([
      'segments.values.x.multivariate.error.bounds: must be the same as multivariate.error.bounds',
    ])
    expect(problemsAfter(({ segments }) => (segments.values.x.multivariate.means = [1]))).toEqual([
      'segments.values.x.multivariate.means: unknown field; known here: error, imputed',
    ])
  })
})
