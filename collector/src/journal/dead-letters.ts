import { mkdir, open, rename, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

/** What was refused for good. */
export interface DeadLetter {
  /** Of the journal's record that it belongs to. */
  readonly sequence: number
  readonly reason: string
  readonly target: string
  /** The line; in base64 when a record could not be made into lines. */
  readonly payload: string
}

export interface DeadLettersOptions {
  /** Made when missing. */
  readonly directory: string
  /** Of the two files together. Default: 64 MiB. */
  readonly maximumBytes?: number
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number
}

export interface DeadLetterStatistics {
  /** Written since start. */
  readonly letters: number
  /** Files that were overwritten because of the limit, since start. */
  readonly discardedFiles: number
  readonly bytes: number
}

/** A file of JSON lines { time, sequence, reason, target, payload }, for a person to look at; nothing reads it again. */
export interface DeadLetters {
  /** Resolves when they are on disk. */
  append(letters: readonly DeadLetter[]): Promise<void>
  statistics(): DeadLetterStatistics
  close(): Promise<void>
}

/** Enough for some 100,000 lines: a mistake that refuses more shows in these as well. */
const defaultMaximumBytes: number = 64 * 1024 * 1024
/** Of one payload and one reason, in characters: a record that cannot be encoded may be large, and so may an answer. */
const maximumPayloadLength: number = 256 * 1024
const maximumReasonLength = 2_000

const currentName = 'dead-letters.jsonl'
const olderName = 'dead-letters.1.jsonl'

/** @throws the file system's own error */
export async function openDeadLetters(options: DeadLettersOptions): Promise<DeadLetters> {
  const { directory, maximumBytes = defaultMaximumBytes, now } = options
  const path = join(directory, currentName)
  const olderPath = join(directory, olderName)
  await mkdir(directory, { recursive: true })
  let file = await openAtLineStart(path)
  let bytes = (await file.stat()).size
  let olderBytes = await sizeOf(olderPath)
  let letters = 0
  /** After a write that failed, a part of a line may stand at the end. */
  let isLineOpen = false
  let discardedFiles = 0
  let work: Promise<void> = Promise.resolve()

  async function write(batch: readonly DeadLetter[]): Promise<void> {
    const time = new Date(now()).toISOString()
    let text = isLineOpen ? '\n' : ''
    for (const { sequence, reason, target, payload } of batch) {
      const letter = {
        time,
        sequence,
        reason: cut(reason, maximumReasonLength),
        target,
        payload: cut(payload, maximumPayloadLength),
      }
      text += `${JSON.stringify(letter)}\n`
    }
    const data = Buffer.from(text)
    if (bytes > 0 && bytes + data.length > maximumBytes / 2) await rotate()
    isLineOpen = true
    const { bytesWritten } = await file.write(data)
    bytes += bytesWritten
    if (bytesWritten < data.length) throw new Error(`only ${bytesWritten} of ${data.length} bytes were written`)
    isLineOpen = false
    await file.datasync()
    letters += batch.length
  }

  async function rotate(): Promise<void> {
    try {
      await rename(path, olderPath)
    } catch (error) {
      // It was renamed already, and no new one could be opened.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    const next = await openAtLineStart(path)
    if (olderBytes > 0) discardedFiles++
    olderBytes = bytes
    bytes = 0
    const full = file
    file = next
    await full.close()
  }

  return {
    append(batch) {
      if (batch.length === 0) return Promise.resolve()
      const done = work.then(() => write(batch))
      work = done.catch(() => {})
      return done
    },
    statistics: () => ({ letters, discardedFiles, bytes: bytes + olderBytes }),
    async close() {
      await work
      await file.close()
    },
  }
}

/** A line that a crash cut off is ended, so that the next one is whole. */
async function openAtLineStart(path: string): Promise<FileHandle> {
  const file = await open(path, 'a+')
  try {
    const { size } = await file.stat()
    if (size > 0) {
      const last = Buffer.alloc(1)
      await file.read(last, 0, 1, size - 1)
      if (last[0] !== 0x0a) await file.write('\n')
    }
    return file
  } catch (error) {
    await file.close()
    throw error
  }
}

async function sizeOf(path: string): Promise<number> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0
    throw error
  }
  try {
    return (await file.stat()).size
  } finally {
    await file.close()
  }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length)}… (${text.length} characters)`
}
