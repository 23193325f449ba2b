import { otherCategory } from '../contract/index.ts'
import type { ModelPlan } from '../plan.ts'
import type { TapDropReason } from '../zero-code/sighting.ts'
import { chunkRows, readValue, type Values } from './gather.ts'
import { InferenceRecorder, type InferenceReading } from './inference-recorder.ts'
import type { OutcomeReading } from './outcome-counts.ts'
import { OutcomeRecorder, type OutcomeDropReason, type OutcomeOptions } from './outcome-recorder.ts'
import { RowShape } from './row-shape.ts'
import { ScopeRecorder, type BatchOutput, type Output, type ScopeReading } from './scope-recorder.ts'

/** A tensor: `rows` rows of all features in order, each starting `columns` places after the one before (default: the number of features). */
export interface TensorFeatures {
  readonly data: Values
  readonly rows: number
  readonly columns?: number | undefined
}

/** One array per feature, by name; a batch has as many rows as its longest array. */
export interface ColumnFeatures {
  readonly [feature: string]: Values
}

/** Why a row, the model's answer to it, or its outcome was not counted. */
export type DropReason =
  /** Not an object or array, or an array with more values than there are features. */
  | 'malformed_row'
  /** A tensor whose numbers of rows and columns do not fit its data, or something that is no batch. */
  | 'malformed_batch'
  /** Recorded from within a getter of a row that was being recorded. */
  | 'reentrant'
  /** Recorded after shutdown. */
  | 'shut_down'
  /** The features were counted, but the model's answer held something that is not finite or of a wrong type. */
  | 'invalid_output'
  /** Counted, but lost because exports failed for too long. */
  | 'export_backlog'
  /** Counted, but refused for good by the receiver. */
  | 'export_rejected'
  /** A failure inside Driftline. */
  | 'internal_error'
  | OutcomeDropReason
  | TapDropReason

export interface ModelReading {
  /** Scopes that counted rows. `segment` is null for a model without segments. */
  readonly scopes: readonly { readonly segment: string | null; readonly reading: ScopeReading }[]
  readonly inference: InferenceReading
  /** Of scopes for which an outcome was ever counted, or a prediction with an id. */
  readonly outcomes: readonly { readonly segment: string | null; readonly reading: OutcomeReading }[]
  /** Newly dropped rows by reason. */
  readonly dropped: ReadonlyMap<DropReason, number>
}

/** Everything that is counted for one model: the place where rows find their segment, and odd calls their end. */
export class ModelRecorder {
  #plan: ModelPlan
  #shape: RowShape
  #overall: ScopeRecorder | null
  /** By declared segment and `_OTHER`; made when the first row of a segment comes. */
  readonly #bySegment = new Map<string, ScopeRecorder>()
  readonly #inference = new InferenceRecorder()
  readonly #outcomes: OutcomeRecorder
  readonly #onInternalError: (error: unknown) => void
  readonly #sources: { data: Values; offset: number }[]
  readonly #positions = new Int32Array(chunkRows)
  readonly #rowNumbers = new Int32Array(chunkRows)
  readonly #chunkRecorders: (ScopeRecorder | null)[] = Array.from({ length: chunkRows }, () => null)
  readonly #dropped = new Map<DropReason, number>()
  readonly #droppedEver = new Map<DropReason, number>()
  #recording = false
  #rows = 0

  constructor(plan: ModelPlan, outcomes: OutcomeOptions, onInternalError: (error: unknown) => void) {
    this.#plan = plan
    this.#outcomes = new OutcomeRecorder(plan, outcomes, (reason, rows) => this.drop(reason, rows))
    this.#onInternalError = onInternalError
    this.#shape = new RowShape(plan.features, plan.detector)
    this.#overall = plan.segments === null ? new ScopeRecorder(plan, this.#shape) : null
    this.#sources = plan.features.map(() => ({ data: nothing, offset: 0 }))
  }

  /** What is recorded, and in which cells. */
  get plan(): ModelPlan {
    return this.#plan
  }

