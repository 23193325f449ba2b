import type { BatchOutput } from '../recorder/scope-recorder.ts'
import type { DeclaredModel } from '../zero-code/sighting.ts'
import { describe, isList, isObject } from './object-rows.ts'

/** What a number in an answer is. */
export type AnswerRole = 'class' | 'score' | 'value' | 'probabilities'

/** Reads what a model's own method gave back. */
export class AnswerReader {
  #role: AnswerRole | null
  readonly #asked: boolean
  readonly #classes: readonly string[] | null
  readonly #positiveClass: string | null

  constructor(role: AnswerRole | null, classes: readonly string[] | null, declared: DeclaredModel | null) {
    this.#role = role
    this.#asked = role !== null
    this.#classes = classes ?? declared?.classes ?? null
    this.#positiveClass = declared?.positiveClass ?? null
    if (role === null && declared?.task === 'regression') this.#role = 'value'
    if (role === null && declared?.task?.endsWith('classification') === true) this.#role = 'class'
  }

  /** The answers to `rows` rows; a text says why they cannot be read. May throw as the result does. */
  read(result: unknown, rows: number): BatchOutput | string {
    const matrix = isObject(result) ? (result as { to2DArray?: unknown }).to2DArray : undefined
    const plain: unknown = typeof matrix === 'function' ? Reflect.apply(matrix, result, []) : result
    if (rows === 1 && !(isList(plain) && plain.length === 1)) {
      // The answer to one row need not be in an array; then an array is its probabilities.
      return this.#readList([plain], 1)
    }
    if (!isList(plain)) return `${rows} answers are expected, not ${describe(plain)}`
    if (plain.length === rows) return this.#readList(plain, rows)
    if (rows > 0 && plain.length % rows === 0 && !isObject(plain[0])) {
      // Flat probabilities, as bindings to libraries in C give them.
      const columns = plain.length / rows
      return this.#readProbabilities(
        Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, i) => plain[row * columns + i])),
      )
    }
    return `${rows} answers are expected, not ${plain.length}`
  }

  #readList(answers: ArrayLike<unknown>, rows: number): BatchOutput | string {
    const first = answers[0]
    if (isList(first)) {
      if (first.length !== 1) return this.#readProbabilities(answers)
      return this.#readList(
        Array.from({ length: rows }, (_, i) => (answers[i] as ArrayLike<unknown>)[0]),
        rows,
      )
    }
    if (isObject(first)) return readObjects(answers, rows)
    if (typeof first === 'string' || typeof first === 'boolean') return { classes: Array.from(answers) }
    if (typeof first === 'number' || typeof first === 'bigint') return this.#readNumbers(Array.from(answers), rows)
    return `an answer is ${describe(first)}`
  }

  #readNumbers(answers: readonly unknown[], rows: number): BatchOutput {
    if (this.#role === 'probabilities' || this.#role === 'score') return { scores: answers }
    // Numbers with a fraction are no classes, whatever the first ones were, unless somebody says so.
    if (!this.#asked && this.#role !== 'value') {
      const whole = answers.slice(0, rows).every((answer) => typeof answer !== 'number' || Number.isInteger(answer))
      this.#role = whole ? 'class' : 'value'
    }
    if (this.#role === 'value') return { values: answers }
    return { classes: answers.map((answer) => this.#className(answer)) }
  }

  #readProbabilities(answers: ArrayLike<unknown>): BatchOutput | string {
    const classes: unknown[] = []
    const confidences: unknown[] = []
    const scores: unknown[] = []
    let columns = 0
    for (let row = 0; row < answers.length; row++) {
      const probabilities = answers[row]
      if (!isList(probabilities) || probabilities.length === 0) return `an answer is ${describe(probabilities)}`
      let best = 0
      for (let i = 1; i < probabilities.length; i++) {
        if ((probabilities[i] as number) > (probabilities[best] as number)) best = i
      }
      columns = probabilities.length
      classes.push(this.#className(best))
      confidences.push(probabilities[best])
      scores.push(probabilities[this.#positiveColumn()])
    }
    return columns === 2 ? { classes, confidences, scores } : { classes, confidences }
  }

  #positiveColumn(): number {
    const place = this.#classes?.indexOf(this.#positiveClass ?? '') ?? -1
    return place < 0 ? 1 : place
  }

  #className(answer: unknown): unknown {
    const place = typeof answer === 'bigint' ? Number(answer) : answer
    return typeof place === 'number' ? (this.#classes?.[place] ?? place) : answer
  }
}

/** By role, the members that hold it in the answers of common libraries. */
const members = {
  classes: ['class', 'label', 'prediction', 'predictedClass'],
  scores: ['score', 'probability'],
  confidences: ['confidence'],
  values: ['value'],
} as const

function readObjects(answers: ArrayLike<unknown>, rows: number): BatchOutput | string {
  const first = answers[0] as Record<string, unknown>
  const output: Record<string, unknown[]> = {}
  for (const [role, names] of Object.entries(members)) {
    const name = names.find((candidate) => first[candidate] !== undefined)
    if (name === undefined) continue
    output[role] = Array.from({ length: rows }, (_, i) => {
      const answer = answers[i]
      return isObject(answer) ? answer[name] : undefined
    })
  }
  return Object.keys(output).length === 0 ? `an answer has none of ${Object.values(members).flat().join(', ')}` : output
}
