import type { BatchOutput } from '../recorder/scope-recorder.ts'
import { isTensor, type PipelineInputs } from './pipeline-inputs.ts'

/** Answers that are lists of labels with scores, whatever the input was. */
const classifyingTasks: ReadonlySet<string> = new Set([
  'text-classification',
  'image-classification',
  'audio-classification',
  'zero-shot-image-classification',
  'zero-shot-audio-classification',
])

/** Answers whose text is no class, but has a score. */
const scoredTasks: ReadonlySet<string> = new Set(['question-answering', 'fill-mask', 'document-question-answering'])

/** Answers that are lists of things found; how many is recorded as the value. */
const findingTasks: ReadonlySet<string> = new Set([
  'token-classification',
  'object-detection',
  'zero-shot-object-detection',
  'image-segmentation',
])

/** Tasks that generate tokens, and are counted by them. */
const generatingTasks: ReadonlySet<string> = new Set([
  'text-generation',
  'text2text-generation',
  'summarization',
  'translation',
  'image-to-text',
  'automatic-speech-recognition',
])

export function generates(task: string): boolean {
  return generatingTasks.has(task) || task.startsWith('translation')
}

/** What the model's own configuration says of its labels. */
export interface LabelConfig {
  /** How many labels there are; null when unknown. */
  readonly labels: number | null
  /** Labels do not exclude each other: their scores are probabilities of their own. */
  readonly multiLabel: boolean
}

interface Labelled {
  readonly label: string
  readonly score: number
}

/**
 * What a pipeline answered, one element per input; null when the answer is not of the shape known for the task. Tasks whose answers are no numbers or
 * classes give an object without members.
 */
export function readAnswers(
  task: string,
  inputs: PipelineInputs,
  answer: unknown,
  config: LabelConfig,
  positiveClass: string | null,
): BatchOutput | null {
  if (classifyingTasks.has(task)) return readClasses(perInput(inputs, answer), config, positiveClass)
  if (task === 'zero-shot-classification') {
    return readClasses(perInput(inputs, answer)?.map(asLabelled) ?? null, { labels: null, multiLabel: true }, null)
  }
  if (scoredTasks.has(task)) {
    const scores = perInput(inputs, answer)?.map((item) => best(asList(item))?.score ?? null) ?? null
    return scores === null || scores.includes(null) ? null : { confidences: scores }
  }
  if (findingTasks.has(task)) {
    const items = perInput(inputs, answer)
    return items === null || !items.every(Array.isArray) ? null : { values: items.map(({ length }) => length) }
  }
  return {}
}

function readClasses(
  items: readonly unknown[] | null,
  { labels, multiLabel }: LabelConfig,
  positiveClass: string | null,
): BatchOutput | null {
  if (items === null) return null
  const tops: Labelled[] = []
  for (const item of items) {
    const top = best(asList(item))
    if (top === null || typeof top.label !== 'string') return null
    tops.push({ label: top.label, score: top.score })
  }
  const classes = tops.map(({ label }) => label)
  const confidences = tops.map(({ score }) => score)
  // Of two labels that exclude each other, the probability of the one says that of the other.
  if (positiveClass === null || labels !== 2 || multiLabel) return { classes, confidences }
  return {
    classes,
    confidences,
    scores: tops.map(({ label, score }) => (label === positiveClass ? score : 1 - score)),
  }
}

/** The element with the highest score; null when one has none. */
function best(items: readonly unknown[]): { readonly label?: unknown; readonly score: number } | null {
  let top: { readonly label?: unknown; readonly score: number } | null = null
  for (const item of items) {
    if (typeof item !== 'object' || item === null) return null
    const { label, score } = item as { label?: unknown; score?: unknown }
    if (typeof score !== 'number') return null
    if (top === null || score > top.score) top = { label, score }
  }
  return top
}

function asList(item: unknown): readonly unknown[] {
  return Array.isArray(item) ? item : [item]
}

