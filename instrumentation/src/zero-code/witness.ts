import type { DeclaredFeature } from '../options.ts'
import type { BatchOutput } from '../recorder/scope-recorder.ts'
import type { ModelSighting, NamedTensors, TappedRow, WarningKind } from './sighting.ts'

/** Is told what the agent finds out: `driftline doctor` reports it. No method throws. */
export interface Witness {
  patched(library: string, version: string | null): void
  /** @param model what it is recorded as; null when the configuration says not to watch it */
  sighted(sighting: ModelSighting, model: WitnessedModel | null): TapWitness
  warned(kind: WarningKind, subject: string, reason: string): void
}

interface WitnessedModel {
  readonly name: string
  readonly version: string
  /** Whether a manifest or baseline is known for it. */
  readonly described: boolean
}

/** Is told of the calls of one sighting; only the first of each kind matters. */
export interface TapWitness {
  /** @param declared whether configuration, manifest or baseline name the features */
  called(features: readonly DeclaredFeature[], declared: boolean, inputs: NamedTensors): void
  answered(roles: Readonly<Record<string, string | null>>, outputs: NamedTensors): void
  recorded(rows: readonly TappedRow[], output: BatchOutput): void
}
