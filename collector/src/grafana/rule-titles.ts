import { digestBytes } from '@driftline/instrumentation/contract'
import { expandable } from './expansion-text.ts'

/** Of titles of rules and names of groups; Grafana counts bytes. */
const maximumBytes = 190

/**
 * Gives titles out, each once, as a provisioning file holds them: Grafana refuses a second rule of the same title in a folder, and takes two
 * groups of one name for one. Its databases may compare without regard to case.
 */
export class DistinctTitles {
  readonly #taken = new Set<string>()

  /** @param identity - what tells it from others of the same title; the same from run to run. */
  take(wanted: string, identity: string): string {
    const text = wanted
      .toWellFormed()
      .replaceAll(/\p{Cc}+/gu, ' ')
      .trim()
    const mark = ` #${digestBytes(JSON.stringify([wanted, identity])).slice('sha256:'.length, 'sha256:'.length + 8)}`
    const short = Buffer.byteLength(text) <= maximumBytes && !this.#taken.has(text.toLowerCase())
    const title = short ? text : `${cutTo(text, maximumBytes - mark.length)}${mark}`
    this.#taken.add(title.toLowerCase())
    return expandable(title)
  }
}

/** Whole characters, as many as the bytes hold. */
function cutTo(text: string, bytes: number): string {
  let length = 0
  let cut = ''
  for (const character of text) {
    length += Buffer.byteLength(character)
    if (length > bytes) break
    cut += character
  }
  return cut
}