  /**
   * Goes on in the cells of another plan of the same features, in the same order. To be called right after `take`, when nothing is counted in the
   * cells of the old one. What is counted without cells of the baseline stays: statistics, durations, and predictions that wait for their outcome.
   *
   * @returns false while a row is being recorded, whose getters called for this; then nothing was changed
   */
  adopt(plan: ModelPlan): boolean {
    if (this.#recording) return false
    const shape = new RowShape(plan.features, plan.detector)
    const overall = plan.segments === null ? new ScopeRecorder(plan, shape) : null
    this.#plan = plan
    this.#shape = shape
    this.#overall = overall
    this.#bySegment.clear()
    return true
  }

  /** Rows counted since the start. */
  get rows(): number {
    return this.#rows
  }

  /** Dropped rows since the start, by reason. */
  get dropped(): ReadonlyMap<DropReason, number> {
    return this.#droppedEver
  }

  /** Bytes of the typed arrays that hold the features of all scopes made so far. */
  get featureBytes(): number {
    const scopes = this.#overall === null ? [...this.#bySegment.values()] : [this.#overall]
    return scopes.reduce((sum, scope) => sum + scope.featureBytes, 0)
  }

  /** What became of predictions with an id since the start. */
  get outcomes(): { readonly joined: number; readonly pending: number } {
    return { joined: this.#outcomes.joined, pending: this.#outcomes.pending }
  }

  drop(reason: DropReason, rows: number): void {
    if (rows === 0) return
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + rows)
    this.#droppedEver.set(reason, (this.#droppedEver.get(reason) ?? 0) + rows)
  }

  /** Counts one row. Never throws. */
  record(features: unknown, output: Output | undefined): void {
    if (this.#recording) {
      this.drop('reentrant', 1)
      return
    }
    this.#recording = true
    try {
      this.#recordRow(features, output)
    } catch (error) {
      this.drop('internal_error', 1)
      this.#onInternalError(error)
    } finally {
      this.#recording = false
    }
  }

  /** Counts the rows of a batch. Never throws. */
  recordBatch(features: unknown, output: BatchOutput | undefined): void {
    if (this.#recording) {
      this.drop('reentrant', 1)
      return
    }
    this.#recording = true
    const before = this.#rows
    let rows = 0
    try {
      const positionStep = this.#findSources(features)
      rows = this.#batchRows
      if (positionStep === null) this.drop('malformed_batch', Math.max(rows, 1))
      else this.#recordRows(rows, positionStep, output ?? noOutput)
    } catch (error) {
      this.drop('internal_error', Math.max(rows - (this.#rows - before), 1))
      this.#onInternalError(error)
    } finally {
      // A batch must not stay in memory until the next one.
      for (let i = 0; i < this.#sources.length; i++) this.#sources[i]!.data = nothing
      this.#recording = false
    }
  }

  /** Counts the answers to `rows` rows whose features were counted before. Never throws. */
  recordOutputs(rows: number, output: BatchOutput): void {
    if (this.#recording) {
      this.drop('reentrant', 1)
      return
    }
    this.#recording = true
    try {
      if (!Number.isSafeInteger(rows) || rows < 0 || typeof output !== 'object' || output === null)
        this.drop('malformed_batch', 1)
      else this.#recordOutputs(rows, output)
    } catch (error) {
      this.drop('internal_error', 1)
      this.#onInternalError(error)
    } finally {
      this.#recording = false
    }
  }

  /** Counts the answer to one row whose features were counted before. Never throws. */
  recordOutput(output: Output): void {
    if (this.#recording) {
      this.drop('reentrant', 1)
      return
    }
    this.#recording = true
    try {
      const scope = this.#overall ?? this.#segmentOf(output)
      scope.recordOutput(output)
      this.#remember(output)
    } catch (error) {
      this.drop('internal_error', 1)
      this.#onInternalError(error)
    } finally {
      this.#recording = false
    }
  }

  /** Times one call; `error` is undefined when it succeeded. */
  recordInference(seconds: number, runtime: string | undefined, error: unknown, rows: number | undefined): void {
    try {
      this.#inference.record(seconds, runtime, error, rows)
    } catch (failure) {
      this.#onInternalError(failure)
    }
  }

  /** Counts what became of a prediction that was recorded with this id. */
  joinOutcome(id: unknown, actual: unknown): void {
    try {
      this.#outcomes.join(id, actual)
    } catch (error) {
      this.drop('internal_error', 1)
      this.#onInternalError(error)
    }
  }

  /** Counts an outcome that the application joined itself. */
  recordOutcome(predicted: unknown, actual: unknown, segment: unknown, delaySeconds: number | undefined): void {
    try {
      this.#outcomes.record(this.#segmentName(segment), predicted, actual, delaySeconds)
    } catch (error) {
      this.drop('internal_error', 1)
      this.#onInternalError(error)
    }
  }

  /** What was counted since the last call; counting starts again at zero. */
  take(): ModelReading {
    const scopes: { segment: string | null; reading: ScopeReading }[] = []
    if (this.#overall !== null) scopes.push({ segment: null, reading: this.#overall.take() })
    for (const [segment, recorder] of this.#bySegment) scopes.push({ segment, reading: recorder.take() })
    for (const { reading } of scopes) this.drop('invalid_output', reading.invalidOutputs)
    // Forgets predictions that waited too long, so it comes before the drops are read.
    const outcomes = this.#outcomes.take()
    const dropped = new Map(this.#dropped)
    this.#dropped.clear()
    return {
      scopes: scopes.filter(({ reading }) => reading.rows > 0 || reading.answers > 0),
      inference: this.#inference.take(),
      outcomes,
      dropped,
    }
  }

  #recordRow(features: unknown, output: Output | undefined): void {
    if (typeof features !== 'object' || features === null) {
      this.drop('malformed_row', 1)
      return
    }
    const scope = this.#overall ?? this.#segmentOf(output)
    if (Array.isArray(features) || ArrayBuffer.isView(features)) {
      const row = features as unknown as Values
      // A longer array is a batch or another model's row: none of its places can be trusted.
      if (!(lengthOf(row) <= this.#shape.names.length)) {
        this.drop('malformed_row', 1)
        return
      }
      scope.recordArray(row)
    } else {
      scope.recordObject(features as Readonly<Record<string, unknown>>)
    }
    this.#rows++
    if (output === undefined || output === null) return
    scope.recordOutput(output)
    this.#remember(output)
  }

  /** Keeps the answer to a row that has an id. An answer that throws when it is read was counted as invalid before. */
  #remember(output: Output): void {
    let answer: Output
    try {
      if (output.id === undefined || output.id === null) return
      const { id, class: predicted, score, value, segment } = output
      answer = { id, class: predicted, score, value, segment }
    } catch {
      return
    }
    this.#outcomes.remember(answer.id, this.#segmentName(answer.segment), {
      class: answer.class,
      score: answer.score,
      value: answer.value,
    })
  }

  #rememberRows({ ids, classes, scores, values, segments }: BatchOutput, rows: Int32Array, count: number): void {
    const read = (from: Values | undefined, row: number) => (from === undefined ? undefined : readValue(from, row))
    for (let i = 0; i < count; i++) {
      const row = rows[i]!
      const id = read(ids, row)
      if (id === undefined || id === null) continue
      this.#outcomes.remember(id, this.#segmentName(read(segments, row)), {
        class: read(classes, row),
        score: read(scores, row),
        value: read(values, row),
      })
    }
  }

  #segmentOf(output: Output | undefined): ScopeRecorder {
    let segment: unknown
    try {
      segment = output?.segment
    } catch {
      // As if there were none.
    }
    return this.#recorderFor(segment)
  }

  /** The recorder of a declared segment, or that of `_OTHER`. */
  #recorderFor(segment: unknown): ScopeRecorder {
    const known = this.#segmentName(segment)!
    let recorder = this.#bySegment.get(known)
    if (recorder === undefined) {
      recorder = new ScopeRecorder(this.#plan, this.#shape)
      this.#bySegment.set(known, recorder)
    }
    return recorder
  }

  /** A declared segment, or `_OTHER`; null when the model has no segments. */
  #segmentName(segment: unknown): string | null {
    const { segments } = this.#plan
    if (segments === null) return null
    const name =
      typeof segment === 'string'
        ? segment
        : typeof segment === 'number' || typeof segment === 'boolean'
          ? String(segment)
          : otherCategory
    return segments.has(name) ? name : otherCategory
  }

