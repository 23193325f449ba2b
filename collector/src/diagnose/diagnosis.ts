/** A possible cause of a drift, with what speaks for it. */
export interface Diagnosis {
  readonly cause: Cause
  /** Between 0 and 1; for ranking, not a probability. */
  readonly score: number
  readonly features: readonly string[]
  /** One sentence with the numbers that speak for it. */
  readonly evidence: string
  /** What a person should look at first. */
  readonly lookAt: string
}

export type Cause =
  | 'unit-or-scale-change'
  | 'shifted-mean'
  | 'changed-spread'
  | 'stuck-value'
  | 'missing-surge'
  | 'default-value-surge'
  | 'new-category'
  | 'category-mix'
  | 'permuted-categories'
  | 'out-of-range'
  | 'invalid-values'
  | 'prediction-shift-without-input-shift'
  | 'changed-correlation'
