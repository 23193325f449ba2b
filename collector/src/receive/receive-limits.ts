/** Bounds on what one request may bring and on what the receiver keeps in memory. Each one is configurable. */
export interface ReceiveLimits {
  /** Bytes of a body after inflation; more is answered with 413. The OTLP specification recommends 64 MiB. */
  readonly bodyBytes: number
  /** Bytes of bodies that are being received or stored at one time; more is answered with 503. */
  readonly inFlightBytes: number
  /** Points of one request; the rest is rejected. 64 MiB hold 137,000 histogram points of 20 buckets. */
  readonly points: number
  /**
   * Messages of one request other than points: resources, scopes, metrics and attributes. An empty message takes 2 bytes on the
   * wire and about 100 in memory, so the body limit alone would let 64 MiB grow to several GiB.
   */
  readonly elements: number
  /** Bucket counts and bounds of one request, for the same reason: a count may take one byte, and eight in memory. */
  readonly cells: number
  /** Nesting of attribute values (lists in lists). Driftline uses none. */
  readonly valueDepth: number
  /** Buckets of one histogram, of either sign for exponential ones; SDKs use 160 at most by default. */
  readonly buckets: number
  /** Attributes of one point. The contract knows 3 at most. */
  readonly attributes: number
  /** UTF-16 units of a name or a text value that becomes part of an identity. */
  readonly textLength: number
  /** UTF-16 units of all attributes of a series together. */
  readonly seriesKeyLength: number
  /**
   * Series of one model version and segment, within one to two hours. 500 features with histogram, two moments and six reasons
   * are 4,500; the rest is for categories.
   */
  readonly seriesPerModel: number
  /** Series of all models together, within one to two hours. */
  readonly series: number
  /**
   * Model versions of which points came within a day or so. Each one costs an evaluation per slice and a place in the store, with
   * points or without; a few hundred models with a few versions each are more than one collector is made for.
   */
  readonly models: number
  /** How far a point may lie ahead of the collector's clock, in milliseconds. */
  readonly futureMs: number
  /** How old a point may be, in milliseconds. */
  readonly ageMs: number
  /** Cumulative series whose last value is kept; the one idle for longest goes first. */
  readonly cumulativeSeries: number
  /** A cumulative series not seen for so long is forgotten, in milliseconds. */
  readonly cumulativeIdleMs: number
}

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const mebibyte = 2 ** 20

export const defaultLimits: ReceiveLimits = {
  bodyBytes: 64 * mebibyte,
  inFlightBytes: 256 * mebibyte,
  points: 250_000,
  elements: 2_000_000,
  cells: 16_000_000,
  valueDepth: 16,
  buckets: 2048,
  attributes: 32,
  textLength: 512,
  seriesKeyLength: 2048,
  seriesPerModel: 20_000,
  series: 200_000,
  models: 1000,
  futureMs: 10 * minuteMs,
  ageMs: 400 * dayMs,
  cumulativeSeries: 100_000,
  cumulativeIdleMs: dayMs,
}
