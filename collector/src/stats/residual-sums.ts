/** Sums over the rows of a regression model; a residual is the prediction minus the actual value. */
export interface ResidualSums {
  readonly rows: number
  readonly residuals: number
  readonly absoluteResiduals: number
  readonly squaredResiduals: number
  /** Of the actual values, about any one origin; near their mean, so that digits are kept. */
  readonly actuals: number
  readonly squaredActuals: number
}

/** A metric and its 95 % interval; the interval is null where there are too few rows for one. */
export interface MetricWithInterval {
  readonly value: number
  readonly interval: readonly [number, number] | null
}
