import { attributes, metrics, type Baseline } from '@driftline/instrumentation/contract'
import { makeShape, type Block, type Series } from '../../src/observation/block.ts'

/** A model with one numeric and one categorical feature, and a score: the smallest that has every kind of series. */
export const smallBaseline: Baseline = {
  schema: 'driftline.baseline/1',
  model: { name: 'small', version: '1' },
  createdAt: '2026-01-01T00:00:00.000Z',
  source: { name: 'made-up.csv', boundsRankError: 0 },
  rows: 10_000,
  features: [
    {
      name: 'age',
      kind: 'numeric',
      bounds: [-0.5, 10, 20, 30, 40, 50, 60, 70, 80, 90],
      counts: [0, 1000, 1000, 1500, 1500, 1500, 1500, 1000, 500, 400, 0],
      values: 9900,
      mean: 40,
      variance: 441,
      min: 0,
      max: 90,
      missing: 100,
      invalid: {},
    },
    {
      name: 'colour',
      kind: 'categorical',
      categories: ['blue', 'red'],
      counts: [6000, 4000, 0],
      values: 10_000,
      missing: 0,
      invalid: {},
    },
  ],
  predictions: {
    score: {
      bounds: [0.2, 0.4, 0.5, 0.6, 0.8],
      counts: [2000, 2000, 1000, 1000, 2000, 2000],
      values: 10_000,
      mean: 0.5,
      variance: 0.09,
      min: 0,
      max: 1,
    },
  },
}

export interface SmallWindow {
  /** 11 cells. */
  readonly age?: readonly number[]
  readonly missing?: number
  /** blue, red, other. */
  readonly colour?: readonly number[]
  /** 6 cells. */
  readonly score?: readonly number[]
}

/** About `rows` rows that look like the baseline. */
export function usualWindow(rows: number): SmallWindow {
  const scaled = (counts: readonly number[]) => counts.map((count) => Math.round((count * rows) / 10_000))
  const [age, colour] = smallBaseline.features
  return {
    age: scaled(age!.counts),
    missing: Math.round(rows / 100),
    colour: scaled(colour!.counts),
    score: scaled(smallBaseline.predictions.score!.counts),
  }
}

/** The block that a recorder of the small model sends for one interval. */
export function smallBlock(
  startMs: number,
  endMs: number,
  window: SmallWindow,
  options: { instance?: string; segment?: string } = {},
): Block {
  const series: Series[] = []
  const values: number[] = []
  const histogram = (
    metric: string,
    at: Series['attributes'],
    bounds: readonly number[],
    counts: readonly number[],
  ) => {
    series.push({ metric, attributes: at, layout: { kind: 'explicit', bounds } })
    const count = counts.reduce((sum, one) => sum + one, 0)
    values.push(count, Number.NaN, bounds[0]!, bounds.at(-1)!, ...counts)
  }
  const sum = (metric: string, at: Series['attributes'], value: number) => {
    series.push({ metric, attributes: at, layout: null })
    values.push(value)
  }
  const [age] = smallBaseline.features
  const ofAge = { [attributes.featureName.name]: 'age' }
  if (window.age !== undefined && age!.kind === 'numeric') {
    histogram(metrics.featureValue.name, ofAge, age!.bounds, window.age)
    for (const order of [1, 2]) {
      sum(
        metrics.featureMoment.name,
        { ...ofAge, [attributes.momentOrder.name]: order, [attributes.momentOrigin.name]: 40 },
        order === 1 ? 0 : 441 * 100,
      )
    }
  }
  if (window.missing !== undefined) {
    sum(metrics.featureInvalidValues.name, { ...ofAge, [attributes.invalidReason.name]: 'missing' }, window.missing)
  }
  window.colour?.forEach((count, i) => {
    const category = ['blue', 'red', '_OTHER'][i]!
    sum(
      metrics.featureObservations.name,
      { [attributes.featureCategory.name]: category, [attributes.featureName.name]: 'colour' },
      count,
    )
  })
  if (window.score !== undefined)
    histogram(metrics.predictionScore.name, {}, smallBaseline.predictions.score!.bounds, window.score)
  return {
    scope: {
      model: 'small',
      version: '1',
      segment: options.segment ?? '',
      instance: options.instance ?? 'a',
      service: 'test',
      environment: '',
      manifestDigest: '',
      baselineDigest: '',
    },
    startMicros: startMs * 1000,
    endMicros: endMs * 1000,
    shape: makeShape(series),
    values: Float64Array.from(values),
  }
}
