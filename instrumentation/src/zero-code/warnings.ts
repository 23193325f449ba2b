import type { WarningKind } from './sighting.ts'

/** Different warnings that are remembered; more kinds of trouble than this are one trouble. */
const maxWarnings = 200

/** A reason may carry a text of the host; a line on stderr stays a line. */
const maxReasonLength = 500

export interface Warning {
  readonly kind: WarningKind
  readonly subject: string
  /** Of the first time. */
  readonly reason: string
  readonly count: number
}

/** Tells every kind of trouble with a subject once, in one line, and counts the others. Never throws. */
export class WarningLog {
  readonly #print: (line: string) => void
  readonly #warnings = new Map<string, { kind: WarningKind; subject: string; reason: string; count: number }>()

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  get list(): readonly Warning[] {
    return [...this.#warnings.values()].map((warning) => ({ ...warning }))
  }

  add(kind: WarningKind, subject: string, reason: string): void {
    const key = `${kind}\0${subject}`
    const known = this.#warnings.get(key)
    if (known !== undefined) {
      known.count++
      return
    }
    if (this.#warnings.size >= maxWarnings) return
    const line = oneLine(reason)
    this.#warnings.set(key, { kind, subject, reason: line, count: 1 })
    this.#print(`driftline: ${kind}: ${oneLine(subject)}: ${line}`)
  }
}

/** What is written to a terminal holds no control characters, whatever a request or file name held. */
function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ').slice(0, maxReasonLength)
}
