import { AttributionRecorder, type AttributionReading } from './attribution-recorder.ts'
import type { Decision } from '../contract/index.ts'
import type { ModelPlan } from '../plan.ts'
import { CategoricalColumn, type CategoricalReading } from './categorical-column.ts'
import { isPositive } from './decide.ts'
import { DetectorRecorder, type DetectorReading } from './detector-recorder.ts'
import { chunkRows, gather, readValue, unreadable, type OnInvalid, type Values } from './gather.ts'
import { numericInvalid, type NumericInvalid, type NumericReading } from './numeric-block.ts'
import { NumericFeatures } from './numeric-features.ts'
import { notAFeature, readMember, type RowShape } from './row-shape.ts'
import { SingleHistogram } from './single-histogram.ts'

/** What the model answered for one row. */
export interface Output {
  /** Predicted class. */
  readonly class?: string | number | boolean | undefined
  /** Score of the positive class. */
  readonly score?: number | undefined
  /** Probability of the predicted class. */
  readonly confidence?: number | undefined
  /** Output of a regression model. */
  readonly value?: number | undefined
  /**
   * How much each feature moved this prediction, such as its SHAP value: by name, where features may be left out, or an array over all
   * features in the order of the baseline.
   */
  readonly attributions?: Readonly<Record<string, number | undefined>> | ArrayLike<number> | undefined
  /** How they were computed, such as `shap`; default `unknown`. Attributions of different methods are counted apart. */
  readonly attributionMethod?: string | undefined
  /** Value of the segment column that the baseline declares. */
  readonly segment?: string | undefined
  /** Under what `monitor.outcome()` will find this prediction once its outcome is known: a text of up to 200 characters, or a number. */
  readonly id?: string | number | bigint | undefined
}

/** What the model answered for the rows of a batch, one array per kind of answer. */
export interface BatchOutput {
  readonly classes?: Values | undefined
  readonly scores?: Values | undefined
  readonly confidences?: Values | undefined
  readonly values?: Values | undefined
  /** Attributions: a row-major array over all features in order, or one array per feature by name. */
  readonly attributions?: ArrayLike<number> | Readonly<Record<string, ArrayLike<number> | undefined>> | undefined
  readonly attributionMethod?: string | undefined
  readonly segments?: Values | undefined
  /** Under what `monitor.outcome()` will find each prediction. */
  readonly ids?: Values | undefined
}

/** Where a batch holds a feature: at `data[position + offset]`, position being that of the row. */
export interface FeatureSource {
  readonly data: Values
  readonly offset: number
}

/** What one scope counted since it was last taken. */
export interface ScopeReading {
  readonly rows: number
  /** Answers of all kinds; there may be some without rows, when a call began in one interval and ended in the next. */
  readonly answers: number
  /** In declared order; the kind of reading follows the kind of the feature. */
  readonly features: readonly (NumericReading | CategoricalReading)[]
  readonly classes: CategoricalReading
  readonly score: NumericReading
  readonly confidence: NumericReading
  readonly value: NumericReading
  /** Null when the model has no multivariate detector. */
  readonly detector: DetectorReading | null
  /** By method; empty until the first attribution comes. */
  readonly attributions: readonly AttributionReading[]
  /** Answers of the model that could not be counted: not finite, or of a wrong type. */
  readonly invalidOutputs: number
}

/**
 * Single rows are kept until there are so many, then counted column by column, like a batch. A lone row would touch every table of
 * every feature, 600 bytes each, which after a model ran are no longer in the nearest cache; 8 bytes each are.
 */
const bufferedRows = 32

/** Rows of 32-bit floats that there is room for in the same memory. */
const bufferedFloatRows = 2 * bufferedRows

