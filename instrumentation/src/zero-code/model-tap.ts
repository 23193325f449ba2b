import { performance } from 'node:perf_hooks'
import type { Manifest } from '../contract/index.ts'
import type { ModelMonitor } from '../monitor.ts'
import type { Values } from '../recorder/gather.ts'
import type { TensorFeatures } from '../recorder/model-recorder.ts'
import type { BatchOutput } from '../recorder/scope-recorder.ts'
import type { ModelConfig } from './instrument-config.ts'
import type {
  DeclaredModel,
  ModelSighting,
  ModelTap,
  NamedTensors,
  TapDropReason,
  TappedCall,
  TappedRow,
  WarningKind,
} from './sighting.ts'
import { planTensorFeatures, type TensorReader, type TensorRows, type UnreadableTensors } from './tensor-features.ts'
import { isUnreadable, planTensorOutputs, type OutputReader } from './tensor-outputs.ts'
import type { WatchedModel } from './watched-model.ts'
import type { TapWitness } from './witness.ts'

export interface SightedModelTapOptions {
  readonly sighting: ModelSighting
  readonly watched: WatchedModel
  readonly config: ModelConfig | null
  readonly warn: (kind: WarningKind, subject: string, reason: string) => void
  readonly witness?: TapWitness | undefined
}

/** The calls of one sighted session, pipeline, route or object. Several of them may be of one model. */
export class SightedModelTap implements ModelTap {
  readonly model: string
  readonly declared: DeclaredModel | null
  readonly #sighting: ModelSighting
  readonly #watched: WatchedModel
  readonly #config: ModelConfig | null
  readonly #warn: SightedModelTapOptions['warn']
  readonly #witness: TapWitness | undefined
  #inputs: TensorReader | null = null
  #outputs: OutputReader | null = null
  #monitor: ModelMonitor | null = null
  #calls = 0
  /** Rows of the latest inputs that could not be read. */
  #unreadRows = 1

  constructor({ sighting, watched, config, warn, witness }: SightedModelTapOptions) {
    this.model = watched.name
    this.declared = declaredModel(watched)
    this.#sighting = sighting
    this.#watched = watched
    this.#config = config
    this.#warn = warn
    this.#witness = witness
  }

  /** Calls that were seen, whether or not their rows could be read. */
  get calls(): number {
    return this.#calls
  }

  begin(inputs: NamedTensors): TappedCall | null {
    try {
      this.#calls++
      const reading = this.#recordInputs(inputs)
      return reading === null ? new UnreadCall(this, this.#unreadRows) : new TensorCall(this, reading)
    } catch (error) {
      this.#internal(error)
      return null
    }
  }

  record(rows: readonly TappedRow[], output: BatchOutput): void {
    try {
      this.#witness?.recorded(rows, output)
      this.#watched.record(rows, output)
    } catch (error) {
      this.#internal(error)
    }
  }

  duration(seconds: number, rows: number, error: unknown): void {
    this.#calls++
    this.time(seconds, rows, error)
  }

  drop(reason: TapDropReason, rows: number, detail: string): void {
    this.#drop('unreadable-input', reason, rows, detail)
  }

  /** @param rows undefined where they could not be read */
  time(seconds: number, rows: number | undefined, error: unknown): void {
    try {
      this.#watched.recordDuration(seconds, rows, this.#sighting.library, error)
    } catch (failure) {
      this.#internal(failure)
    }
  }

  /** The answers to rows that `begin` has recorded. */
  answer(rows: number, segments: Values | undefined, outputs: NamedTensors): void {
    try {
      const monitor = this.#monitor
      if (monitor === null) return
      this.#outputs ??= this.#planOutputs(outputs)
      this.#witness?.answered({ ...this.#outputs.roles }, outputs)
      if (rows === 1 && segments === undefined) {
        const answer = this.#outputs.readOne(outputs)
        if (isUnreadable(answer)) this.#drop('unreadable-output', answer.drop, answer.rows, answer.detail)
        else monitor.recordOutput(answer)
        return
      }
      const answers = this.#outputs.read(outputs, rows)
      if (isUnreadable(answers)) this.#drop('unreadable-output', answers.drop, answers.rows, answers.detail)
      else monitor.recordOutputs(rows, segments === undefined ? answers : { ...answers, segments })
    } catch (error) {
      this.#internal(error)
    }
  }

  /** The answers to rows that `begin` could not read: that is no reason to lose them, nor to complain of them as well. */
  answerUnread(rows: number, outputs: NamedTensors): void {
    try {
      const { monitor } = this.#watched
      if (monitor === null) return
      this.#outputs ??= this.#planOutputs(outputs)
      const answers = this.#outputs.read(outputs, rows)
      if (!isUnreadable(answers)) monitor.recordOutputs(rows, answers)
    } catch (error) {
      this.#internal(error)
    }
  }

  /** Counts the rows of a call; null when they could not be read, and were dropped. */
  #recordInputs(inputs: NamedTensors): TensorRows | null {
    this.#inputs ??= this.#planInputs(inputs)
    const reading = this.#inputs.read(inputs)
    if ('drop' in reading) {
      this.#dropInputs(reading)
      return null
    }
    this.#witness?.called(this.#inputs.features, this.#hasNames, inputs)
    if (this.#monitor === null) {
      this.#monitor = this.#watched.monitorFor(this.#inputs.features)
      if (this.#monitor === null) {
        if (this.#watched.monitor !== null) {
          const detail = `other features than the model '${this.model}' had before`
          this.#dropInputs({ drop: 'unexpected_shape', rows: reading.rows, detail })
        }
        return null
      }
    }
    const { features, rows, segments } = reading
    const row = rows === 1 && segments === undefined ? onlyRow(features) : null
    if (row !== null) this.#monitor.record(row)
    else this.#monitor.recordBatch(features, segments === undefined ? undefined : { segments })
    return reading
  }

