import { maxFeatures, type Manifest } from '../contract/index.ts'
import type { DeclaredFeature } from '../options.ts'
import type { Values } from '../recorder/gather.ts'
import type { ColumnFeatures, TensorFeatures } from '../recorder/model-recorder.ts'
import type { InputsConfig } from './instrument-config.ts'
import type { NamedTensors, TapDropReason, TensorValue, ValueDescription } from './sighting.ts'
import { elementsOf, readElement, type Elements } from './tensor-elements.ts'

/**
 * Columns that are watched by position when nothing names them. More are pixels or embeddings, of which each alone means nothing, and
 * which would be that many series.
 */
export const maxPositionalColumns = 512

/** Values that are copied out of the tensors of one call: 8 MB for the time of the call. Rows of larger calls are dropped. */
export const maxCopiedValues: number = 2 ** 20

/** The one feature of texts that come as token ids: how many tokens a row has. */
export const tokensFeature = 'tokens'

/** Inputs of language models, by the names that exporters give them. */
const tokenInputs: ReadonlySet<string> = new Set(['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'])

export interface TensorFeatureSources {
  /** As the model declares them; null where the library does not say. */
  readonly inputs: readonly ValueDescription[] | null
  /** The inputs of the first call. */
  readonly first: NamedTensors
  readonly config: InputsConfig | undefined
  /** The features of the manifest, or of the baseline when there is no manifest. */
  readonly manifest: Pick<Manifest, 'features' | 'segment'> | null
}

/** Reads the rows out of the inputs of a model. */
export interface TensorReader {
  /** In the order in which `read` gives them. Empty when the inputs hold no features that could be watched one by one. */
  readonly features: readonly DeclaredFeature[]
  /**
   * Why features are not watched although the model has inputs, in words: to be told once, as `mismatched-model`. With a manifest that does
   * not fit, `read` drops every row; with images and the like, rows are read that have no features.
   */
  readonly mismatch: string | null
  /** What comes back may share memory with the tensors: copy what is kept for later. Never throws. */
  read(tensors: NamedTensors): TensorReading
}

export type TensorReading = TensorRows | UnreadableTensors

export interface TensorRows {
  readonly features: TensorFeatures | ColumnFeatures
  readonly rows: number
  /** One per row. */
  readonly segments?: Values
}

export interface UnreadableTensors {
  readonly drop: TapDropReason
  /** Rows that are lost, as far as that can be told; at least 1. */
  readonly rows: number
  readonly detail: string
}

/**
 * Finds the features of a model in its inputs.
 *
 * - Which inputs: `config.order`; else, where every feature of the manifest is the name of an input, those; else all, in the model's order.
 * - How many: an input `[N, F]` has F columns for N rows, `[N]` one column. A single `[F]` is one row, unless the model declares its
 *   length as open.
 * - Names: `config.features`; else the manifest's; else of a single input `input[0]`, `input[1]`, …, of several the name of the input,
 *   with `[i]` where it has more than one column.
 * - Kinds: the manifest's; else integers and floats are numeric, texts categorical, and `bool` is boolean.
 * - Integer inputs with an open second dimension, as `input_ids [batch, sequence]`, are texts: of all of them together there is one
 *   feature `tokens`, the sum of a row of `attention_mask` if there is one, else the length of the sequence.
 */
export function planTensorFeatures(sources: TensorFeatureSources): TensorReader {
  return cannotPlanBy(sources) === null ? planNow(sources) : new LaterReader(sources)
}

/** What cannot be read cannot be looked at, and a first call that the library refuses must not be what all later ones are read by. */
function cannotPlanBy({ inputs, first }: TensorFeatureSources): UnreadableTensors | null {
  for (const [name, tensor] of Object.entries(first)) if (tensor === null) return absent(name, null)
  const names = inputs?.map(({ name }) => name) ?? []
  if (names.length > 0 ? names.some((name) => first[name] !== undefined) : Object.keys(first).length > 0) return null
  return unreadable('unexpected_shape', 1, `no input was given${names.length === 0 ? '' : ` of ${names.join(', ')}`}`)
}

