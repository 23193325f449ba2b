import { attributes, metrics, otherCategory } from '@driftline/instrumentation/contract'
import { filledCells, type FilledCell } from '../observation/histogram-values.ts'
import type { Totals, TotalsEntry } from '../observation/totals.ts'

/** What became known of the predictions of a window, apart from their distributions. */
export interface Observations {
  /** Predicted and actual classes. */
  readonly outcomes: readonly OutcomeCount[]
  /** Prediction minus actual of a regression. */
  readonly residuals: readonly FilledCell[]
  /** Scores of predictions whose actual class became known, by that class. */
  readonly outcomeScores: readonly { readonly actual: string; readonly entry: TotalsEntry }[]
  /** By method, by feature: signed attributions. */
  readonly attributions: ReadonlyMap<string, ReadonlyMap<string, readonly FilledCell[]>>
}

export interface OutcomeCount {
  readonly predicted: string
  readonly actual: string
  readonly count: number
}

/** Reads from stored series what the quality of a model is computed from. Nothing of it depends on a baseline. */
export function observationsFrom(totals: Totals): Observations {
  const outcomes: OutcomeCount[] = []
  const residuals: FilledCell[] = []
  const outcomeScores: { actual: string; entry: TotalsEntry }[] = []
  const attributions = new Map<string, Map<string, FilledCell[]>>()
  for (const entry of totals.entries()) {
    const { metric, attributes: at } = entry.series
    if (metric === metrics.outcomes.name) {
      const count = entry.values[0]!
      const predicted = String(at[attributes.predictionClass.name] ?? otherCategory)
      const actual = String(at[attributes.outcomeClass.name] ?? otherCategory)
      if (count > 0) outcomes.push({ predicted, actual, count })
    } else if (metric === metrics.outcomeError.name) {
      residuals.push(...filledCells(entry))
    } else if (metric === metrics.outcomeScore.name) {
      outcomeScores.push({ actual: String(at[attributes.outcomeClass.name]), entry })
    } else if (metric === metrics.attributionValue.name) {
      const method = String(at[attributes.attributionMethod.name])
      const feature = String(at[attributes.featureName.name])
      const features = attributions.get(method) ?? new Map<string, FilledCell[]>()
      attributions.set(method, features)
      const cells = features.get(feature) ?? []
      features.set(feature, cells)
      cells.push(...filledCells(entry))
    }
  }
  return { outcomes, residuals, outcomeScores, attributions }
}
