import type { Manifest } from '../contract/index.ts'
import type { Values } from '../recorder/gather.ts'
import type { BatchOutput, Output } from '../recorder/scope-recorder.ts'
import type { OutputsConfig } from './instrument-config.ts'
import type { NamedTensors, TensorValue, ValueDescription } from './sighting.ts'
import { elementsOf, readElement } from './tensor-elements.ts'
import { unreadable, type UnreadableTensors } from './tensor-features.ts'

/** Columns of an output that may be classes. More are embeddings or vocabularies, even where a row happens to add up to 1. */
export const maxClassColumns = 10_000

/** By how much a row of probabilities may miss 1: float16 keeps three digits. */
const sumTolerance = 5e-3

/** Rows of the first answer that are looked at to tell what it is. */
const inspectedRows = 64

export interface TensorOutputSources {
  /** As the model declares them; null where the library does not say. */
  readonly outputs: readonly ValueDescription[] | null
  /** The outputs of the first call. */
  readonly first: NamedTensors
  readonly config: OutputsConfig | undefined
  readonly manifest: Pick<Manifest, 'model' | 'output'> | null
}

/** What was taken for what: the name of an output, or null. */
export interface OutputRoles {
  readonly class: string | null
  /** One column: the score of the positive class. */
  readonly score: string | null
  readonly probabilities: string | null
  readonly logits: string | null
  readonly value: string | null
}

/** Reads the answers out of the outputs of a model. */
export interface OutputReader {
  readonly roles: OutputRoles
  /** What of the configuration or the manifest the model does not have, in words: to be told once, as `mismatched-model`. */
  readonly mismatch: string | null
  /**
   * The answers to `rows` rows. Outputs that the call did not ask for are left out. The arrays are used again by the next `read`: hand
   * them on at once. Never throws.
   */
  read(tensors: NamedTensors, rows: number): BatchOutput | UnreadableTensors
  /** The answer to a call with one row, without arrays. */
  readOne(tensors: NamedTensors): Output | UnreadableTensors
}

export function isUnreadable(reading: object): reading is UnreadableTensors {
  return 'drop' in reading
}

/**
 * Finds the answers of a model in its outputs.
 *
 * What `config` names is taken as that. Otherwise, with one output for each role at most:
 * - texts, integers or truths, one a row: the predicted class (an integer is the value when the task is a regression);
 * - K columns that are probabilities, adding up to 1: the probabilities of the classes; named `logits`, or not within 0 and 1 although
 *   the manifest has K classes: their logits;
 * - one column of floats: the score of the positive class, if the task is a classification, the name has `prob`, `sigmoid` or `score` in
 *   it, or there is a class beside it, and, unless it is named as logits, the values are within 0 and 1; else the value of a regression.
 *
 * Class names are the manifest's, in the order of the columns. An integer label is a class if one is called so, else the place of one.
 * Without a manifest, classes are called by their number, and of two columns the second is the positive class.
 * Where the manifest has a decision threshold, the class follows from the score, whatever the model's own label says.
 */
export function planTensorOutputs(sources: TensorOutputSources): OutputReader {
  const names = sources.outputs?.map(({ name }) => name) ?? Object.keys(sources.first)
  const unseen = names.filter((name) => sources.first[name] === undefined || sources.first[name] === null)
  return unseen.length === 0 ? planNow(sources) : new GrowingReader(sources, unseen)
}

function planNow(sources: TensorOutputSources): RoleReader {
  const { config, manifest, first } = sources
  const names = sources.outputs?.map(({ name }) => name) ?? Object.keys(first)
  const asked = [config?.class, config?.score, config?.probabilities, config?.logits, config?.value]
  const unknown = asked.filter((name) => name !== undefined && !names.includes(name))
  const classes = manifest?.output?.classes ?? null
  const roles = findRoles(names, sources)
  const columnName = roles.probabilities ?? roles.logits
  const columns = columnName === null ? 0 : columnsOf(first[columnName]?.dims ?? [])
  const problems: string[] = []
  if (unknown.length > 0) problems.push(`the model has no output ${unknown.map((name) => `'${name}'`).join(', ')}`)
  if (classes !== null && columns > 1 && columns !== classes.length)
    problems.push(`the manifest has ${classes.length} classes, but output '${columnName}' has ${columns} columns`)
  return new RoleReader(roles, columns, manifest, problems.length === 0 ? null : problems.join('; '))
}