function planNow(sources: TensorFeatureSources): TensorReader {
  const { config, manifest } = sources
  const segmentName = config?.segment ?? manifest?.segment?.column ?? null
  const inputs = featureInputs(sources, segmentName)
  if (typeof inputs === 'string') return unfit(inputs)
  const plain = inputs.filter((input) => !input.sequence)
  const sequences = inputs.filter((input) => input.sequence)
  const positions = plain.flatMap((input) =>
    Array.from({ length: input.columns }, (_, column) => ({ input, column })),
  ) as Place[]
  if (sequences.length > 0) {
    const mask = sequences.find(({ name }) => name === 'attention_mask')
    positions.push({ input: mask ?? sequences[0]!, column: mask === undefined ? 'length' : 'sum' })
  }
  const named = nameFeatures(positions, plain, sources)
  if ('problem' in named) return named.watched ? new RowsOnly(named.problem, inputs[0]?.name) : unfit(named.problem)
  const { features, places } = named
  const segment = segmentPlace(segmentName, features, places, sources.first)
  const missing = missingValues(config?.missing)
  const only = plain.length === 1 && inputs.length === 1 ? plain[0]! : null
  const inOrder = places.every(({ column }, i) => column === i)
  if (only !== null && inOrder && missing === null && segment === null && !only.halfFloats)
    return new WholeTensor(features, only)
  return new CopiedRows(features, places, missing, segment)
}

/** A model input, as the first call and the model's declaration show it. */
interface FeatureInput {
  readonly name: string
  /** What its values are; a later tensor of another kind is not read. */
  readonly elements: Elements
  readonly columns: number
  /** A tensor of rank 1 is one row, not one column. */
  readonly oneRow: boolean
  readonly sequence: boolean
  /** Float16 values that come as their bits. */
  readonly halfFloats: boolean
  /** Dimensions after the first are more than one: positions without a name of their own. */
  readonly manyDimensions: boolean
}

/** Where a feature is: a column of an input, or what stands for a sequence. */
interface Place {
  readonly input: FeatureInput
  readonly column: number | 'length' | 'sum'
}

/** The inputs that hold features, in order; a text says why there are none. */
function featureInputs(
  { inputs, first, config, manifest }: TensorFeatureSources,
  segmentName: string | null,
): readonly FeatureInput[] | string {
  const names = inputs?.map(({ name }) => name) ?? Object.keys(first)
  const byManifest = manifest?.features.map(({ name }) => name)
  let order = config?.order
  if (order === undefined) {
    if (byManifest !== undefined && byManifest.length > 0 && byManifest.every((name) => names.includes(name)))
      order = byManifest
    else order = names.filter((name) => name !== segmentName && (inputs === null || first[name] !== undefined))
  }
  const unknown = order.filter((name) => !names.includes(name))
  if (unknown.length > 0)
    return `the model has no input ${unknown.map((name) => `'${name}'`).join(', ')}; it has ${names.join(', ')}`
  const expected = config?.features?.length ?? manifest?.features.length ?? null
  const found: FeatureInput[] = []
  for (const name of order) {
    const tensor = first[name]
    const declared = inputs?.find((input) => input.name === name)?.shape ?? null
    if (tensor === undefined || tensor === null) return `input '${name}' was not among the tensors of the first call`
    const elements = elementsOf(tensor)
    if (elements === null) return `input '${name}' is of type ${tensor.type}, which no feature has`
    found.push(describe(name, tensor, elements, declared, order.length === 1, expected))
  }
  return found
}

function describe(
  name: string,
  { dims, data, type }: TensorValue,
  elements: Elements,
  declared: ValueDescription['shape'],
  alone: boolean,
  expected: number | null,
): FeatureInput {
  const open = declared?.length === 1 && typeof declared[0] !== 'number'
  const oneRow = dims.length === 0 || (dims.length === 1 && alone && expected !== 1 && (expected === dims[0] || !open))
  const sequence =
    dims.length === 2 &&
    elements === 'integer' &&
    (tokenInputs.has(name) || (declared?.length === 2 && typeof declared[1] !== 'number')) &&
    !(expected !== null && expected > 1 && expected === dims[1])
  return {
    name,
    elements,
    columns: dims.length === 1 ? (oneRow ? dims[0]! : 1) : product(dims.slice(1)),
    oneRow,
    sequence,
    halfFloats: type === 'float16' && data instanceof Uint16Array,
    manyDimensions: dims.length > 2,
  }
}