/**
 * The answers by input. A list belongs to a batch; to a single input the answer itself does, though some tasks put it into a list of one.
 */
function perInput({ rows, batched }: PipelineInputs, answer: unknown): readonly unknown[] | null {
  if (!batched) return [answer]
  return Array.isArray(answer) && answer.length === rows ? answer : null
}

/** Zero-shot answers have labels and scores in two lists. */
function asLabelled(item: unknown): unknown {
  if (typeof item !== 'object' || item === null) return null
  const { labels, scores } = item as { labels?: unknown; scores?: unknown }
  if (!Array.isArray(labels) || !Array.isArray(scores) || labels.length !== scores.length) return null
  return labels.map((label: unknown, i) => ({ label, score: scores[i] as unknown }))
}

/** Numbers of one answer that are read; more are no embedding of a request. */
const maxEmbeddingValues = 2 ** 22

/** Components that become features of their own, when the manifest or baseline has features of their names. */
export const maxEmbeddingFeatures = 4_096

/** Name of a component of an embedding, as a feature. */
export function embeddingName(index: number): string {
  return `embedding[${index}]`
}

/**
 * Adds to each row the length of its embedding, and the components if `components` says so. Token embeddings that were not pooled stand for their
 * mean over the tokens of the row. Embeddings that were quantised have no length, and add nothing. False when the answer is no such tensor.
 */
export function addEmbeddings(
  rows: readonly Record<string, number>[],
  answer: unknown,
  tokens: readonly number[] | null,
  components: boolean,
): boolean {
  if (!isTensor(answer) || answer.dims[0] !== rows.length) return false
  const { dims, data } = answer
  if (dims.length !== 2 && dims.length !== 3) return false
  const width = dims.at(-1)!
  const length = dims.length === 3 ? dims[1]! : 1
  if (data.length !== rows.length * length * width || data.length > maxEmbeddingValues) return false
  if (answer.type !== undefined && answer.type !== 'float32' && answer.type !== 'float64') return true
  const mean = new Float64Array(width)
  for (const [i, row] of rows.entries()) {
    const used = length === 1 ? 1 : Math.min(length, tokens?.[i] ?? length)
    mean.fill(0)
    for (let token = 0; token < used; token++) {
      const start = (i * length + token) * width
      for (let k = 0; k < width; k++) mean[k]! += Number(data[start + k])
    }
    let square = 0
    for (let k = 0; k < width; k++) {
      mean[k]! /= used
      square += mean[k]! ** 2
    }
    row['embedding.norm'] = Math.sqrt(square)
    if (components) for (let k = 0; k < Math.min(width, maxEmbeddingFeatures); k++) row[embeddingName(k)] = mean[k]!
  }
  return true
}

/**
 * Tokens that a model generated for each of `rows` inputs: up to and with the first that ends the text. Null when what `generate` returned
 * is not of the known shape. Of several texts for one input, the first is counted.
 *
 * @param promptLength tokens in front of what was generated: the padded prompt of a decoder, the start token of a model with encoder
 * @param endIds what ends or pads a text
 */
export function countGenerated(
  returned: unknown,
  rows: number,
  promptLength: number,
  endIds: ReadonlySet<number>,
): readonly number[] | null {
  const sequences =
    typeof returned === 'object' && returned !== null && 'sequences' in returned ? returned.sequences : returned
  if (!isTensor(sequences) || sequences.dims.length !== 2 || rows === 0) return null
  const { data, dims } = sequences
  const [texts, length] = [dims[0]!, dims[1]!]
  if (texts % rows !== 0 || texts === 0 || data.length !== texts * length) return null
  const perRow = texts / rows
  return Array.from({ length: rows }, (_, row) => {
    const start = row * perRow * length
    for (let i = promptLength; i < length; i++) {
      if (endIds.has(Number(data[start + i]))) return i - promptLength + 1
    }
    return Math.max(0, length - promptLength)
  })
}
