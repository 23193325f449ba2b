import { open, type FileHandle } from 'node:fs/promises'
import { crc32 } from 'node:zlib'

/** Far enough apart that one torn sector cannot spoil both. */
const slotOffsets = [0, 4096] as const
const slotBytes = 24

/**
 * How far the journal was sent, in a file of two slots that are written in turn: one is whole at every moment, and overwriting in place
 * needs no room on a full disk.
 *
 * It is flushed only when asked. A process that is killed loses nothing, and a machine that crashes sends some records again, which
 * overwrites them with themselves.
 */
export class Checkpoint {
  readonly #file: FileHandle
  #sequence: number
  #turn: number
  #wanted: number
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: FileHandle, sequence: number, turn: number) {
    this.#file = file
    this.#sequence = sequence
    this.#wanted = sequence
    this.#turn = turn
  }

  static async open(path: string): Promise<Checkpoint> {
    const file = await openOrMake(path)
    try {
      let sequence = 0
      let turn = 0
      for (const offset of slotOffsets) {
        const bytes = Buffer.alloc(slotBytes)
        const { bytesRead } = await file.read(bytes, 0, slotBytes, offset)
        if (bytesRead < slotBytes || crc32(bytes.subarray(4)) !== bytes.readUInt32LE(0)) continue
        const slotTurn = Number(bytes.readBigUInt64LE(8))
        if (slotTurn <= turn) continue
        turn = slotTurn
        sequence = Number(bytes.readBigUInt64LE(16))
      }
      return new Checkpoint(file, sequence, turn)
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Everything up to it is settled. */
  get sequence(): number {
    return this.#wanted
  }

  /** Resolves when it is in the file; with `flush`, when it would survive a crash of the machine. Going back is ignored. */
  move(sequence: number, { flush }: { readonly flush: boolean }): Promise<void> {
    this.#wanted = Math.max(this.#wanted, sequence)
    const write = this.#writing.then(() => this.#write(flush))
    this.#writing = write.catch(() => {})
    return write
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #write(flush: boolean): Promise<void> {
    if (this.#sequence < this.#wanted) {
      const sequence = this.#wanted
      const turn = this.#turn + 1
      const bytes = Buffer.alloc(slotBytes)
      bytes.writeBigUInt64LE(BigInt(turn), 8)
      bytes.writeBigUInt64LE(BigInt(sequence), 16)
      bytes.writeUInt32LE(crc32(bytes.subarray(4)), 0)
      const { bytesWritten } = await this.#file.write(bytes, 0, slotBytes, slotOffsets[turn % 2])
      if (bytesWritten !== slotBytes) throw new Error(`only ${bytesWritten} of ${slotBytes} bytes were written`)
      this.#turn = turn
      this.#sequence = sequence
    }
    if (flush) await this.#file.datasync()
  }
}

async function openOrMake(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const file = await open(path, 'wx+')
    try {
      // Room for both slots from the start: overwriting must not need a new block later.
      await file.write(Buffer.alloc(slotOffsets[1] + slotBytes), 0, slotOffsets[1] + slotBytes, 0)
      return file
    } catch (writeError) {
      await file.close()
      throw writeError
    }
  }
}