/** Features in declared order with the place of each; or why that cannot be, and whether rows are worth counting nevertheless. */
function nameFeatures(
  positions: readonly Place[],
  plain: readonly FeatureInput[],
  { inputs, first, config, manifest }: TensorFeatureSources,
):
  | { readonly features: readonly DeclaredFeature[]; readonly places: readonly Place[] }
  | { readonly problem: string; readonly watched: boolean } {
  const names = config?.features ?? manifest?.features.map(({ name }) => name)
  if (names === undefined) {
    const described = plain.map(({ name, columns }) => `'${name}' with ${columns} columns`).join(', ')
    if (positions.length > maxPositionalColumns)
      return {
        problem: `the inputs (${described}) have more than ${maxPositionalColumns} columns without names: only answers and durations are watched; a manifest names features`,
        watched: true,
      }
    const single = (inputs?.length ?? Object.keys(first).length) === 1
    const features = positions.map(({ input, column }) => ({
      name: typeof column === 'string' ? tokensFeature : positionalName(input, column, single),
      kind: kindOf(input, column),
    }))
    return { features, places: positions }
  }
  if (names.length !== positions.length || names.length > maxFeatures)
    return {
      problem: `${names.length} features are declared, but the inputs have ${positions.length} columns (${[...new Set(positions.map(({ input }) => input.name))].join(', ')})`,
      watched: false,
    }
  if (new Set(names).size < names.length) return { problem: 'inputs.features names a feature twice', watched: false }
  if (manifest === null) {
    return {
      features: names.map((name, i) => ({ name, kind: kindOf(positions[i]!.input, positions[i]!.column) })),
      places: positions,
    }
  }
  const places = manifest.features.map(({ name }) => positions[names.indexOf(name)])
  const absent = manifest.features.filter((_, i) => places[i] === undefined)
  if (absent.length > 0)
    return {
      problem: `inputs.features lacks features of the manifest: ${absent.map(({ name }) => name).join(', ')}`,
      watched: false,
    }
  const texts = manifest.features.filter(
    ({ kind }, i) => kind === 'numeric' && kindOf(places[i]!.input, places[i]!.column) === 'categorical',
  )
  if (texts.length > 0)
    return {
      problem: `numeric in the manifest, but texts in the tensor: ${texts.map(({ name }) => name).join(', ')}`,
      watched: false,
    }
  return { features: manifest.features, places: places as Place[] }
}

function positionalName({ name, columns }: FeatureInput, column: number, single: boolean): string {
  if (single) return `input[${column}]`
  return columns === 1 ? name : `${name}[${column}]`
}

function kindOf({ elements }: FeatureInput, column: Place['column']): DeclaredFeature['kind'] {
  if (typeof column === 'string') return 'numeric'
  if (elements === 'text') return 'categorical'
  return elements === 'boolean' ? 'boolean' : 'numeric'
}

/** The segment is a feature, or an input of its own; null when it is neither. */
function segmentPlace(
  name: string | null,
  features: readonly DeclaredFeature[],
  places: readonly Place[],
  first: NamedTensors,
): Place | null {
  if (name === null) return null
  const feature = features.findIndex((declared) => declared.name === name)
  if (feature >= 0) return places[feature]!
  const tensor = first[name]
  const elements = tensor === undefined || tensor === null ? null : elementsOf(tensor)
  if (elements === null) return null
  const input = describe(name, tensor!, elements, null, false, null)
  return input.columns === 1 ? { input, column: 0 } : null
}

interface MissingValues {
  readonly values: ReadonlySet<unknown>
  readonly nan: boolean
}

function missingValues(given: InputsConfig['missing']): MissingValues | null {
  if (given === undefined || given.length === 0) return null
  return { values: new Set(given), nan: given.some((value) => value === 'NaN' || Number.isNaN(value)) }
}

/** Stands in until all inputs of a call are in the memory of the CPU, and at least one is the model's. */
class LaterReader implements TensorReader {
  readonly #sources: Omit<TensorFeatureSources, 'first'>
  #reader: TensorReader | null = null

  constructor({ inputs, config, manifest }: TensorFeatureSources) {
    this.#sources = { inputs, config, manifest }
  }

  get features(): readonly DeclaredFeature[] {
    return this.#reader?.features ?? []
  }

  get mismatch(): string | null {
    return this.#reader?.mismatch ?? null
  }

  read(tensors: NamedTensors): TensorReading {
    if (this.#reader === null) {
      const sources = { ...this.#sources, first: tensors }
      const reason = cannotPlanBy(sources)
      if (reason !== null) return reason
      this.#reader = planNow(sources)
    }
    return this.#reader.read(tensors)
  }
}

/** One tensor that is the rows: handed on as it is. */
class WholeTensor implements TensorReader {
  readonly features: readonly DeclaredFeature[]
  readonly mismatch = null
  readonly #input: FeatureInput
  readonly #name: string
  readonly #columns: number
  /** Type of the latest tensor that was looked at and found good. */
  #type: string | null = null

