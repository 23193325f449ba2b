import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'

/** Larger files are not digested: reading them takes longer than anyone waits for the answer. */
export const maxDigestedBytes: number = 2 * 2 ** 30

/** Files up to this size are read whole and digested in the thread pool, so that the main thread does nothing. */
const wholeFileBytes = 64 * 2 ** 20

/** Of larger files, as much at a time as is hashed in about a millisecond; other work goes on in between. */
const chunkBytes = 2 ** 20

/** Files whose digest is remembered: as many as there are models in a process. */
const maxRemembered = 100

/** By path, the digest and what the file was then. A server that opens its model for every request reads it once for this. */
const remembered = new Map<string, { readonly identity: string; readonly digest: string | null }>()

/**
 * `sha256:` + hex of a file's bytes; null when it is no readable file, or larger than `maxDigestedBytes`. Never rejects.
 */
export async function digestFile(file: string): Promise<string | null> {
  let handle: FileHandle | null = null
  try {
    handle = await open(file, 'r')
    const stats = await handle.stat()
    if (!stats.isFile() || stats.size > maxDigestedBytes) return null
    const { dev, ino, size, mtimeMs, ctimeMs } = stats
    const identity = [dev, ino, size, mtimeMs, ctimeMs].join(' ')
    const before = remembered.get(file)
    if (before?.identity === identity) return before.digest
    const digest = size <= wholeFileBytes ? await digestBuffer(await handle.readFile()) : await digestChunks(handle)
    remembered.delete(file)
    remembered.set(file, { identity, digest })
    if (remembered.size > maxRemembered) remembered.delete(remembered.keys().next().value!)
    return digest
  } catch {
    return null
  } finally {
    await handle?.close().catch(() => undefined)
  }
}

/** `sha256:` + hex of bytes in memory, which are copied at once; null for shared memory, or more than 64 MB. Never rejects. */
export async function digestBuffer(bytes: Uint8Array<ArrayBuffer>): Promise<string | null> {
  if (bytes.byteLength > wholeFileBytes) return null
  try {
    // Refuses memory that is shared between threads, and copies the other.
    const digest = await crypto.subtle.digest('SHA-256', bytes)
    return `sha256:${Buffer.from(digest).toString('hex')}`
  } catch {
    return null
  }
}

async function digestChunks(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(chunkBytes)
  let position = 0
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, chunkBytes, position)
    if (bytesRead === 0) return `sha256:${hash.digest('hex')}`
    hash.update(chunk.subarray(0, bytesRead))
    position += bytesRead
  }
}
