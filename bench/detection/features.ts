import { nextDown } from '../../instrumentation/src/contract/index.ts'
import {
  compileDetector,
  type CompiledDetector,
  type MonitorDefinition,
  type MonitorInput,
} from '../../collector/src/evaluate/evidence/model-detector.ts'
import { binomial, multinomial } from './counts.ts'
import { cellProbabilities, drawNumericBaseline, layoutShares, unchanged, zipfShares } from './distributions.ts'
import type { Random } from './random.ts'

/** Evidence steps in which one false alarm is accepted: 30 days of hourly windows. */
export const budgetSteps = 720

/** The share of rows whose value is missing, before and after. */
export const missingShare = 0.01

export type FeatureKind = 'continuous' | 'poisson' | `categories-${number}`

export type FeatureDefinition = Pick<
  MonitorDefinition,
  'kind' | 'baselineCounts' | 'chunkCounts' | 'missing' | 'invalid'
>

/** One feature of a simulated model: what the detector learns of its baseline, and what its rows really look like. */
export interface Feature {
  readonly definition: FeatureDefinition
  readonly probabilities: Float64Array
}

/** Draws the baseline of one feature that does not change; 1 % of its rows are missing besides. */
export function drawFeature(kind: FeatureKind, rows: number, random: Random): Feature {
  const flags = {
    missing: { count: binomial(rows, missingShare, random), rows },
    invalid: { count: 0, rows },
  }
  if (kind === 'continuous') {
    const baseline = drawNumericBaseline(rows, random)
    return {
      definition: { kind: 'numeric', baselineCounts: baseline.counts, ...flags },
      probabilities: cellProbabilities(baseline, unchanged),
    }
  }
  if (kind === 'poisson') {
    const { counts, probabilities } = drawPoissonBaseline(rows, random)
    return { definition: { kind: 'numeric', baselineCounts: counts, ...flags }, probabilities }
  }
  // The last cell is `_OTHER`: in the baseline and in truth there is nothing.
  const probabilities = Float64Array.from([...zipfShares(Number(kind.slice('categories-'.length))), 0])
  const definition = {
    kind: 'categorical' as const,
    baselineCounts: multinomial(rows, probabilities, random),
    ...flags,
  }
  return { definition, probabilities }
}

const poissonMean = 3
const poissonLimit = 60

/** Whole numbers with ties: the quantile layout has one bound for each distinct quantile. */
function drawPoissonBaseline(
  rows: number,
  random: Random,
): { readonly counts: Float64Array; readonly probabilities: Float64Array } {
  const shares = new Float64Array(poissonLimit)
  let share = Math.exp(-poissonMean)
  for (let value = 0; value < poissonLimit; value++) {
    shares[value] = share
    share *= poissonMean / (value + 1)
  }
  const drawn = multinomial(rows, shares, random)
  let smallest = 0
  while (drawn[smallest] === 0) smallest++
  let largest = poissonLimit - 1
  while (drawn[largest] === 0) largest--
  const quantile = (probability: number): number => {
    let below = 0
    for (let value = 0; value <= largest; value++) {
      below += drawn[value]!
      if (below >= probability * rows - 1e-9) return value
    }
    return largest
  }
  const bounds = [...new Set([nextDown(smallest), ...layoutShares.map(quantile), largest])].sort((a, b) => a - b)
  const counts = new Float64Array(bounds.length + 1)
  const probabilities = new Float64Array(bounds.length + 1)
  for (let value = 0; value < poissonLimit; value++) {
    let cell = 0
    while (cell < bounds.length && bounds[cell]! < value) cell++
    counts[cell]! += drawn[value]!
    probabilities[cell]! += shares[value]!
  }
  return { counts, probabilities }
}

/** The collector's detector of a model of these features. */
export function compileModelOf(features: readonly FeatureDefinition[]): CompiledDetector {
  return compileDetector({
    monitors: features.map((feature, i) => ({ id: `feature-${i}`, segment: '', family: 'features', ...feature })),
    budgetSteps,
  })
}

/** One window of a feature with `rows` values and its share of missing ones besides. */
export function drawWindow(probabilities: ArrayLike<number>, rows: number, random: Random): MonitorInput {
  return windowOf(multinomial(rows, probabilities, random), binomial(rows, missingShare, random), rows)
}

/** Missing rows are counted among `rows`, as the simulations of STATISTICS.md do. */
export function windowOf(counts: ArrayLike<number>, missing: number, rows: number): MonitorInput {
  return { counts, missing, invalid: 0, rows }
}