  constructor(features: readonly DeclaredFeature[], input: FeatureInput) {
    this.features = features
    this.#input = input
    this.#name = input.name
    this.#columns = input.columns
  }

  read(tensors: NamedTensors): TensorReading {
    const tensor = tensors[this.#name]
    if (tensor === undefined || tensor === null) return absent(this.#name, tensor)
    const { dims, type } = tensor
    if (type !== this.#type) {
      if (!isOfKind(tensor, this.#input)) return otherType(this.#input, tensor)
      // Half floats as bits would be read as whole numbers.
      if (type === 'float16' && tensor.data instanceof Uint16Array) return otherType(this.#input, tensor)
      this.#type = type
    }
    const columns = this.#columns
    const rows = dims.length === 2 && dims[1] === columns ? dims[0]! : rowsOf(this.#input, dims)
    const { data } = tensor
    if (rows < 0 || data.length < rows * columns) return otherShape(this.#input, tensor)
    return { features: { data, rows, columns }, rows }
  }
}

/** Everything else: values are copied into rows, or handed on as columns where each input is one. */
class CopiedRows implements TensorReader {
  readonly features: readonly DeclaredFeature[]
  readonly mismatch = null
  readonly #places: readonly Place[]
  readonly #inputs: readonly FeatureInput[]
  readonly #missing: MissingValues | null
  readonly #segment: Place | null
  readonly #asColumns: boolean
  readonly #numeric: boolean

  constructor(
    features: readonly DeclaredFeature[],
    places: readonly Place[],
    missing: MissingValues | null,
    segment: Place | null,
  ) {
    this.features = features
    this.#places = places
    this.#missing = missing
    this.#segment = segment
    const inputs = new Set(places.map(({ input }) => input))
    if (segment !== null) inputs.add(segment.input)
    this.#inputs = [...inputs]
    this.#asColumns = missing === null && this.#inputs.every(isColumn)
    this.#numeric = missing === null && places.every(({ input }) => input.elements !== 'text')
  }

  read(tensors: NamedTensors): TensorReading {
    let rows = -1
    for (const input of this.#inputs) {
      const tensor = tensors[input.name]
      if (tensor === undefined || tensor === null) return absent(input.name, tensor)
      if (!isOfKind(tensor, input)) return otherType(input, tensor)
      const own = rowsOf(input, tensor.dims)
      if (own < 0 || (!input.sequence && tensor.data.length < own * input.columns)) return otherShape(input, tensor)
      if (rows >= 0 && own !== rows)
        return unreadable(
          'unexpected_shape',
          Math.max(rows, own),
          `input '${input.name}' has ${own} rows, but '${this.#inputs[0]!.name}' has ${rows}`,
        )
      rows = own
    }
    if (rows * this.#places.length > maxCopiedValues)
      return unreadable(
        'unexpected_shape',
        rows,
        `${rows} rows of ${this.#places.length} features are more than the ${maxCopiedValues} values that are copied of one call`,
      )
    const features = this.#asColumns ? this.#columns(tensors) : this.#copy(tensors, rows)
    if (this.#segment === null) return { features, rows }
    const { input, column } = this.#segment
    const segments = Array.from({ length: rows }, (_, row) => {
      const value = readPlace(tensors[input.name]!, input, column, row)
      return typeof value === 'bigint' ? String(value) : value
    })
    return { features, rows, segments }
  }

  #columns(tensors: NamedTensors): ColumnFeatures {
    // Without a prototype, since a feature may be called as one of its members.
    const columns = Object.create(null) as Record<string, Values>
    this.#places.forEach(({ input }, i) => {
      columns[this.features[i]!.name] = tensors[input.name]!.data
    })
    return columns
  }

  #copy(tensors: NamedTensors, rows: number): TensorFeatures {
    const places = this.#places
    const columns = places.length
    const data: Float64Array | unknown[] = this.#numeric
      ? new Float64Array(rows * columns)
      : Array.from<unknown>({ length: rows * columns })
    for (let i = 0; i < columns; i++) {
      const { input, column } = places[i]!
      const tensor = tensors[input.name]!
      for (let row = 0; row < rows; row++) {
        const value = readPlace(tensor, input, column, row)
        if (this.#numeric) data[row * columns + i] = Number(value)
        else data[row * columns + i] = this.#isMissing(value) ? null : value
      }
    }
    return { data, rows, columns }
  }

  #isMissing(value: unknown): boolean {
    if (this.#missing === null) return false
    if (typeof value === 'number' && Number.isNaN(value)) return this.#missing.nan
    return this.#missing.values.has(typeof value === 'bigint' ? Number(value) : value)
  }
}

/** Rows that are counted without features: images, embeddings and sounds. */
class RowsOnly implements TensorReader {
  readonly features: readonly DeclaredFeature[] = []
  readonly mismatch: string
  readonly #input: string | undefined

  constructor(mismatch: string, input: string | undefined) {
    this.mismatch = mismatch
    this.#input = input
  }

  read(tensors: NamedTensors): TensorReading {
    const rows = tensors[this.#input ?? '']?.dims[0] ?? 1
    return { features: { data: [], rows, columns: 0 }, rows }
  }
}

/** The manifest or the configuration does not fit the model: nothing that is read could be trusted. */
function unfit(mismatch: string): TensorReader {
  return {
    features: [],
    mismatch,
    read(tensors: NamedTensors): TensorReading {
      const first = Object.values(tensors).find((tensor) => tensor !== null && tensor !== undefined)
      return unreadable('unexpected_shape', first?.dims[0] ?? 1, mismatch)
    },
  }
}

/** Whole and other numbers are read alike; a library may well be given now one, now the other. */
function isOfKind(tensor: TensorValue, { elements, sequence }: FeatureInput): boolean {
  const found = elementsOf(tensor)
  if (found === elements) return true
  return !sequence && isNumber(found) && isNumber(elements)
}

function isNumber(elements: Elements | null): boolean {
  return elements === 'float' || elements === 'integer'
}

function isColumn({ columns, sequence, oneRow, halfFloats }: FeatureInput): boolean {
  return columns === 1 && !sequence && !oneRow && !halfFloats
}

/** Rows of a tensor that is to have the columns of `input`; -1 when it has others. */
function rowsOf(input: FeatureInput, dims: readonly number[]): number {
  if (input.sequence) return dims.length === 2 ? dims[0]! : -1
  if (dims.length === 0) return input.columns === 1 ? 1 : -1
  if (dims.length === 1) {
    // One row of several columns, or, where one column is expected, that many rows.
    if (input.oneRow || input.columns > 1) return dims[0] === input.columns ? 1 : -1
    return dims[0]!
  }
  return product(dims.slice(1)) === input.columns ? dims[0]! : -1
}

function readPlace(tensor: TensorValue, input: FeatureInput, column: Place['column'], row: number): unknown {
  if (column === 'length') return tensor.dims[1]
  if (column === 'sum') {
    const length = tensor.dims[1]!
    let sum = 0
    for (let i = row * length; i < (row + 1) * length; i++) sum += Number(tensor.data[i])
    return sum
  }
  return readElement(tensor, row * input.columns + column)
}

function absent(name: string, tensor: null | undefined): UnreadableTensors {
  return tensor === null
    ? unreadable('not_on_cpu', 1, `input '${name}' is not in the memory of the CPU`)
    : unreadable('unexpected_shape', 1, `input '${name}' was not given`)
}

function otherType(input: FeatureInput, { type, dims }: TensorValue): UnreadableTensors {
  return unreadable(
    'unexpected_type',
    dims[0] ?? 1,
    `input '${input.name}' is of type ${type} now, and was not at first`,
  )
}

function otherShape(input: FeatureInput, { dims, data }: TensorValue): UnreadableTensors {
  const columns = input.columns === 1 ? '1 column' : `${input.columns} columns`
  const detail = `input '${input.name}' is [${dims.join(', ')}] with ${data.length} values, but ${columns} a row are expected`
  return unreadable('unexpected_shape', dims.length > 1 ? dims[0]! : 1, detail)
}

/** @param rows what the tensor says, which may be anything */
export function unreadable(drop: TapDropReason, rows: number, detail: string): UnreadableTensors {
  return { drop, rows: Number.isSafeInteger(rows) && rows > 0 ? rows : 1, detail }
}

function product(dims: readonly number[]): number {
  return dims.reduce((result, dimension) => result * dimension, 1)
}