/** Counts rows and the model's answers for one segment, or for the model as a whole. */
export class ScopeRecorder {
  readonly #shape: RowShape
  readonly #decision: Decision | null
  readonly #binary: boolean
  readonly #numeric: NumericFeatures
  readonly #categorical: CategoricalColumn[]
  readonly #classes: CategoricalColumn
  readonly #score: SingleHistogram
  readonly #confidence: SingleHistogram
  readonly #value: SingleHistogram
  readonly #detector: DetectorRecorder | null
  /** Made when the first attribution comes. */
  #attributions: AttributionRecorder | null = null
  readonly #positive: number
  readonly #negative: number
  readonly #onInvalidFeature: OnInvalid
  readonly #buffer: Float64Array
  /** Where each buffered row begins. */
  readonly #bufferPositions: Int32Array
  #buffered = 0
  /** The same memory, for rows that come as 32-bit floats. Rows of one kind only are in it at a time. */
  readonly #floats: Float32Array
  #bufferedFloats = 0
  #slot = 0
  #rows = 0
  #invalidOutputs = 0
  readonly #onInvalidOutput: OnInvalid = (reason) => {
    if (reason !== numericInvalid.missing) this.#invalidOutputs++
    // `gather` leaves a NaN behind, which must not count twice nor, for an answer that is merely absent, at all.
    this.#placeholders++
  }
  #placeholders = 0

  constructor(plan: ModelPlan, shape: RowShape) {
    this.#shape = shape
    const { decision } = plan
    this.#decision = decision
    this.#binary = plan.binary
    this.#numeric = new NumericFeatures(
      plan.features.filter((feature) => feature.kind === 'numeric'),
      shape.order,
    )
    this.#categorical = plan.features.flatMap((feature) =>
      feature.kind === 'numeric' ? [] : [new CategoricalColumn(feature)],
    )
    this.#buffer = new Float64Array(bufferedRows * shape.numericCount)
    this.#floats = new Float32Array(this.#buffer.buffer)
    this.#bufferPositions = Int32Array.from({ length: bufferedFloatRows }, (_, row) => row * shape.numericCount)
    this.#classes = new CategoricalColumn({ kind: 'categorical', categories: plan.predictions.classes })
    this.#score = new SingleHistogram(plan.predictions.score)
    this.#confidence = new SingleHistogram(plan.predictions.confidence)
    this.#value = new SingleHistogram(plan.predictions.value)
    this.#detector =
      plan.detector === null || shape.detector === null ? null : new DetectorRecorder(plan.detector, shape.detector)
    this.#positive = decision === null ? 0 : this.#classes.indexOf(decision.positiveClass)
    this.#negative = decision === null ? 0 : this.#classes.indexOf(decision.negativeClass)
    this.#onInvalidFeature = (reason, count) => {
      this.#numeric.addInvalid(this.#slot, reason, count)
      this.#numeric.addInvalid(this.#slot, numericInvalid.nan, -count)
    }
  }

  /** Bytes of the typed arrays of features. */
  get featureBytes(): number {
    return (
      this.#numeric.bytes + this.#buffer.byteLength + this.#categorical.reduce((sum, column) => sum + column.bytes, 0)
    )
  }

  /** Counts a row given as an object. Never throws, whatever getters and proxies do. */
  recordObject(row: Readonly<Record<string, unknown>>): void {
    if (this.#bufferedFloats > 0) this.#countFloats()
    try {
      if (!this.#readInKeyOrder(row)) {
        if (!this.#shape.learnKeys(row) || !this.#readInKeyOrder(row)) this.#readByName(row)
      }
    } catch {
      this.#readGuarded(row, this.#shape.names)
    }
    this.#commit()
  }

  /** Counts a row given as an array in feature order; values that it lacks are missing. */
  recordArray(row: Values): void {
    const { places, inSlotOrder } = this.#shape
    if (row instanceof Float32Array && inSlotOrder && row.length === places.length) {
      this.#recordFloats(row)
      return
    }
    if (this.#bufferedFloats > 0) this.#countFloats()
    try {
      if (row instanceof Float32Array && row.length === places.length) this.#readFloat32(row)
      else for (let i = 0; i < places.length; i++) this.#put(places[i]!, row[i])
    } catch {
      this.#readGuarded(row, null)
    }
    this.#commit()
  }

  /**
   * Counts `count` rows of a batch; `positions` says where each begins.
   *
   * @param step from one row to the next, where it is the same for all; else 0
   */
  recordRows(sources: readonly FeatureSource[], positions: Int32Array, count: number, step: number): void {
    const { places, detector, inSlotOrder } = this.#shape
    if (count <= bufferedRows && inSlotOrder && step === places.length && step > 0) {
      const { data } = sources[0]!
      // What is more than these rows would have to be cut off, at the price of an object per call.
      if (data instanceof Float32Array && positions[0] === 0 && data.length === count * step) {
        this.#recordFloatRows(data, count)
        return
      }
    }
    for (let i = 0; i < places.length; i++) {
      const { data, offset } = sources[i]!
      const place = places[i]!
      if (place >= 0) {
        let counted = 0
        if (step > 0 && detector === null && isFloats(data))
          counted = this.#numeric.recordStrided(place, data, positions[0]! + offset, step, count)
        if (counted === count) continue
        this.#slot = place
        gather(
          data,
          counted === 0 ? positions : positions.subarray(counted),
          offset,
          count - counted,
          column,
          this.#onInvalidFeature,
        )
        // Before it is counted, which leaves the column in disorder.
        detector?.put(place, column, count)
        this.#numeric.recordColumn(place, column, count - counted)
      } else {
        const target = this.#categorical[~place]!
        for (let row = 0; row < count; row++) target.add(target.indexOf(readValue(data, positions[row]! + offset)))
      }
    }
    this.#detector?.count(count)
    this.#rows += count
  }

  /** Counts the answer to one row. Nothing of it is counted when reading it throws. */
  recordOutput(output: Output): void {
    let { class: predicted, score, confidence, value, attributions, attributionMethod }: Output = none
    try {
      ;({ class: predicted, score, confidence, value, attributions, attributionMethod } = output)
    } catch {
      this.#invalidOutputs++
      return
    }
    const scored = this.#recordAnswer(this.#score, score)
    if (predicted !== undefined && predicted !== null) this.#recordClass(predicted)
    else if (scored && this.#decision !== null) this.#classes.add(this.#decide(score!))
    if (confidence !== undefined && confidence !== null) this.#recordAnswer(this.#confidence, confidence)
    else if (scored && this.#binary && score! >= 0 && score! <= 1) this.#confidence.record(Math.max(score!, 1 - score!))
    this.#recordAnswer(this.#value, value)
    if (attributions !== undefined && attributions !== null) {
      this.#attributions ??= new AttributionRecorder(this.#shape.names)
      if (!this.#attributions.record(attributions, attributionMethod)) this.#invalidOutputs++
    }
  }

  /** Counts the answers to rows of a batch; `rows` are their numbers. */
  recordOutputs(output: BatchOutput, rows: Int32Array, count: number): void {
    const { classes, scores, confidences, values, attributions } = output
    if (scores !== undefined) {
      this.#gatherAnswers(scores, rows, count)
      if (classes === undefined && this.#decision !== null) {
        for (let i = 0; i < count; i++) if (Number.isFinite(column[i]!)) this.#classes.add(this.#decide(column[i]!))
      }
      if (confidences === undefined && this.#binary) {
        for (let i = 0; i < count; i++) {
          const score = column[i]!
          if (score >= 0 && score <= 1) this.#confidence.record(Math.max(score, 1 - score))
        }
      }
      this.#score.recordColumn(column, count)
    }
    if (confidences !== undefined) {
      this.#gatherAnswers(confidences, rows, count)
      this.#confidence.recordColumn(column, count)
    }
    if (values !== undefined) {
      this.#gatherAnswers(values, rows, count)
      this.#value.recordColumn(column, count)
    }
    if (classes !== undefined) {
      for (let i = 0; i < count; i++) {
        const predicted = readValue(classes, rows[i]!)
        if (predicted !== undefined && predicted !== null) this.#recordClass(predicted)
      }
    }
    if (attributions !== undefined && attributions !== null) {
      this.#attributions ??= new AttributionRecorder(this.#shape.names)
      this.#invalidOutputs += this.#attributions.recordRows(attributions, output.attributionMethod, rows, count)
    }
  }

  /** What was counted since the last call; counting starts again at zero. */
  take(): ScopeReading {
    this.#countBuffer()
    this.#countFloats()
    const classes = this.#classes.read()
    const score = this.#score.take()
    const confidence = this.#confidence.take()
    const value = this.#value.take()
    const classified = classes.counts.reduce((sum, count) => sum + count, 0)
    const reading: ScopeReading = {
      rows: this.#rows,
      answers: classified + score.count + confidence.count + value.count,
      features: this.#shape.places.map((place) =>
        place >= 0 ? this.#numeric.read(place) : this.#categorical[~place]!.read(),
      ),
      classes,
      score,
      confidence,
      value,
      detector: this.#detector?.take() ?? null,
      attributions: this.#attributions?.take() ?? [],
      invalidOutputs: this.#invalidOutputs,
    }
    this.#numeric.reset()
    for (const column of this.#categorical) column.reset()
    this.#classes.reset()
    this.#rows = 0
    this.#invalidOutputs = 0
    return reading
  }

  /**
   * Reads a row whose keys come in the remembered order. `for in` over objects of one hidden class reads fields by place, which
   * is faster than looking up each name. False when the order is another; then nothing counts yet.
   */
  #readInKeyOrder(row: Readonly<Record<string, unknown>>): boolean {
    const { keys, keyPlaces, absent, absentMembers, names, places } = this.#shape
    const buffer = this.#buffer
    const start = this.#bufferPositions[this.#buffered]!
    let i = 0
    for (const key in row) {
      if (i >= keys.length || key !== keys[i]) return false
      const place = keyPlaces[i++]!
      if (place === notAFeature) continue
      const value = row[key]
      if (place >= 0 && typeof value === 'number') buffer[start + place] = value
      else this.#put(place, value)
    }
    if (i !== keys.length) return false
    for (const missing of absent) this.#put(places[missing]!, row[names[missing]!])
    for (const missing of absentMembers) this.#put(places[missing]!, readMember(row, names[missing]!))
    return true
  }

  #recordFloats(row: Float32Array): void {
    if (this.#buffered > 0) this.#countBuffer()
    const floats = this.#floats
    const start = this.#bufferPositions[this.#bufferedFloats]!
    for (let i = 0; i < row.length; i++) floats[start + i] = row[i]!
    this.#rows++
    if (++this.#bufferedFloats === bufferedFloatRows) this.#countFloats()
  }

  /** A few rows: kept, too, so that each column is gone to for more of them. */
  #recordFloatRows(data: Float32Array, count: number): void {
    if (this.#buffered > 0) this.#countBuffer()
    if (this.#bufferedFloats + count > bufferedFloatRows) this.#countFloats()
    this.#floats.set(data, this.#bufferPositions[this.#bufferedFloats])
    this.#rows += count
    this.#bufferedFloats += count
    if (this.#bufferedFloats === bufferedFloatRows) this.#countFloats()
  }

  /** The tensor of a call with one row: as `#put` would, without asking each value for its type. */
  #readFloat32(row: Float32Array): void {
    const { places } = this.#shape
    const buffer = this.#buffer
    const start = this.#bufferPositions[this.#buffered]!
    for (let i = 0; i < places.length; i++) {
      const place = places[i]!
      if (place >= 0) buffer[start + place] = row[i]!
      else this.#put(place, row[i])
    }
  }

  #readByName(row: Readonly<Record<string, unknown>>): void {
    const { names, places, isMember } = this.#shape
    for (let i = 0; i < names.length; i++) {
      const name = names[i]!
      this.#put(places[i]!, isMember[i]! ? readMember(row, name) : row[name])
    }
  }

  /** Value by value, each allowed to throw: then it is of a wrong type. */
  #readGuarded(row: object, names: readonly string[] | null): void {
    const { places, isMember } = this.#shape
    for (let i = 0; i < places.length; i++) {
      let value: unknown
      try {
        if (names === null) value = (row as Values)[i]
        else value = isMember[i]! ? readMember(row, names[i]!) : (row as Record<string, unknown>)[names[i]!]
      } catch {
        value = unreadable
      }
      this.#put(places[i]!, value)
    }
  }

  /** Puts one value of the row into the buffer. */
  #put(place: number, value: unknown): void {
    const { reasons, categories } = this.#shape
    if (place < 0) {
      categories[~place] = this.#categorical[~place]!.indexOf(value)
      return
    }
    const at = this.#bufferPositions[this.#buffered]! + place
    if (typeof value === 'number') {
      this.#buffer[at] = value
    } else if (typeof value === 'bigint') {
      this.#buffer[at] = Number(value)
    } else {
      this.#buffer[at] = Number.NaN
      reasons[place] = 1 + (value === undefined || value === null ? numericInvalid.missing : numericInvalid.wrongType)
      this.#odd = true
    }
  }
  #odd = false

  /** The row in the buffer is complete. */
  #commit(): void {
    const { categories, categoricalCount } = this.#shape
    if (this.#odd) this.#countReasons()
    for (let i = 0; i < categoricalCount; i++) this.#categorical[i]!.add(categories[i]!)
    this.#rows++
    if (++this.#buffered === bufferedRows) this.#countBuffer()
  }

  #countReasons(): void {
    const { reasons, numericCount } = this.#shape
    const start = this.#bufferPositions[this.#buffered]!
    this.#odd = false
    for (let slot = 0; slot < numericCount; slot++) {
      const reason = reasons[slot]!
      reasons[slot] = 0
      // A reason may be left over from a first, abandoned reading of the row; then the second found a number.
      if (reason === 0 || !Number.isNaN(this.#buffer[start + slot]!)) continue
      this.#slot = slot
      this.#onInvalidFeature((reason - 1) as NumericInvalid, 1)
    }
  }

  #countBuffer(): void {
    const count = this.#buffered
    this.#buffered = 0
    this.#countRows(this.#buffer, count)
  }

  #countFloats(): void {
    const count = this.#bufferedFloats
    this.#bufferedFloats = 0
    this.#countRows(this.#floats, count)
  }

  #countRows(buffer: Float32Array | Float64Array, count: number): void {
    const { detector, numericCount } = this.#shape
    const positions = this.#bufferPositions
    for (let slot = 0; slot < numericCount; slot++) {
      const counted = detector === null ? this.#numeric.recordStrided(slot, buffer, slot, numericCount, count) : 0
      if (counted === count) continue
      const rest = counted === 0 ? positions : positions.subarray(counted)
      gather(buffer, rest, slot, count - counted, column, this.#onInvalidFeature)
      detector?.put(slot, column, count)
      this.#numeric.recordColumn(slot, column, count - counted)
    }
    this.#detector?.count(count)
  }

  #recordClass(predicted: unknown): void {
    const index = this.#classes.indexOf(predicted)
    if (index < 0) this.#invalidOutputs++
    else this.#classes.add(index)
  }

  /** Whether there was a finite number to count. */
  #recordAnswer(histogram: SingleHistogram, answer: unknown): boolean {
    if (answer === undefined || answer === null) return false
    if (typeof answer !== 'number' || !Number.isFinite(answer)) {
      this.#invalidOutputs++
      return false
    }
    histogram.record(answer)
    return true
  }

  /** Fills `column`, with NaN where a row has no answer, and counts the answers that are not finite. */
  #gatherAnswers(answers: Values, rows: Int32Array, count: number): void {
    this.#placeholders = 0
    gather(answers, rows, 0, count, column, this.#onInvalidOutput)
    let invalid = 0
    for (let i = 0; i < count; i++) if (!Number.isFinite(column[i]!)) invalid++
    this.#invalidOutputs += invalid - this.#placeholders
  }

  #decide(score: number): number {
    return isPositive(this.#decision!, score) ? this.#positive : this.#negative
  }
}

function isFloats(data: Values): data is Float32Array | Float64Array {
  return data instanceof Float32Array || data instanceof Float64Array
}

/** One chunk of one column. Used within one synchronous call at a time. */
const column = new Float64Array(chunkRows)
const none: Output = {}