/** Plans anew when an output comes that the calls before did not ask for, or that was elsewhere. */
class GrowingReader implements OutputReader {
  readonly #sources: Omit<TensorOutputSources, 'first'>
  #unseen: readonly string[]
  #seen: NamedTensors
  #reader: RoleReader

  constructor(sources: TensorOutputSources, unseen: readonly string[]) {
    const { outputs, config, manifest, first } = sources
    this.#sources = { outputs, config, manifest }
    this.#unseen = unseen
    this.#seen = specimens(first)
    this.#reader = planNow(sources)
  }

  get roles(): OutputRoles {
    return this.#reader.roles
  }

  get mismatch(): string | null {
    return this.#reader.mismatch
  }

  read(tensors: NamedTensors, rows: number): BatchOutput | UnreadableTensors {
    this.#grow(tensors)
    return this.#reader.read(tensors, rows)
  }

  readOne(tensors: NamedTensors): Output | UnreadableTensors {
    this.#grow(tensors)
    return this.#reader.readOne(tensors)
  }

  #grow(tensors: NamedTensors): void {
    if (!this.#unseen.some((name) => tensors[name] !== undefined && tensors[name] !== null)) return
    this.#seen = { ...this.#seen, ...specimens(tensors) }
    this.#unseen = this.#unseen.filter((name) => this.#seen[name] === undefined)
    this.#reader = planNow({ ...this.#sources, first: this.#seen })
  }
}

/** As much of the tensors as is looked at: what a model gives may be large, and is the caller's. */
function specimens(tensors: NamedTensors): NamedTensors {
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([name, tensor]) => {
      if (tensor === null) return []
      const { data, dims, type } = tensor
      const length = Math.min(data.length, inspectedRows * Math.min(columnsOf(dims), maxClassColumns))
      const some = Array.from({ length }, (_, i) => readElement(tensor, i))
      return [[name, { data: some, dims, type } satisfies TensorValue]]
    }),
  )
}

function findRoles(names: readonly string[], { first, config, manifest, outputs }: TensorOutputSources): OutputRoles {
  const roles = {
    class: config?.class ?? null,
    score: config?.score ?? null,
    probabilities: config?.probabilities ?? null,
    logits: config?.logits ?? null,
    value: config?.value ?? null,
  }
  const configured = new Set(Object.values(roles).filter((name) => name !== null && names.includes(name)))
  for (const role of Object.keys(roles) as (keyof OutputRoles)[])
    if (roles[role] !== null && !names.includes(roles[role])) roles[role] = null
  // What a person named is all that is wanted.
  if (configured.size > 0) return roles
  const task = manifest?.model.task
  const classification = task === 'binary-classification' || task === 'multiclass-classification'
  const single: string[] = []
  for (const name of names) {
    const tensor = first[name]
    if (tensor === undefined || tensor === null) continue
    const elements = elementsOf(tensor)
    const columns = columnsOf(tensor.dims)
    const type = outputs?.find((output) => output.name === name)?.type
    if (elements === null || columns < 1 || (type !== undefined && elementsOf({ type }) === null)) continue
    if (columns === 1) {
      if (elements === 'float') single.push(name)
      else if (task === 'regression' && elements === 'integer') roles.value ??= name
      else if (task !== 'regression') roles.class ??= name
      continue
    }
    if (tensor.dims.length !== 2 || columns > maxClassColumns || elements !== 'float' || task === 'regression') continue
    if (roles.probabilities !== null || roles.logits !== null) continue
    const range = rangeOf(tensor, columns)
    const expected = columns === manifest?.output?.classes?.length
    if (isLogits(name)) roles.logits = name
    else if (range.sumsToOne) roles.probabilities = name
    else if (expected && classification) roles[range.withinOne ? 'probabilities' : 'logits'] = name
  }
  if (roles.probabilities !== null || roles.logits !== null) return roles
  for (const name of single) {
    const score = classification || roles.class !== null || /prob|sigmoid|score/i.test(name) || isLogits(name)
    const inRange = rangeOf(first[name]!, 1).withinOne
    if (task !== 'regression' && isLogits(name)) roles.logits ??= name
    else if (task !== 'regression' && score && inRange) roles.score ??= name
    else if (task !== 'regression' && (classification || roles.class !== null)) roles.score ??= name
    else roles.value ??= name
  }
  return roles
}