  get #hasNames(): boolean {
    return this.#config?.inputs?.features !== undefined || describedBy(this.#watched) !== null
  }

  #planInputs(first: NamedTensors): TensorReader {
    const reader = planTensorFeatures({
      inputs: this.#sighting.inputs,
      first,
      config: this.#config?.inputs,
      manifest: describedBy(this.#watched),
    })
    if (reader.mismatch !== null) this.#warn('mismatched-model', this.model, reader.mismatch)
    return reader
  }

  #planOutputs(first: NamedTensors): OutputReader {
    const reader = planTensorOutputs({
      outputs: this.#sighting.outputs,
      first,
      config: this.#config?.outputs,
      manifest: this.#watched.manifest,
    })
    if (reader.mismatch !== null) this.#warn('mismatched-model', this.model, reader.mismatch)
    return reader
  }

  #dropInputs({ drop, rows, detail }: UnreadableTensors): void {
    this.#unreadRows = rows
    const mismatch = this.#inputs?.mismatch ?? null
    // These inputs never will be read, but answers, durations and drops are worth watching.
    if (mismatch !== null) this.#watched.watchWithoutFeatures()
    if (detail === mismatch) this.#watched.drop(drop, rows)
    else this.#drop('unreadable-input', drop, rows, detail)
  }

  #drop(kind: WarningKind, reason: TapDropReason, rows: number, detail: string): void {
    try {
      this.#watched.drop(reason, rows)
      this.#warn(kind, this.model, detail)
    } catch {
      // Nothing is left to tell it to.
    }
  }

  #internal(error: unknown): void {
    try {
      this.#warn('internal', this.model, error instanceof Error ? error.message : String(error))
    } catch {
      // An error whose text throws.
    }
  }
}

class TensorCall implements TappedCall {
  readonly #tap: SightedModelTap
  readonly #rows: number
  readonly #segments: Values | undefined
  readonly #start: number

  constructor(tap: SightedModelTap, reading: TensorRows) {
    this.#tap = tap
    // Not the reading itself: it shares memory with the caller's tensors, which is not to be held until the call ends.
    this.#rows = reading.rows
    this.#segments = reading.segments
    // Last: our own time is not the model's.
    this.#start = performance.now()
  }

  end(outputs: NamedTensors): void {
    this.#tap.time((performance.now() - this.#start) / 1000, this.#rows, undefined)
    this.#tap.answer(this.#rows, this.#segments, outputs)
  }

  fail(error: unknown): void {
    this.#tap.time((performance.now() - this.#start) / 1000, this.#rows, error ?? 'undefined')
  }
}

/** A call whose inputs could not be read. */
class UnreadCall implements TappedCall {
  readonly #tap: SightedModelTap
  /** As far as that can be told; not told as the rows of the call. */
  readonly #rows: number
  readonly #start: number

  constructor(tap: SightedModelTap, rows: number) {
    this.#tap = tap
    this.#rows = rows
    this.#start = performance.now()
  }

  end(outputs: NamedTensors): void {
    this.#tap.time((performance.now() - this.#start) / 1000, undefined, undefined)
    this.#tap.answerUnread(this.#rows, outputs)
  }

  fail(error: unknown): void {
    this.#tap.time((performance.now() - this.#start) / 1000, undefined, error ?? 'undefined')
  }
}

/** The values of a lone row that fill an array, which the recorder keeps cheaper than a batch of one. */
function onlyRow(features: TensorRows['features']): Values | null {
  const { data, rows, columns } = features as Partial<TensorFeatures>
  return typeof rows === 'number' && data !== undefined && data.length === columns && columns > 0 ? data : null
}

function declaredModel({ manifest, baseline }: WatchedModel): DeclaredModel | null {
  const described = manifest ?? baseline
  if (described === null) return null
  return {
    features: described.features.map(({ name }) => name),
    positiveClass: manifest?.output?.positiveClass ?? baseline?.predictions.decision?.positiveClass ?? null,
    classes: manifest?.output?.classes ?? null,
    task: manifest?.model.task ?? null,
  }
}

/** What the readers of tensors take as the manifest: a baseline alone has names, kinds and segments, too. */
function describedBy({ manifest, baseline }: WatchedModel): Pick<Manifest, 'features' | 'segment'> | null {
  if (manifest !== null || baseline === null) return manifest
  const { features, segments } = baseline
  return {
    features: features.map(({ name, kind }) => ({ name, kind })),
    ...(segments === undefined ? {} : { segment: { column: segments.column } }),
  }
}
