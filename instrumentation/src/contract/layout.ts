import { nextDown } from './next-down.ts'

/**
 * Bucket layouts: how the real line is cut into cells.
 *
 * Cells are ordered by value, from the lowest to the highest. Buckets are (lower, upper]: a value equal to a bound
 * belongs to the cell below it, as in OpenTelemetry's explicit-bucket histograms.
 */
export type BucketLayout = ExplicitLayout | LogLinearLayout

/** Cells between given bounds; `bounds.length + 1` cells, the first and the last open-ended. */
export interface ExplicitLayout {
  readonly kind: 'explicit'
  /** Strictly increasing, finite. */
  readonly bounds: readonly number[]
}

/**
 * Cells of equal relative width on both sides of zero, as in OpenTelemetry's exponential histogram: with
 * base = 2^(2^-scale), positive bucket i holds (base^i, base^(i+1)], negative bucket i the mirror image, and one zero cell
 * holds |x| <= zeroThreshold. Cells run from the most negative bucket over zero to the most positive one.
 */
export interface LogLinearLayout {
  readonly kind: 'log-linear'
  /** Integer in [-10, 20]; 2^scale buckets per doubling. */
  readonly scale: number
  readonly zeroThreshold: number
  readonly negative: BucketRange
  readonly positive: BucketRange
}

/** A run of exponential buckets: indices offset, offset + 1, ..., offset + length - 1. */
export interface BucketRange {
  readonly offset: number
  readonly length: number
}

/** Number of cells of a layout. */
export function cellCount(layout: BucketLayout): number {
  return layout.kind === 'explicit' ? layout.bounds.length + 1 : layout.negative.length + 1 + layout.positive.length
}

/**
 * Index of the cell that holds a finite value: the number of bounds strictly below it. Binary search; the recorder has
 * its own branchless version.
 *
 * @example explicitCell([0, 1], 0) // 0: a value equal to a bound lies in the cell below
 */
export function explicitCell(bounds: ArrayLike<number>, value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (bounds[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Index i of the exponential bucket with base^i < |x| <= base^(i+1), for base = 2^(2^-scale).
 *
 * Powers of two are exact; elsewhere the index may be off by one within one ulp of a bound, as the specification allows.
 *
 * @see OpenTelemetry metrics data model, "Exponential Histogram".
 * @example exponentialIndex(4, 0) // 1, because 2^1 < 4 <= 2^2
 */
export function exponentialIndex(magnitude: number, scale: number): number {
  if (scale <= 0) {
    // Exact for powers of two: take the exponent from the bits, then shift.
    const exponent = Math.ceil(exactLog2(magnitude)) - 1
    return Math.floor(exponent / 2 ** -scale)
  }
  return Math.ceil(exactLog2(magnitude) * 2 ** scale) - 1
}

/** Math.log2 that returns the exact integer for powers of two, where libraries may be off by an ulp. */
function exactLog2(x: number): number {
  const log = Math.log2(x)
  const rounded = Math.round(log)
  return Math.abs(log - rounded) < 1e-9 && 2 ** rounded === x ? rounded : log
}

/** Upper bound of exponential bucket `index`: base^(index + 1). */
export function exponentialUpperBound(index: number, scale: number): number {
  return 2 ** ((index + 1) * 2 ** -scale)
}

/**
 * Upper bound of exponential bucket `index` to the ulp, as Driftline's recorders cut there: between 1 and 2 the largest double whose
 * logarithm gives no higher index, which may be an ulp away from base^(index + 1); that times a power of two elsewhere. Every second
 * bound of a scale is one of the next coarser scale, and the same double there.
 *
 * @example logLinearBound(7, 3) // 2
 */
export function logLinearBound(index: number, scale: number): number {
  if (scale <= 0) return exponentialUpperBound(index, scale)
  const cellsPerDoubling = 2 ** scale
  const exponent = Math.floor((index + 1) / cellsPerDoubling)
  const cell = index + 1 - exponent * cellsPerDoubling
  if (cell === 0) return 2 ** exponent
  const key = scale * cellsPerDoubling + cell
  let bound = boundsOfOne.get(key)
  if (bound === undefined) {
    bound = exponentialUpperBound(cell - 1, scale)
    while (exponentialIndex(bound, scale) >= cell) bound = nextDown(bound)
    while (exponentialIndex(-nextDown(-bound), scale) < cell) bound = -nextDown(-bound)
    if (boundsOfOne.size >= maxKeptBounds) boundsOfOne.clear()
    boundsOfOne.set(key, bound)
  }
  return bound * 2 ** exponent
}

/** Bounds between 1 and 2, by scale and cell. */
const boundsOfOne = new Map<number, number>()

/** Some 2 MB: a scale of 20 has a million bounds, of which the baselines in use need a few dozen for each feature. */
const maxKeptBounds = 2 ** 15

/** The finite bounds between the cells of a layout, strictly increasing; one fewer than there are cells. */
export function layoutBounds(layout: BucketLayout): number[] {
  if (layout.kind === 'explicit') return [...layout.bounds]
  const { scale, negative, positive } = layout
  const bounds: number[] = []
  for (let i = negative.offset + negative.length - 1; i >= negative.offset; i--) {
    bounds.push(-exponentialUpperBound(i - 1, scale))
  }
  if (positive.length > 0) bounds.push(exponentialUpperBound(positive.offset - 1, scale))
  for (let i = positive.offset; i < positive.offset + positive.length - 1; i++) {
    bounds.push(exponentialUpperBound(i, scale))
  }
  return bounds
}

/** A short text that is equal for equal layouts, for use as a map key. */
export function layoutKey(layout: BucketLayout): string {
  if (layout.kind === 'explicit') return `e${layout.bounds.join(',')}`
  const { scale, zeroThreshold, negative, positive } = layout
  return `l${scale},${zeroThreshold},${negative.offset},${negative.length},${positive.offset},${positive.length}`
}
