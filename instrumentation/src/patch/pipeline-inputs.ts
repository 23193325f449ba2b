import { measureText } from './text-statistics.ts'

/** Texts of one call that are measured; a longer list is no request any more, and only its answers are counted. */
const maxMeasuredTexts = 10_000

/** What the tokenizer made of the texts of a call, one element per text. */
export interface TokenCounts {
  /** Tokens that the model gets, special ones too, without padding. */
  readonly tokens: readonly number[]
  /** Of the tokens that stand for the text, the share that is unknown to the tokenizer; null when it knows no such token. */
  readonly unknownShares: readonly number[] | null
}

/** Tasks whose first argument is a text, or several. */
const textTasks: ReadonlySet<string> = new Set([
  'text-classification',
  'token-classification',
  'zero-shot-classification',
  'question-answering',
  'fill-mask',
  'feature-extraction',
  'summarization',
  'translation',
  'text2text-generation',
  'text-generation',
  'text-to-audio',
])

export interface PipelineInputs {
  /** One per row. */
  readonly rows: number
  /** Null for a task without text; an element is null when the input is no text. */
  readonly texts: readonly (string | null)[] | null
  /** Whether the caller handed in a list, and so gets one back. */
  readonly batched: boolean
}

/** What a call was made with: a list is a batch. */
export function readInputs(task: string, input: unknown): PipelineInputs {
  const isText = textTasks.has(task) || task.startsWith('translation')
  const batched = Array.isArray(input) && !(task === 'text-generation' && isChat(input))
  const items: readonly unknown[] = batched ? input : [input]
  const texts = isText && items.length <= maxMeasuredTexts ? items.map(textOf) : null
  return { rows: items.length, texts, batched }
}

/** A feature row per input, by name; empty for what is no text. */
export function inputRows({ rows, texts }: PipelineInputs): Record<string, number>[] {
  return Array.from({ length: rows }, (_, i) => {
    const row: Record<string, number> = {}
    const text = texts?.[i]
    if (typeof text === 'string') {
      const statistics = measureText(text)
      row['text.characters'] = statistics.characters
      row['text.words'] = statistics.words
      row['text.mean_word_length'] = statistics.meanWordLength
      row['text.non_letter_share'] = statistics.nonLetterShare
      row['text.upper_share'] = statistics.upperShare
      row['text.distinct_word_share'] = statistics.distinctWordShare
    }
    return row
  })
}

/** Adds to each row what the tokenizer made of its text. */
export function addTokens(
  rows: readonly Record<string, number>[],
  counts: TokenCounts | null,
  name: 'text.tokens' | 'tokens.input',
): void {
  if (counts === null) return
  for (const [i, row] of rows.entries()) {
    row[name] = counts.tokens[i]!
    if (counts.unknownShares !== null) row['text.unknown_token_share'] = counts.unknownShares[i]!
  }
}

interface ChatMessage {
  readonly role: unknown
  readonly content: unknown
}

/** A conversation is one input, although it is a list. */
function isChat(input: readonly unknown[]): input is readonly ChatMessage[] {
  return input.length > 0 && input.every(isMessage)
}

function isMessage(message: unknown): message is ChatMessage {
  return typeof message === 'object' && message !== null && 'role' in message && 'content' in message
}

function textOf(input: unknown): string | null {
  if (typeof input === 'string') return input
  if (!Array.isArray(input) || !isChat(input)) return null
  return input.flatMap(({ content }) => contentTexts(content)).join('\n')
}

/** A message holds a text, or parts of which some are texts. */
function contentTexts(content: unknown): readonly string[] {
  if (typeof content === 'string') return [content]
  if (!Array.isArray(content)) return []
  return content.flatMap((part: unknown) => {
    const text = typeof part === 'object' && part !== null && 'text' in part ? part.text : null
    return typeof text === 'string' ? [text] : []
  })
}

/** The parts of a tensor that are read; structurally, since every copy of the library has a class of its own. */
export interface TensorLike {
  readonly data: ArrayLike<number | bigint>
  readonly dims: readonly number[]
  readonly type?: string
}

export function isTensor(value: unknown): value is TensorLike {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  const { data, dims } = value as Partial<TensorLike>
  return Array.isArray(dims) && typeof data === 'object' && data !== null && typeof data.length === 'number'
}

export interface TokenizerLike {
  readonly unk_token_id?: unknown
  readonly all_special_ids?: unknown
}

/** Counts the tokens of `rows` texts in what a tokenizer returned; null when that is not of the known shape. */
export function countTokens(encoding: unknown, tokenizer: TokenizerLike, rows: number): TokenCounts | null {
  if (typeof encoding !== 'object' || encoding === null) return null
  const { input_ids: ids, attention_mask: mask } = encoding as { input_ids?: unknown; attention_mask?: unknown }
  if (!isTensor(ids) || !isTensor(mask) || ids.dims.length !== 2 || ids.dims[0] !== rows) return null
  const length = ids.dims[1]!
  if (ids.data.length !== rows * length || mask.data.length !== ids.data.length) return null
  const unknownId = typeof tokenizer.unk_token_id === 'number' ? tokenizer.unk_token_id : null
  const special = new Set<unknown>(Array.isArray(tokenizer.all_special_ids) ? tokenizer.all_special_ids : [])
  const tokens: number[] = []
  const unknownShares: number[] = []
  for (let row = 0; row < rows; row++) {
    let count = 0
    let ofText = 0
    let unknown = 0
    for (let i = row * length; i < (row + 1) * length; i++) {
      if (Number(mask.data[i]) === 0) continue
      count += 1
      const id = Number(ids.data[i])
      if (id === unknownId) unknown += 1
      else if (special.has(id)) continue
      ofText += 1
    }
    tokens.push(count)
    unknownShares.push(ofText === 0 ? 0 : unknown / ofText)
  }
  return { tokens, unknownShares: unknownId === null ? null : unknownShares }
}
