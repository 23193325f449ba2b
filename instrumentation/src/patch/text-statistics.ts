/**
 * Numbers that describe a text without knowing its language. They are what drift is looked for in: the text itself never leaves the
 * process.
 */
export interface TextStatistics {
  /** Code points, white space included. */
  readonly characters: number
  /** Runs of letters, marks and numbers; an apostrophe between two of them belongs to the word. Writing without spaces gives long ones. */
  readonly words: number
  /** Code points per word; 0 without words. */
  readonly meanWordLength: number
  /** Of the characters that are no white space, the share that is no letter: digits, punctuation, symbols, emoji. */
  readonly nonLetterShare: number
  /** Of the letters that have a case, the share in upper case. */
  readonly upperShare: number
  /** Different words, regardless of case, over all words. */
  readonly distinctWordShare: number
}

/**
 * UTF-16 units that are looked at. Of a longer text this beginning stands for all of it: shares and means are its own, counts are
 * scaled up to the length. 65,536 units take about a millisecond; classifiers cut their input at a few thousand.
 */
export const maxMeasuredUnits = 65_536

/** Longer runs are no words but encoded data; what is beyond does not tell two of them apart. */
const maxComparedUnits = 64

const separator = 0
/** Punctuation, symbols, control characters. */
const other = 1
const number = 2
/** A letter without case, or a mark that belongs to one. */
const letter = 3
const lower = 4
const upper = 5

const asciiKinds: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => kindOf(String.fromCharCode(code)))

function kindOf(character: string): number {
  if (/\p{Lu}|\p{Lt}/u.test(character)) return upper
  if (/\p{Ll}/u.test(character)) return lower
  if (/\p{L}|\p{M}/u.test(character)) return letter
  if (/\p{N}/u.test(character)) return number
  return /\s/u.test(character) ? separator : other
}

/** Takes time linear in the length of the text, and at most that of `maxMeasuredUnits`. */
export function measureText(text: string): TextStatistics {
  let measured = Math.min(text.length, maxMeasuredUnits)
  // Does not cut a surrogate pair in two.
  if (measured < text.length && (text.charCodeAt(measured - 1) & 0xfc00) === 0xd800) measured -= 1
  let characters = 0
  let spaces = 0
  let letters = 0
  let uppers = 0
  let lowers = 0
  let wordCharacters = 0
  let words = 0
  let start = -1
  const distinct = new Set<string>()

  const endWord = (end: number): void => {
    if (start < 0) return
    words += 1
    distinct.add(text.slice(start, Math.min(end, start + maxComparedUnits)).toLowerCase())
    start = -1
  }

  for (let i = 0; i < measured;) {
    const code = text.codePointAt(i)!
    const units = code > 0xffff ? 2 : 1
    const kind = code < 128 ? asciiKinds[code]! : kindOf(String.fromCodePoint(code))
    characters += 1
    if (kind >= number) {
      if (start < 0) start = i
      wordCharacters += 1
      if (kind >= letter) letters += 1
      if (kind === upper) uppers += 1
      else if (kind === lower) lowers += 1
    } else if (start >= 0 && isApostrophe(code) && i + 1 < measured && startsWord(text, i + 1)) {
      wordCharacters += 1
    } else {
      endWord(i)
      if (kind === separator) spaces += 1
    }
    i += units
  }
  endWord(measured)

  const scale = measured === 0 ? 1 : text.length / measured
  return {
    characters: Math.round(characters * scale),
    words: Math.round(words * scale),
    meanWordLength: share(wordCharacters, words),
    nonLetterShare: share(characters - spaces - letters, characters - spaces),
    upperShare: share(uppers, uppers + lowers),
    distinctWordShare: share(distinct.size, words),
  }
}

function isApostrophe(code: number): boolean {
  return code === 0x27 || code === 0x2019
}

function startsWord(text: string, position: number): boolean {
  const code = text.codePointAt(position)!
  return (code < 128 ? asciiKinds[code]! : kindOf(String.fromCodePoint(code))) >= number
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole
}