  #batchRows = 0

  /** Points `#sources` at the batch's data; returns the places from one row to the next, or null for what is no batch or throws. */
  #findSources(features: unknown): number | null {
    this.#batchRows = 0
    try {
      return this.#findSourcesOf(features)
    } catch {
      return null
    }
  }

  #findSourcesOf(features: unknown): number | null {
    if (typeof features !== 'object' || features === null) return null
    const { names } = this.#shape
    const { data, rows, columns } = features as Partial<TensorFeatures>
    if (typeof rows === 'number') {
      const step = columns ?? names.length
      if (!Number.isSafeInteger(rows) || rows < 0) return null
      // What the data can hold, as far as it is known: no slip in `rows` shall report a billion dropped rows.
      const width = Number.isSafeInteger(step) ? Math.max(step, 1) : 1
      this.#batchRows = Math.min(rows, isValues(data) ? Math.ceil(data.length / width) : 0)
      if (!Number.isSafeInteger(step) || step < names.length || !isValues(data)) return null
      // The positions of a chunk are kept in 32 bits.
      if (rows > 0 && ((rows - 1) * step + names.length > data.length || rows * step > 2 ** 31)) return null
      for (let i = 0; i < names.length; i++) {
        this.#sources[i]!.data = data
        this.#sources[i]!.offset = i
      }
      this.#batchRows = rows
      return step
    }
    let longest = -1
    for (let i = 0; i < names.length; i++) {
      const column = (features as Record<string, unknown>)[names[i]!]
      const usable = isValues(column)
      this.#sources[i]!.data = usable ? column : nothing
      this.#sources[i]!.offset = 0
      if (usable) longest = Math.max(longest, column.length)
    }
    this.#batchRows = Math.max(longest, 0)
    return longest < 0 && names.length > 0 ? null : 1
  }

  #recordRows(rows: number, step: number, output: BatchOutput): void {
    const positions = this.#positions
    const rowNumbers = this.#rowNumbers
    for (let start = 0; start < rows; start += chunkRows) {
      const count = Math.min(chunkRows, rows - start)
      if (this.#overall === null) {
        this.#recordSegments(start, count, step, output)
        continue
      }
      for (let i = 0; i < count; i++) {
        rowNumbers[i] = start + i
        positions[i] = (start + i) * step
      }
      this.#recordChunk(this.#overall, count, step, output)
    }
  }

  #recordOutputs(rows: number, output: BatchOutput): void {
    // No more than there are answers: no slip in `rows` shall keep the host busy.
    const answered = Math.min(rows, longestAnswers(output))
    for (let start = 0; start < answered; start += chunkRows) {
      const count = Math.min(chunkRows, answered - start)
      if (this.#overall === null) {
        this.#recordSegments(start, count, null, output)
        continue
      }
      for (let i = 0; i < count; i++) this.#rowNumbers[i] = start + i
      this.#recordAnswers(this.#overall, count, output)
    }
  }

  /** The rows of one chunk, segment by segment; only their answers when `step` is null. */
  #recordSegments(start: number, count: number, step: number | null, output: BatchOutput): void {
    const recorders = this.#chunkRecorders
    const { segments } = output
    for (let i = 0; i < count; i++)
      recorders[i] = this.#recorderFor(segments === undefined ? undefined : readValue(segments, start + i))
    for (let first = 0; first < count; first++) {
      const recorder = recorders[first]!
      if (recorder === null) continue
      let found = 0
      for (let i = first; i < count; i++) {
        if (recorders[i] !== recorder) continue
        recorders[i] = null
        this.#rowNumbers[found] = start + i
        this.#positions[found++] = (start + i) * (step ?? 0)
      }
      if (step === null) this.#recordAnswers(recorder, found, output)
      else this.#recordChunk(recorder, found, 0, output)
    }
  }

  /** @param step from one row of the chunk to the next; 0 when it varies */
  #recordChunk(recorder: ScopeRecorder, count: number, step: number, output: BatchOutput): void {
    recorder.recordRows(this.#sources, this.#positions, count, step)
    this.#rows += count
    this.#recordAnswers(recorder, count, output)
  }

  #recordAnswers(recorder: ScopeRecorder, count: number, output: BatchOutput): void {
    recorder.recordOutputs(output, this.#rowNumbers, count)
    if (output.ids !== undefined) this.#rememberRows(output, this.#rowNumbers, count)
  }
}

const nothing: Values = []
const noOutput: BatchOutput = {}

/** Rows that have an answer of some kind. */
function longestAnswers({ classes, scores, confidences, values, ids }: BatchOutput): number {
  let longest = 0
  for (const answers of [classes, scores, confidences, values, ids])
    if (isValues(answers)) longest = Math.max(longest, answers.length)
  return longest
}

/** NaN when it has none, or when asking throws. */
function lengthOf(row: Values): number {
  try {
    return typeof row.length === 'number' ? row.length : Number.NaN
  } catch {
    return Number.NaN
  }
}

function isValues(value: unknown): value is Values {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView))
}
