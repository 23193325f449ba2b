import { delayBounds } from '../contract/index.ts'
import type { ModelPlan } from '../plan.ts'
import { CategoricalColumn } from './categorical-column.ts'
import type { NumericColumn, NumericReading } from './numeric-block.ts'
import { SingleHistogram } from './single-histogram.ts'

/**
 * Pairs of predicted and actual class that have a counter of their own. Of later pairs the predicted class is `_OTHER`: the actual
 * classes, whose distribution is watched, stay exact.
 */
export const maxOutcomePairs = 2500

export interface OutcomePair {
  readonly predicted: string
  readonly actual: string
  readonly count: number
}

/** Actual classes by which scores are counted: a score is that of one class against another; `_OTHER` and a third show mistakes. */
export const maxScoredClasses = 4

export interface OutcomeReading {
  /** Every pair that was ever counted. */
  readonly pairs: readonly OutcomePair[]
  /** Prediction minus actual, of regressions. */
  readonly error: NumericReading
  /** Scores of predictions with an outcome, by actual class. */
  readonly scores: readonly { readonly actual: string; readonly score: NumericReading }[]
  /** Seconds between a prediction and its outcome. */
  readonly delay: NumericReading
}

/** Counts outcomes of one segment, or of the model as a whole. */
export class OutcomeCounts {
  readonly #predicted: CategoricalColumn
  readonly #actual: CategoricalColumn
  readonly #pairs = new Map<number, { predicted: number; actual: number; count: number }>()
  /** Its cells are log-linear: a baseline does not hold residuals. */
  readonly #error = new SingleHistogram({ bounds: null, origin: 0, low: -Infinity, high: Infinity })
  readonly #scores = new Map<number, SingleHistogram>()
  readonly #scoreColumn: NumericColumn
  readonly #delay = new SingleHistogram({ bounds: delayBounds, origin: 0, low: -Infinity, high: Infinity })

  constructor({ predictions, outcomeClasses }: Pick<ModelPlan, 'predictions' | 'outcomeClasses'>) {
    this.#predicted = new CategoricalColumn({ kind: 'categorical', categories: predictions.classes })
    this.#actual = new CategoricalColumn({ kind: 'categorical', categories: outcomeClasses })
    this.#scoreColumn = predictions.score
  }

  /** Number of a predicted class, below 0 for what is none. */
  predictedIndex(predicted: unknown): number {
    return this.#predicted.indexOf(predicted)
  }

  /**
   * Whether the actual class was one, and so was counted.
   *
   * @param score of the prediction; NaN when it had none
   */
  addClass(predicted: number, actualClass: unknown, score: number): boolean {
    const actual = this.#actual.indexOf(actualClass)
    if (actual < 0) return false
    const pair = this.#pairOf(predicted, actual)
    pair.count++
    if (Number.isFinite(score)) this.#addScore(actual, score)
    return true
  }

  #addScore(actual: number, score: number): void {
    let histogram = this.#scores.get(actual)
    if (histogram === undefined) {
      if (this.#scores.size >= maxScoredClasses) return
      histogram = new SingleHistogram(this.#scoreColumn)
      this.#scores.set(actual, histogram)
    }
    histogram.record(score)
  }

  /** Whether the actual value was a finite number, and so was counted. */
  addValue(predicted: number, actual: unknown): boolean {
    const residual = predicted - (typeof actual === 'bigint' ? Number(actual) : (actual as number))
    if ((typeof actual !== 'number' && typeof actual !== 'bigint') || !Number.isFinite(residual)) return false
    this.#error.record(residual)
    return true
  }

  addDelay(seconds: number): void {
    if (Number.isFinite(seconds)) this.#delay.record(Math.max(seconds, 0))
  }

  /** What was counted since the last call; counting starts again at zero. */
  take(): OutcomeReading {
    const predicted = this.#predicted.read().categories
    const actual = this.#actual.read().categories
    const pairs: OutcomePair[] = []
    for (const pair of this.#pairs.values()) {
      pairs.push({ predicted: predicted[pair.predicted]!, actual: actual[pair.actual]!, count: pair.count })
      pair.count = 0
    }
    const scores = [...this.#scores].map(([index, histogram]) => ({ actual: actual[index]!, score: histogram.take() }))
    return { pairs, error: this.#error.take(), scores, delay: this.#delay.take() }
  }

  #pairOf(predicted: number, actual: number): { count: number } {
    const key = predicted * pairStride + actual
    const known = this.#pairs.get(key)
    if (known !== undefined) return known
    if (predicted !== other && this.#pairs.size >= maxOutcomePairs) return this.#pairOf(other, actual)
    const pair = { predicted, actual, count: 0 }
    this.#pairs.set(key, pair)
    return pair
  }
}

/** More than any column has categories. */
const pairStride = 2 ** 20
/** The place of `_OTHER` in a `CategoricalColumn`. */
const other = 0