function isLogits(name: string): boolean {
  return /logit/i.test(name)
}

/** Columns of `[N]`, `[N, 1]` and `[N, K]`; 0 for what has more dimensions that are not 1. */
function columnsOf(dims: readonly number[]): number {
  if (dims.length < 2) return 1
  const more = dims.slice(2).every((dimension) => dimension === 1)
  return more ? dims[1]! : 0
}

/** Of the first rows that have numbers. */
function rangeOf(tensor: TensorValue, columns: number): { readonly withinOne: boolean; readonly sumsToOne: boolean } {
  const rows = Math.min(Math.floor(tensor.data.length / columns), inspectedRows)
  let withinOne = rows > 0
  let sumsToOne = rows > 0
  for (let row = 0; row < rows; row++) {
    let sum = 0
    for (let i = 0; i < columns; i++) {
      const value = Number(readElement(tensor, row * columns + i))
      if (!(value >= 0 && value <= 1 + sumTolerance)) withinOne = false
      sum += value
    }
    if (!(Math.abs(sum - 1) <= sumTolerance)) sumsToOne = false
  }
  return { withinOne, sumsToOne: withinOne && sumsToOne }
}

class RoleReader implements OutputReader {
  readonly roles: OutputRoles
  readonly mismatch: string | null
  /** Output with a column per class, or one column of logits. */
  readonly #columnName: string | null
  readonly #columns: number
  readonly #softmax: boolean
  readonly #classes: readonly string[] | null
  /** Column of the positive class; -1 when no class is that. */
  readonly #positive: number
  /** The recorder derives the class from the score. */
  readonly #decided: boolean
  /** The recorder derives the confidence from the score. */
  readonly #binary: boolean
  /** Two columns of probabilities and nothing else to read: no arrays are needed for one row. */
  readonly #oneColumn: boolean
  /** Names of two classes. */
  readonly #pair: readonly [string, string]
  #scores = new Float64Array(0)
  #confidences = new Float64Array(0)
  #names: unknown[] = []

