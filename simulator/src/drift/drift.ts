import type { Random } from '../random.ts'
import type { TrafficRow } from '../traffic/rows.ts'

/** A change of the world or of a pipeline, planted into traffic, with what an ideal diagnosis would say about it. */
export interface Drift {
  readonly name: string
  /** What happens, in words. */
  readonly description: string
  /** Kept beside the drift and never sent: the collector cannot see the answer. */
  readonly truth: PlantedTruth | null
  /** Rows to draw from once the drift has begun; default: the held-out rows, as before. */
  readonly source?: 'later-years'
  /** Pure: the row as it arrives once the drift has begun. */
  readonly plant: (row: TrafficRow, random: Random) => TrafficRow
}

export interface PlantedTruth {
  /** Causes that count as right when they come first; in the words of the collector's diagnosis. */
  readonly causes: readonly string[]
  /** The features that were touched; empty when it is the world that changed. */
  readonly features: readonly string[]
  readonly explanation: string
}
