import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { createGunzip } from 'node:zlib'
import { DataFileError } from './data-file-error.ts'

const readSize = 256 * 1024

/**
 * The bytes of a file in pieces, inflated when the file is gzip (told by its first two bytes).
 *
 * `onProgress` is called with the share of the file that was read, 0 to 1.
 *
 * @throws DataFileError when the file can not be read, is empty, or ends inside gzip data.
 */
export async function* openBytes(file: string, onProgress?: (share: number) => void): AsyncGenerator<Buffer> {
  const { size, gzip } = await inspectFile(file)
  const source = createReadStream(file, { highWaterMark: readSize })
  let read = 0
  source.on('data', (piece) => {
    read += piece.length
    onProgress?.(read / size)
  })
  const inflated = gzip ? createGunzip({ chunkSize: readSize }) : undefined
  if (inflated !== undefined) {
    source.on('error', (error) => inflated.destroy(error))
    source.pipe(inflated)
  }
  try {
    for await (const piece of inflated ?? source) yield piece as Buffer
  } catch (error) {
    throw new DataFileError(file, gzip ? `the gzip data is damaged (${messageOf(error)})` : messageOf(error), {
      cause: error,
    })
  } finally {
    source.destroy()
    inflated?.destroy()
  }
}

/**
 * Size and whether the content is gzip.
 *
 * @throws DataFileError when there is no such file, it is not readable, or it is empty.
 */
export async function inspectFile(file: string): Promise<{ size: number; modified: number; gzip: boolean }> {
  try {
    const { size, mtimeMs, isDirectory } = await stat(file).then((found) => ({
      size: found.size,
      mtimeMs: found.mtimeMs,
      isDirectory: found.isDirectory(),
    }))
    if (isDirectory) throw new DataFileError(file, 'is a directory, not a file')
    if (size === 0) throw new DataFileError(file, 'the file is empty')
    const handle = await open(file)
    try {
      const start = Buffer.alloc(2)
      await handle.read(start, 0, 2, 0)
      return { size, modified: mtimeMs, gzip: start[0] === 0x1f && start[1] === 0x8b }
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw error instanceof DataFileError ? error : new DataFileError(file, messageOf(error), { cause: error })
  }
}

/** A reason in words for what the file system says most often. */
function messageOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException).code
  if (code === 'ENOENT') return 'no such file'
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read it'
  return error instanceof Error ? error.message : String(error)
}
