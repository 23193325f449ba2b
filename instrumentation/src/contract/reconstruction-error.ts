/**
 * Standardised values and their projection: what a reconstruction error is computed from. One row of `components` per component kept,
 * each of length 1 and at right angles to the others, over the features in order.
 */
export interface ReconstructionBasis {
  readonly means: readonly number[]
  /** Above zero. */
  readonly standardDeviations: readonly number[]
  readonly components: readonly (readonly number[])[]
}

/** A residual of a smaller share of the row's length than this is rounding, and counts as 0. */
const roundingShare = 1e-6

/** What an error too large for a number counts as: its square is still finite. */
const maxError = 1e154

/** Components that a row is projected on at once: their sums do not wait for each other. */
const lanes = 4

/**
 * Reconstruction errors of rows: how far each lies from the plane of the principal components of the baseline.
 *
 * A row of p values is standardised, z_j = (x_j - mean_j) / sd_j, and projected on the k components; its error is the length of what
 * the projection leaves over, √(|z|² - Σ_c (v_c · z)²), by Pythagoras and because the components are orthonormal. Unit: baseline
 * standard deviations; the mean of the squared errors over the baseline is the variance that the components do not explain. A value
 * that is missing or not finite is replaced by the baseline mean (z = 0), so that it neither hides nor makes an error.
 *
 * The same code computes the errors of the baseline, of a server and of a backtest, in the same order of additions: equal rows have
 * equal errors to the last bit. Cost: O(p x k) per row; allocates only when a batch is larger than all before it.
 *
 * @see Jackson and Mudholkar, Control procedures for residuals associated with principal component analysis, Technometrics 1979.
 * @example
 * const errors = new ReconstructionErrors({ means: [0, 0], standardDeviations: [1, 1], components: [[Math.SQRT1_2, Math.SQRT1_2]] })
 * errors.put(0, Float64Array.of(1), 1)
 * errors.put(1, Float64Array.of(-1), 1)
 * errors.measure(1, target) // target[0] is √2: the row lies at a right angle to the component
 */
export class ReconstructionErrors {
  /** Features of a row. */
  readonly features: number
  readonly #means: Float64Array
  readonly #scales: Float64Array
  /** In blocks of `lanes` components, their weights of one feature side by side; filled up with components of zeros. */
  readonly #components: Float64Array
  /** Standardised values, row by row. */
  #values = new Float64Array(0)
  #imputed = new Uint8Array(0)
  /** Squared lengths of the projections. */
  #explained = new Float64Array(1)

  constructor({ means, standardDeviations, components }: ReconstructionBasis) {
    const features = means.length
    this.features = features
    this.#means = Float64Array.from(means)
    this.#scales = Float64Array.from(standardDeviations, (deviation) => 1 / deviation)
    this.#components = new Float64Array(Math.ceil(components.length / lanes) * lanes * features)
    components.forEach((component, i) => {
      const start = Math.floor(i / lanes) * lanes * features + (i % lanes)
      component.forEach((weight, feature) => (this.#components[start + feature * lanes] = weight))
    })
  }

  /** Takes values[0] to values[count - 1], one feature of `count` rows. Every feature must be put before `measure`. */
  put(feature: number, values: Float64Array, count: number): void {
    if (this.#imputed.length < count) this.#grow(count)
    const target = this.#values
    const width = this.features
    const mean = this.#means[feature]!
    const scale = this.#scales[feature]!
    for (let row = 0, at = feature; row < count; row++, at += width) {
      const value = values[row]!
      if (value - value === 0) target[at] = (value - mean) * scale
      else {
        target[at] = 0
        this.#imputed[row] = 1
      }
    }
  }

  /**
   * Writes the error of each of the `count` rows that were put; returns how many of them had a value replaced by its mean.
   *
   * @param flags if given, gets 1 for each of those rows and 0 for the others
   */
  measure(count: number, target: Float64Array, flags?: Uint8Array): number {
    this.#project(count)
    const values = this.#values
    const explained = this.#explained
    const width = this.features
    let imputed = 0
    for (let row = 0; row < count; row++) {
      let length = 0
      const end = (row + 1) * width
      for (let at = row * width; at < end; at++) length += values[at]! * values[at]!
      const left = length - explained[row]!
      if (left - left !== 0) target[row] = maxError
      else target[row] = left > roundingShare * roundingShare * length ? Math.sqrt(left) : 0
      imputed += this.#imputed[row]!
      if (flags !== undefined) flags[row] = this.#imputed[row]!
      this.#imputed[row] = 0
    }
    return imputed
  }

  /**
   * Squared length of each row's projection. Two rows and four components at a time: what is loaded once serves eight sums, and the
   * sums of one row are added in the same order whichever row it is paired with.
   */
  #project(count: number): void {
    const values = this.#values
    const components = this.#components
    const explained = this.#explained
    const width = this.features
    explained.fill(0, 0, count + 1)
    for (let component = 0; component < components.length; component += lanes * width) {
      const end = component + lanes * width
      for (let row = 0; row < count; row += 2) {
        let at = row * width
        // The last of an odd number of rows is paired with itself.
        let other = row + 1 < count ? at + width : at
        let a1 = 0
        let a2 = 0
        let a3 = 0
        let a4 = 0
        let b1 = 0
        let b2 = 0
        let b3 = 0
        let b4 = 0
        for (let weight = component; weight < end; weight += lanes) {
          const a = values[at++]!
          const b = values[other++]!
          const first = components[weight]!
          const second = components[weight + 1]!
          const third = components[weight + 2]!
          const fourth = components[weight + 3]!
          a1 += first * a
          a2 += second * a
          a3 += third * a
          a4 += fourth * a
          b1 += first * b
          b2 += second * b
          b3 += third * b
          b4 += fourth * b
        }
        explained[row]! += a1 * a1 + a2 * a2 + (a3 * a3 + a4 * a4)
        explained[row + 1]! += b1 * b1 + b2 * b2 + (b3 * b3 + b4 * b4)
      }
    }
  }

  #grow(rows: number): void {
    const values = new Float64Array(rows * this.features)
    values.set(this.#values)
    // One more, which the partner of the last of an odd number of rows is written to.
    this.#explained = new Float64Array(rows + 1)
    const imputed = new Uint8Array(rows)
    imputed.set(this.#imputed)
    this.#values = values
    this.#imputed = imputed
  }
}
