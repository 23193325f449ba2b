import { brotliDecompress, gunzip, inflate, zstdDecompress, type InputType } from 'node:zlib'

/**
 * The most that is read of one body, also after decompression: some 10,000 rows of 10 features. Its JSON is parsed once more than the server
 * does, on the same thread; a larger one would be felt.
 */
export const maxBodyBytes: number = 1 << 20

/** The most that all bodies together take while they wait for their end or for being read: Driftline must not be what fills the memory. */
export const maxHeldBytes: number = 32 << 20

const tooLarge = `it is larger than ${maxBodyBytes} bytes`

/** Counts bytes that are held for all bodies. */
export class HeldBytes {
  readonly #limit: number
  #held = 0

  constructor(limit: number = maxHeldBytes) {
    this.#limit = limit
  }

  get held(): number {
    return this.#held
  }

  take(bytes: number): boolean {
    if (this.#held + bytes > this.#limit) return false
    this.#held += bytes
    return true
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}

/** The text of a body, or why there is none, in words. */
export type BodyText = { readonly text: string } | { readonly unreadable: string }

/** The chunks of one body, up to a bound. */
export class CollectedBody {
  readonly #held: HeldBytes
  #chunks: (string | Buffer)[] = []
  #size = 0
  #unreadable: string | null = null

  constructor(held: HeldBytes) {
    this.#held = held
  }

  /** `copy`: for a buffer that may be changed later. */
  add(chunk: string | Uint8Array, copy: boolean): void {
    if (this.#unreadable !== null) return
    if (this.#size + chunk.length > maxBodyBytes) this.giveUp(tooLarge)
    else if (!this.#held.take(chunk.length)) this.giveUp('too many bodies are being read at once')
    else {
      this.#size += chunk.length
      this.#chunks.push(typeof chunk !== 'string' && (copy || !Buffer.isBuffer(chunk)) ? Buffer.from(chunk) : chunk)
    }
  }

  /** Forgets what was collected, and takes no more. */
  giveUp(reason: string): void {
    this.#forget()
    this.#unreadable ??= reason
  }

  /** Whether `decompress` has to be called before `text`: `encoding` is the value of Content-Encoding. */
  isCompressed(encoding: string | undefined): boolean {
    return this.#unreadable === null && codingOf(encoding) !== null
  }

  /** On a thread of libuv's pool. `done` must not throw. */
  decompress(encoding: string | undefined, done: () => void): void {
    const coding = codingOf(encoding) ?? ''
    const decompress = decompressors.get(coding)
    if (decompress === undefined) {
      this.giveUp(`its Content-Encoding is ${JSON.stringify(coding.slice(0, 40))}`)
      done()
      return
    }
    decompress(this.#bytes(), { maxOutputLength: maxBodyBytes }, (error, bytes) => {
      this.#forget()
      if (error === null) this.add(bytes, false)
      else if ('code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') this.giveUp(tooLarge)
      else this.giveUp(`it is not the ${coding} that its Content-Encoding says`)
      done()
    })
  }

  text(): BodyText {
    return this.#unreadable === null ? { text: this.#text() } : { unreadable: this.#unreadable }
  }

  #forget(): void {
    this.#held.give(this.#size)
    this.#chunks = []
    this.#size = 0
  }

  /** JSON with a byte order mark is read by many servers. */
  #text(): string {
    const [first] = this.#chunks
    const text =
      this.#chunks.length === 1
        ? first!.toString()
        : this.#chunks.every((chunk) => typeof chunk === 'string')
          ? this.#chunks.join('')
          : this.#bytes().toString()
    return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text
  }

  #bytes(): Buffer {
    return Buffer.concat(this.#chunks.map((chunk) => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)))
  }
}

function codingOf(encoding: string | undefined): string | null {
  const coding = encoding?.trim().toLowerCase() ?? ''
  return coding === '' || coding === 'identity' ? null : coding
}

type Decompress = (
  bytes: InputType,
  options: { readonly maxOutputLength: number },
  done: (error: Error | null, bytes: Buffer) => void,
) => void

const decompressors: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ['gzip', gunzip],
  ['x-gzip', gunzip],
  ['deflate', inflate],
  ['br', brotliDecompress],
  ['zstd', zstdDecompress],
])