  constructor(roles: OutputRoles, columns: number, manifest: TensorOutputSources['manifest'], mismatch: string | null) {
    this.roles = roles
    this.mismatch = mismatch
    this.#columnName = roles.probabilities ?? roles.logits
    this.#columns = columns
    this.#softmax = roles.probabilities === null
    const { classes, positiveClass, decisionThreshold } = manifest?.output ?? {}
    const fits = classes !== undefined && (columns < 2 || classes.length === columns)
    this.#classes = fits ? classes : null
    this.#pair = [this.#classes?.[0] ?? '0', this.#classes?.[1] ?? '1']
    const named = positiveClass === undefined ? -1 : (this.#classes?.indexOf(positiveClass) ?? -1)
    this.#positive = named >= 0 ? named : columns === 2 ? 1 : -1
    // As plan-model.ts has it: only then does the recorder know how to decide.
    this.#decided =
      decisionThreshold !== undefined && positiveClass !== undefined && this.#classes?.length === 2 && named >= 0
    this.#binary = this.#decided || manifest?.model.task === 'binary-classification'
    this.#oneColumn =
      columns === 2 && !this.#softmax && (this.#decided || (roles.class === null && roles.value === null))
  }

  readOne(tensors: NamedTensors): Output | UnreadableTensors {
    if (this.#oneColumn) {
      const tensor = tensors[this.#columnName!]
      if (tensor !== undefined && tensor !== null && tensor.type === 'float32') {
        const { data } = tensor
        if (data.length !== 2) return this.#shape(this.#columnName!, tensor, 1)
        const score = data[this.#positive] as number
        if (this.#decided) return { score }
        const first = data[0] as number
        const second = data[1] as number
        // A NaN is neither: left to the way that all other outputs go.
        if (first >= second) return { class: this.#pair[0], score, confidence: first }
        if (first < second) return { class: this.#pair[1], score, confidence: second }
      }
    }
    const batch = this.read(tensors, 1)
    if (isUnreadable(batch)) return batch
    return {
      class: batch.classes?.[0] as string | undefined,
      score: batch.scores?.[0] as number | undefined,
      confidence: batch.confidences?.[0] as number | undefined,
      value: batch.values?.[0] as number | undefined,
    }
  }

  read(tensors: NamedTensors, rows: number): BatchOutput | UnreadableTensors {
    const output: { -readonly [kind in keyof BatchOutput]: BatchOutput[kind] } = {}
    let failed: UnreadableTensors | null = null
    if (this.#columnName !== null) failed = this.#readColumns(tensors, this.#columnName, rows, output)
    if (failed === null && this.roles.score !== null) {
      const scores = this.#column(tensors, this.roles.score, rows)
      if (isProblem(scores)) failed = scores
      else if (scores !== null) output.scores = scores
    }
    if (failed === null && this.roles.value !== null) {
      const values = this.#column(tensors, this.roles.value, rows)
      if (isProblem(values)) failed = values
      else if (values !== null) output.values = values
    }
    const scored = this.#decided && output.scores !== undefined
    if (failed === null && this.roles.class !== null && !scored) {
      const labels = this.#column(tensors, this.roles.class, rows)
      if (isProblem(labels)) failed = labels
      else if (labels !== null) output.classes = this.#classNames(tensors[this.roles.class]!, rows)
    }
    return failed ?? output
  }

  /** The values of an output of one column; null when the call did not ask for it. */
  #column(tensors: NamedTensors, name: string, rows: number): Values | UnreadableTensors | null {
    const tensor = tensors[name]
    if (tensor === undefined) return null
    if (tensor === null) return elsewhere(name, rows)
    if (elementsOf(tensor) === null) return otherType(name, tensor, rows)
    if (columnsOf(tensor.dims) !== 1 || tensor.data.length !== rows) return this.#shape(name, tensor, rows)
    if (tensor.type !== 'float16') return tensor.data
    return Array.from({ length: rows }, (_, row) => readElement(tensor, row) as number)
  }

  #classNames({ data, type }: TensorValue, rows: number): Values {
    const classes = this.#classes
    const names = this.#names
    names.length = rows
    for (let row = 0; row < rows; row++) {
      const label = data[row]
      if (typeof label === 'string') {
        names[row] = label
        continue
      }
      // Numbers below 2^53 only: a label is a small number.
      const index = Number(label)
      const own = type === 'bool' ? (index === 0 ? 'false' : 'true') : String(index)
      names[row] = classes === null || classes.includes(own) ? own : (classes[index] ?? own)
    }
    return names
  }

  #readColumns(
    tensors: NamedTensors,
    name: string,
    rows: number,
    output: { -readonly [kind in keyof BatchOutput]: BatchOutput[kind] },
  ): UnreadableTensors | null {
    const tensor = tensors[name]
    if (tensor === undefined) return null
    if (tensor === null) return elsewhere(name, rows)
    if (elementsOf(tensor) !== 'float') return otherType(name, tensor, rows)
    const columns = this.#columns
    if (columnsOf(tensor.dims) !== columns || tensor.data.length !== rows * columns)
      return this.#shape(name, tensor, rows)
    if (columns === 1) {
      const scores = this.#scoresFor(rows)
      for (let row = 0; row < rows; row++) scores[row] = 1 / (1 + Math.exp(-Number(readElement(tensor, row))))
      output.scores = scores
      return null
    }
    const needsBest = !this.#decided || !this.#binary || columns > 2
    const scores = this.#positive >= 0 ? this.#scoresFor(rows) : null
    const confidences = needsBest ? this.#confidencesFor(rows) : null
    const searched = needsBest ? columns : 1
    const wantsClass = !this.#decided && this.roles.class === null
    const names = this.#names
    if (wantsClass) names.length = rows
    const pairs = columns === 2 && !this.#softmax && tensor.type === 'float32' ? tensor.data : null
    if (pairs instanceof Float32Array) {
      const wantedNames = wantsClass ? names : null
      readPairs(pairs, rows, this.#positive, scores, confidences, wantedNames, this.#pair)
    } else for (let row = 0; row < rows; row++) this.#readRow(tensor, row, searched, scores, confidences, wantsClass)
    if (scores !== null) output.scores = scores
    if (confidences !== null) output.confidences = confidences
    if (wantsClass) output.classes = names
    return null
  }

  #readRow(
    tensor: TensorValue,
    row: number,
    searched: number,
    scores: Float64Array | null,
    confidences: Float64Array | null,
    wantsClass: boolean,
  ): void {
    const columns = this.#columns
    const start = row * columns
    let best = 0
    let highest = Number(readElement(tensor, start))
    // A NaN stays where it is, and counts as an invalid answer.
    for (let i = 1; i < searched; i++) {
      const value = Number(readElement(tensor, start + i))
      if (value > highest || value !== value) {
        highest = value
        best = i
      }
    }
    const scale = this.#softmax ? softmaxScale(tensor, start, columns) : null
    if (scores !== null) {
      const value = Number(readElement(tensor, start + this.#positive))
      scores[row] = scale === null ? value : Math.exp(value - scale)
    }
    if (confidences !== null) confidences[row] = scale === null ? highest : Math.exp(highest - scale)
    if (wantsClass) this.#names[row] = highest !== highest ? null : (this.#classes?.[best] ?? String(best))
  }

  #scoresFor(rows: number): Float64Array {
    if (this.#scores.length < rows) this.#scores = new Float64Array(rows)
    return this.#scores
  }

  #confidencesFor(rows: number): Float64Array {
    if (this.#confidences.length < rows) this.#confidences = new Float64Array(rows)
    return this.#confidences
  }

  #shape(name: string, { dims, data }: TensorValue, rows: number): UnreadableTensors {
    const detail = `output '${name}' is [${dims.join(', ')}] with ${data.length} values, which are not the answers to ${rows} rows`
    return unreadable('unexpected_shape', rows, detail)
  }
}

/** As `#readRow`, for what most classifiers give. */
function readPairs(
  data: Float32Array,
  rows: number,
  positive: number,
  scores: Float64Array | null,
  confidences: Float64Array | null,
  names: unknown[] | null,
  pair: readonly [string, string],
): void {
  for (let row = 0; row < rows; row++) {
    const first = data[2 * row]!
    const second = data[2 * row + 1]!
    const isSecond = second > first || second !== second
    const highest = isSecond ? second : first
    if (scores !== null) scores[row] = positive === 1 ? second : first
    if (confidences !== null) confidences[row] = highest
    if (names !== null) names[row] = highest !== highest ? null : pair[isSecond ? 1 : 0]
  }
}

/** log(Σ exp(x)) of a row: exp(x - scale) is the softmax. Taken about the maximum, so that nothing overflows. */
function softmaxScale(tensor: TensorValue, start: number, columns: number): number {
  let highest = -Infinity
  for (let i = 0; i < columns; i++) highest = Math.max(highest, Number(readElement(tensor, start + i)))
  let sum = 0
  for (let i = 0; i < columns; i++) sum += Math.exp(Number(readElement(tensor, start + i)) - highest)
  return highest + Math.log(sum)
}

function isProblem(reading: Values | UnreadableTensors | null): reading is UnreadableTensors {
  return reading !== null && 'drop' in reading
}

function elsewhere(name: string, rows: number): UnreadableTensors {
  return unreadable('not_on_cpu', rows, `output '${name}' is not in the memory of the CPU`)
}

function otherType(name: string, { type }: TensorValue, rows: number): UnreadableTensors {
  return unreadable('unexpected_type', rows, `output '${name}' is of type ${type} now, and was not at first`)
}
