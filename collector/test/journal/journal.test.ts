import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFile,
  copyFile,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
  type FileHandle,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  JournalFormatError,
  JournalUnavailableError,
  openJournal,
  type DroppedRecords,
  type Journal,
  type JournalOptions,
} from '../../src/journal/journal.ts'
import { manualClock } from '../support/manual-clock.ts'
import { numberOf, payloadOf } from './payloads.ts'

/** How often a process is killed; the full run of `.ci/run` asks for more. */
const kills = Number(process.env['KILLS'] ?? 25)
const startMs = Date.UTC(2026, 10, 1)

let root: string
let directory: string
let opened: Journal[]
let lines: string[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'driftline-journal-'))
  directory = join(root, 'journal')
  opened = []
  lines = []
})

afterEach(async () => {
  for (const journal of opened) await journal.close()
  await rm(root, { recursive: true })
})

async function openHere(options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await openJournal({
    directory,
    clock: manualClock(startMs),
    log: (line) => lines.push(line),
    ...options,
  })
  opened.push(journal)
  return journal
}

async function numbersIn(journal: Journal, afterSequence = 0): Promise<number[]> {
  const numbers: number[] = []
  for await (const { payload } of journal.read(afterSequence)) numbers.push(numberOf(payload))
  return numbers
}

async function sequencesIn(journal: Journal, afterSequence = 0): Promise<number[]> {
  const sequences: number[] = []
  for await (const { sequence } of journal.read(afterSequence)) sequences.push(sequence)
  return sequences
}

async function segmentFiles(): Promise<string[]> {
  const names = await readdir(directory)
  return names.filter((name) => name.endsWith('.journal')).sort()
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1)
}

async function appendEach(journal: Journal, numbers: readonly number[]): Promise<void> {
  for (const number of numbers) await journal.append([payloadOf(number)])
}

describe('a journal', () => {
  it('gives back what was appended, in order, also after it was opened again', async () => {
    const journal = await openHere()
    expect(await journal.append([payloadOf(1), payloadOf(2)], 7)).toEqual({ firstSequence: 1, lastSequence: 2 })
    expect(await journal.append([payloadOf(3)])).toEqual({ firstSequence: 3, lastSequence: 3 })
    await journal.close()

    const again = await openHere()
    const found = []
    for await (const { payload, ...rest } of again.read(0)) found.push({ ...rest, number: numberOf(payload) })
    expect(found).toEqual([
      { sequence: 1, kind: 7, appendedAtMs: startMs, number: 1 },
      { sequence: 2, kind: 7, appendedAtMs: startMs, number: 2 },
      { sequence: 3, kind: 0, appendedAtMs: startMs, number: 3 },
    ])
    expect(await again.append([payloadOf(4)])).toEqual({ firstSequence: 4, lastSequence: 4 })
    expect(await numbersIn(again, 2)).toEqual([3, 4])
    expect(lines).toEqual([])
  })

  it('gives back records that are empty, and longer than what it reads at once', async () => {
    const journal = await openHere()
    const long = Buffer.alloc(3_500_000, 5)
    await journal.append([new Uint8Array(0), long, new Uint8Array([1])])
    const payloads = []
    for await (const { payload } of journal.read(0)) payloads.push(Buffer.from(payload))
    expect(payloads.map(({ length }) => length)).toEqual([0, 3_500_000, 1])
    expect(payloads[1]!.equals(long)).toBe(true)
    await journal.close()
    expect(await sequencesIn(await openHere())).toEqual([1, 2, 3])
  })

  it('refuses a record above its limit, and takes no records for an answer', async () => {
    const journal = await openHere()
    await expect(journal.append([new Uint8Array(32 * 1024 * 1024 + 1)])).rejects.toThrow(RangeError)
    await journal.append([])
    expect(await sequencesIn(journal)).toEqual([])
    expect((await journal.append([payloadOf(1)])).firstSequence).toBe(1)
  })

  it('flushes once for all that wait', async () => {
    const files = countingFiles()
    const journal = await openHere({ openFile: files.openFile })
    await journal.append([payloadOf(1)])
    const before = files.counts.flushes
    const receipts = await Promise.all(upTo(200).map((number) => journal.append([payloadOf(number)])))
    expect(receipts.map(({ firstSequence }) => firstSequence)).toEqual(upTo(200).map((number) => number + 1))
    // The first may go alone; those that came meanwhile go together.
    expect(files.counts.flushes - before).toBeLessThanOrEqual(2)
    expect(files.counts.writes).toBeGreaterThan(0)
  })

  it('does not acknowledge before the flush has ended', async () => {
    let release = () => {}
    const flushed = new Promise<void>((resolve) => {
      release = resolve
    })
    let isHeldUp = false
    const journal = await openHere({
      openFile: faultyFiles({ datasync: async () => (isHeldUp ? flushed : undefined) }),
    })
    await journal.append([payloadOf(1)])
    isHeldUp = true
    let isAcknowledged = false
    const appended = journal.append([payloadOf(2)]).then(() => {
      isAcknowledged = true
    })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect(isAcknowledged).toBe(false)
    expect(await numbersIn(journal)).toEqual([1])
    release()
    await appended
    expect(await numbersIn(journal)).toEqual([1, 2])
  })

  it('starts a new file at the size that was given, and deletes files once everything in them is committed', async () => {
    const journal = await openHere({ limits: { segmentBytes: 20_000 } })
    await appendEach(journal, upTo(60))
    const all = await segmentFiles()
    expect(all.length).toBeGreaterThan(5)
    expect(await numbersIn(journal)).toEqual(upTo(60))

    await journal.commitThrough(30)
    const left = await segmentFiles()
    expect(left.length).toBeLessThan(all.length)
    expect(await numbersIn(journal, 30)).toEqual(upTo(60).slice(30))
    expect(journal.statistics().queuedRecords).toBe(30)

    await journal.commitThrough(60)
    expect((await segmentFiles()).length).toBe(1)
    expect(journal.statistics()).toMatchObject({ queuedRecords: 0, queuedBytes: 0, oldestAgeMs: 0 })
    await journal.close()

    const again = await openHere()
    expect(again.committedSequence).toBe(60)
    expect((await again.append([payloadOf(61)])).firstSequence).toBe(61)
  })

  it('goes on behind the checkpoint and the floor, whatever became of the files', async () => {
    const journal = await openHere()
    await appendEach(journal, upTo(5))
    await journal.commitThrough(4)
    await journal.close()
    for (const name of await segmentFiles()) await rm(join(directory, name))
    const again = await openHere()
    expect(again.committedSequence).toBe(4)
    expect((await again.append([payloadOf(9)])).firstSequence).toBe(5)
    await again.close()
    await rm(directory, { recursive: true })
    expect((await (await openHere({ sequenceFloor: 70 })).append([payloadOf(9)])).firstSequence).toBe(71)
  })

  it('keeps the older half of its checkpoint when the newer one is damaged', async () => {
    const journal = await openHere()
    await appendEach(journal, upTo(5))
    await journal.commitThrough(3)
    await journal.commitThrough(4)
    await journal.close()
    const path = join(directory, 'checkpoint')
    const bytes = await readFile(path)
    // The slots are written in turn, the second one first.
    bytes[16]! ^= 0xff
    await writeFile(path, bytes)
    expect((await openHere()).committedSequence).toBe(3)
  })

  it('tells the age of what waits', async () => {
    const clock = manualClock(startMs)
    const journal = await openHere({ clock })
    await journal.append([payloadOf(1)])
    clock.advance(30_000)
    await journal.append([payloadOf(2)])
    clock.advance(5_000)
    expect(journal.statistics().oldestAgeMs).toBe(35_000)
    await journal.commitThrough(1)
    expect(journal.statistics().oldestAgeMs).toBe(5_000)
    await journal.commitThrough(2)
    expect(journal.statistics().oldestAgeMs).toBe(0)
  })

  it('wakes those who wait for a record, and when it is closed', async () => {
    const journal = await openHere()
    const woken = journal.appended(0)
    await journal.append([payloadOf(1)])
    await woken
    await journal.appended(0)
    const atTheEnd = journal.appended(1)
    await journal.close()
    await atTheEnd
    await expect(journal.append([payloadOf(2)])).rejects.toThrow(JournalUnavailableError)
  })

  it('refuses files of a later version', async () => {
    await (await openHere()).append([payloadOf(1)])
    await opened.pop()!.close()
    const path = join(directory, (await segmentFiles())[0]!)
    const { crc32 } = await import('node:zlib')
    const bytes = await readFile(path)
    bytes.writeUInt32LE(2, 8)
    bytes.writeUInt32LE(crc32(bytes.subarray(16, 40), crc32(bytes.subarray(0, 12))), 12)
    await writeFile(path, bytes)
    await expect(openHere()).rejects.toThrow(JournalFormatError)
  })

  it('says so when its directory cannot be made', async () => {
    await writeFile(directory, '')
    await expect(openHere()).rejects.toThrow(JournalUnavailableError)
  })
})

describe('the limits of a journal', () => {
  it('drop the oldest files when all are too large, and count what was not committed', async () => {
    const dropped: DroppedRecords[] = []
    const journal = await openHere({
      limits: { segmentBytes: 20_000, maximumBytes: 100_000 },
      onDropped: (one) => dropped.push(one),
    })
    await appendEach(journal, upTo(10))
    await journal.commitThrough(3)
    await appendEach(journal, upTo(100).slice(10))
    expect(journal.statistics().bytes).toBeLessThanOrEqual(130_000)
    const kept = await numbersIn(journal)
    expect(kept).toEqual(upTo(100).slice(100 - kept.length))
    expect(journal.statistics().droppedRecords).toBe(100 - kept.length - 3)
    expect(dropped[0]).toMatchObject({ firstSequence: 4, reason: 'bytes' })
    expect(dropped.reduce((sum, { records }) => sum + records, 0)).toBe(100 - kept.length - 3)
    expect(dropped.at(-1)!.lastSequence).toBe(100 - kept.length)
    expect(journal.committedSequence).toBe(100 - kept.length)
    expect(lines.some((line) => line.includes('gave up'))).toBe(true)
  })

  it('drop what is too old, also when nothing is appended any more', async () => {
    const clock = manualClock(startMs)
    let tell: (dropped: DroppedRecords) => void = () => {}
    const told = new Promise<DroppedRecords>((resolve) => {
      tell = resolve
    })
    const journal = await openHere({ clock, limits: { maximumAgeMs: 3_600_000 }, onDropped: (one) => tell(one) })
    await appendEach(journal, upTo(3))
    clock.advance(3_700_000)
    expect(await told).toEqual({ firstSequence: 1, lastSequence: 3, records: 3, reason: 'age' })
    expect(await numbersIn(journal)).toEqual([])
    expect((await journal.append([payloadOf(4)])).firstSequence).toBe(4)
    await journal.close()
    expect(await numbersIn(await openHere())).toEqual([4])
  })

  it('keep little in one file when little comes, so that what is too old does not hang on to what is new', async () => {
    const clock = manualClock(startMs)
    const journal = await openHere({ clock, limits: { maximumAgeMs: 80_000 } })
    for (let i = 0; i < 20; i++) {
      await journal.append([payloadOf(i + 1)])
      clock.advance(10_000)
    }
    // The file of ten seconds, and up to one more file's time behind the limit.
    expect(journal.statistics().oldestAgeMs).toBeLessThanOrEqual(100_000)
    expect(journal.statistics().queuedRecords).toBeGreaterThanOrEqual(8)
    expect((await segmentFiles()).length).toBeGreaterThanOrEqual(8)
  })

  it('say nothing of files that were committed', async () => {
    const clock = manualClock(startMs)
    const dropped: DroppedRecords[] = []
    const journal = await openHere({
      clock,
      limits: { maximumAgeMs: 1_000, segmentBytes: 10_000 },
      onDropped: (one) => dropped.push(one),
    })
    await appendEach(journal, upTo(20))
    await journal.commitThrough(20)
    clock.advance(100_000)
    await journal.append([payloadOf(21)])
    expect(dropped).toEqual([])
    expect(await numbersIn(journal, 20)).toEqual([21])
  })
})

describe('a journal that finds damage', () => {
  /** Small records, so that every place of a file can be tried. */
  const small = (number: number): Uint8Array => Buffer.from(`record ${number}`)
  const textsIn = async (journal: Journal): Promise<string[]> => {
    const texts: string[] = []
    for await (const { payload } of journal.read(0)) texts.push(Buffer.from(payload).toString())
    return texts
  }
  const template = async (count: number, segmentBytes: number): Promise<string[]> => {
    const journal = await openHere({ limits: { segmentBytes } })
    for (const number of upTo(count)) await journal.append([small(number)])
    await journal.close()
    return segmentFiles()
  }
  /** Where a copy lies that `change` was done to. */
  const changedCopy = async (change: (copy: string) => Promise<void>): Promise<string> => {
    const copy = await mkdtemp(join(root, 'copy-'))
    for (const file of await readdir(directory)) await copyFile(join(directory, file), join(copy, file))
    await change(copy)
    return copy
  }

  it('gives every whole record in front of a cut, wherever the last file is cut', { timeout: 60_000 }, async () => {
    const [name] = await template(6, 1_000_000)
    const { size } = await stat(join(directory, name!))
    const ends = [40]
    for (const number of upTo(6)) ends.push(ends.at(-1)! + 25 + small(number).length)
    expect(ends.at(-1)).toBe(size)
    for (let length = 0; length < size; length++) {
      const copy = await changedCopy((path) => truncate(join(path, name!), length))
      const journal = await openHere({ directory: copy })
      const whole = ends.filter((end) => end <= length).length - 1
      expect(await textsIn(journal), `cut at ${length}`).toEqual(upTo(Math.max(0, whole)).map((n) => `record ${n}`))
      const { truncatedTails, damagedRecords } = journal.statistics()
      expect({ truncatedTails, damagedRecords }).toEqual({
        truncatedTails: ends.includes(length) ? 0 : 1,
        damagedRecords: 0,
      })
      await journal.append([Buffer.from('new')])
      await journal.close()
      const again = await openHere({ directory: copy })
      expect((await textsIn(again)).at(-1)).toBe('new')
      expect(again.statistics().damagedRecords).toBe(0)
      await again.close()
      opened.length = 0
    }
  })

  it(
    'steps over a changed byte anywhere in an older file, and says how much was lost',
    { timeout: 60_000 },
    async () => {
      const names = await template(12, 200)
      expect(names.length).toBeGreaterThan(2)
      const { size } = await stat(join(directory, names[0]!))
      const all = upTo(12).map((number) => `record ${number}`)
      await fc.assert(
        fc.asyncProperty(fc.nat(size - 1), fc.integer({ min: 1, max: 255 }), async (place, mask) => {
          const copy = await changedCopy(async (path) => {
            const file = join(path, names[0]!)
            const bytes = await readFile(file)
            bytes[place]! ^= mask
            await writeFile(file, bytes)
          })
          const journal = await openHere({ directory: copy })
          const texts = await textsIn(journal)
          // In order, unchanged, and only the record with the changed byte is missing; a damaged header loses none.
          expect(texts).toEqual(all.filter((text) => texts.includes(text)))
          expect(texts.length).toBe(place < 40 ? all.length : all.length - 1)
          expect(journal.statistics().damagedRecords).toBe(place < 40 ? 0 : 1)
          expect(lines.some((line) => line.includes('damaged'))).toBe(true)
          expect((await journal.append([small(13)])).firstSequence).toBe(13)
          await journal.close()
          opened.length = 0
        }),
        { numRuns: 150 },
      )
    },
  )

  it('gives nothing that was not appended, whatever is done to its files', { timeout: 60_000 }, async () => {
    const names = await template(12, 200)
    const change = fc.record({
      file: fc.nat(names.length - 1),
      place: fc.nat(400),
      what: fc.constantFrom('zero', 'cut', 'append', 'noise'),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 60 }),
    })
    const all = upTo(12).map((number) => `record ${number}`)
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const copy = await changedCopy(async (path) => {
          for (const { file, place, what, bytes } of changes) {
            const target = join(path, names[file]!)
            const content = await readFile(target)
            if (what === 'cut') await truncate(target, Math.min(place, content.length))
            else if (what === 'append') await appendFile(target, bytes)
            else {
              const at = Math.min(place, content.length)
              const change = what === 'zero' ? new Uint8Array(bytes.length) : bytes
              content.set(change.subarray(0, content.length - at), at)
              await writeFile(target, content)
            }
          }
        })
        const journal = await openHere({ directory: copy })
        const texts = await textsIn(journal)
        expect(texts).toEqual(all.filter((text) => texts.includes(text)))
        const { firstSequence } = await journal.append([Buffer.from('new')])
        expect((await sequencesIn(journal)).at(-1)).toBe(firstSequence)
        expect((await textsIn(journal)).at(-1)).toBe('new')
        await journal.close()
        opened.length = 0
      }),
      { numRuns: 200 },
    )
  })

  it('counts damage that comes while it is open once, and reads on behind it', async () => {
    const journal = await openHere({ limits: { segmentBytes: 200 } })
    for (const number of upTo(20)) await journal.append([small(number)])
    const names = await segmentFiles()
    const path = join(directory, names[0]!)
    const bytes = await readFile(path)
    bytes[70]! ^= 1
    await writeFile(path, bytes)
    await rm(join(directory, names[2]!))
    const first = await sequencesIn(journal)
    expect(await sequencesIn(journal)).toEqual(first)
    expect(first.at(-1)).toBe(20)
    expect(journal.statistics().damagedRecords).toBe(20 - first.length)
    expect(lines.filter((line) => line.includes('damaged'))).toHaveLength(2)
  })

  it('does not take a journal quoted in a record for records of its own', async () => {
    const [name] = await template(3, 1_000_000)
    const quoted = await readFile(join(directory, name!))
    await rm(directory, { recursive: true })
    const journal = await openHere()
    for (const number of upTo(5)) await journal.append([small(number)])
    await journal.append([quoted])
    await journal.append([small(7)])
    await journal.close()
    // The record with the quotation gets damaged in its own header; what it quotes has sequences that were long passed.
    const path = join(directory, name!)
    const bytes = await readFile(path)
    // The journal itself begins with the same bytes.
    bytes[bytes.lastIndexOf(quoted) - 1]! ^= 1
    await writeFile(path, bytes)
    expect(await sequencesIn(await openHere())).toEqual([1, 2, 3, 4, 5, 7])
  })
})

describe('a journal on a disk that fails', () => {
  it('rejects what was not flushed, never writes that file again, and goes on in a new one', async () => {
    let fails = false
    const journal = await openHere({
      openFile: faultyFiles({
        async datasync() {
          if (!fails) return
          fails = false
          throw diskError('EIO')
        },
      }),
    })
    await appendEach(journal, [1, 2])
    fails = true
    await expect(journal.append([payloadOf(3)])).rejects.toThrow(JournalUnavailableError)
    expect(await numbersIn(journal)).toEqual([1, 2])
    await journal.append([payloadOf(4)])
    expect(await numbersIn(journal)).toEqual([1, 2, 4])
    expect((await segmentFiles()).length).toBe(2)
    expect(journal.statistics().failedAppends).toBe(1)
    await journal.close()
    const again = await openHere()
    expect(await numbersIn(again)).toEqual([1, 2, 4])
    expect(again.statistics()).toMatchObject({ damagedRecords: 0, truncatedTails: 0 })
  })

  it('leaves out what a failed write left behind, also when that cannot be removed', async () => {
    let fails = false
    const journal = await openHere({
      openFile: faultyFiles({
        async datasync() {
          if (fails) throw diskError('EIO')
        },
        async truncate() {
          throw diskError('EIO')
        },
      }),
    })
    await appendEach(journal, [1, 2])
    fails = true
    await expect(journal.append([payloadOf(3)])).rejects.toThrow(JournalUnavailableError)
    fails = false
    await journal.append([payloadOf(4)])
    await journal.close()
    // Record 3 stands whole in the first file, but was never acknowledged.
    const first = await readFile(join(directory, (await segmentFiles())[0]!))
    expect(first.includes(Buffer.from(payloadOf(3)))).toBe(true)
    const again = await openHere()
    expect(await numbersIn(again)).toEqual([1, 2, 4])
    expect(again.statistics()).toMatchObject({ damagedRecords: 0, truncatedTails: 0 })
  })

  it('cuts a write that stopped half way back, and uses the file again once there is room', async () => {
    let room = Number.POSITIVE_INFINITY
    const journal = await openHere({
      openFile: faultyFiles({
        async writev(file, buffers, position) {
          const bytes = Buffer.concat(buffers)
          if (bytes.length <= room) return file.writev(buffers, position)
          return { ...(await file.writev([bytes.subarray(0, room)], position)), buffers }
        },
        async write() {
          throw diskError('ENOSPC')
        },
      }),
    })
    await appendEach(journal, [1, 2])
    room = 100
    await expect(journal.append([payloadOf(3)])).rejects.toThrow(/ENOSPC/)
    expect(await numbersIn(journal)).toEqual([1, 2])
    room = Number.POSITIVE_INFINITY
    await journal.append([payloadOf(4)])
    expect(await numbersIn(journal)).toEqual([1, 2, 4])
    expect((await segmentFiles()).length).toBe(1)
    await journal.close()
    const again = await openHere()
    expect(await numbersIn(again)).toEqual([1, 2, 4])
    expect(again.statistics()).toMatchObject({ damagedRecords: 0, truncatedTails: 0 })
  })

  it('makes no heap of empty files while there is no room for one', async () => {
    const journal = await openHere({
      openFile: faultyFiles({
        async writev() {
          throw diskError('ENOSPC')
        },
      }),
    })
    for (const number of upTo(5)) {
      await expect(journal.append([payloadOf(number)])).rejects.toThrow(JournalUnavailableError)
    }
    expect(await segmentFiles()).toEqual([])
  })

  it('has every acknowledged record after its process ran into a real limit', async () => {
    const acknowledged = new Map<number, number>()
    // In blocks of 1 KiB; Node ignores the signal that comes with it, and the write fails with EFBIG.
    const script = 'ulimit -f 300; exec "$@"'
    const child = spawn('bash', ['-c', script, 'bash', process.execPath, ...childArguments(1, 10_000_000)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const said: string[] = []
    const output = createInterface({ input: child.stdout })
    output.on('line', (line) => {
      said.push(line)
      const [number, sequence] = line.split(' ').map(Number)
      if (sequence !== undefined) acknowledged.set(number!, sequence)
    })
    await Promise.all([once(output, 'close'), once(child, 'exit')])
    expect(child.exitCode).toBe(0)
    expect(said.at(-1)).toBe('refused')
    expect(acknowledged.size).toBeGreaterThan(30)
    const found = new Map<number, number>()
    const journal = await openHere()
    for await (const { sequence, payload } of journal.read(0)) found.set(numberOf(payload), sequence)
    expect([...acknowledged].filter(([number, sequence]) => found.get(number) !== sequence)).toEqual([])
    expect(journal.statistics().damagedRecords).toBe(0)
  })
})

describe('a journal whose process is killed', () => {
  it(
    `has every acknowledged record once and in order, after ${kills} kills`,
    { timeout: 20_000 + kills * 2_000 },
    async () => {
      const acknowledged = new Map<number, number>()
      for (let round = 0; round < kills; round++) {
        const child = spawn(process.execPath, childArguments(1 + round * 100_000, 60_000), {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        const output = createInterface({ input: child.stdout })
        const ended = Promise.all([once(output, 'close'), once(child, 'exit')])
        await new Promise<void>((resolve, reject) => {
          output.on('line', (line) => {
            if (line === 'open') resolve()
            const [number, sequence] = line.split(' ').map(Number)
            if (sequence !== undefined) acknowledged.set(number!, sequence)
          })
          void ended.then(() => reject(new Error('the appending process ended before it had opened the journal')))
        })
        // Anywhere within the first writes, or within a later one: the time is the point of the test.
        await new Promise((resolve) => setTimeout(resolve, 1 + ((round * 7) % 50)))
        child.kill('SIGKILL')
        await ended
      }
      expect(acknowledged.size).toBeGreaterThan(kills)

      const journal = await openHere()
      const found = new Map<number, number>()
      let records = 0
      let last = 0
      for await (const { sequence, payload } of journal.read(0)) {
        expect(sequence).toBeGreaterThan(last)
        last = sequence
        found.set(numberOf(payload), sequence)
        records++
      }
      expect(records).toBe(found.size)
      expect([...acknowledged].filter(([number, sequence]) => found.get(number) !== sequence)).toEqual([])
      expect(journal.statistics().damagedRecords).toBe(0)
    },
  )
})

function childArguments(first: number, segmentBytes: number): string[] {
  const script = new URL('append-until-killed.ts', import.meta.url).pathname
  return ['-C', '@driftline/source', script, directory, String(first), String(segmentBytes)]
}

function diskError(code: string): Error {
  return Object.assign(new Error(`${code}: made by the test`), { code })
}

interface Faults {
  readonly datasync?: (file: FileHandle) => Promise<void>
  readonly truncate?: (file: FileHandle) => Promise<void>
  readonly writev?: (file: FileHandle, buffers: Uint8Array[], position: number) => ReturnType<FileHandle['writev']>
  readonly write?: () => Promise<never>
}

/** Real files with some operations replaced; `datasync` runs before the real one. */
function faultyFiles(faults: Faults): (path: string, flags: string) => Promise<FileHandle> {
  return async (path, flags) => {
    const file = await open(path, flags)
    const own = {
      async datasync() {
        await faults.datasync?.(file)
        await file.datasync()
      },
      truncate: (length: number) => faults.truncate?.(file) ?? file.truncate(length),
      writev: (buffers: Uint8Array[], position: number) =>
        faults.writev?.(file, buffers, position) ?? file.writev(buffers, position),
      write: (bytes: Uint8Array, offset: number, length: number, position: number) =>
        faults.write?.() ?? file.write(bytes, offset, length, position),
      close: () => file.close(),
    }
    return own as unknown as FileHandle
  }
}

function countingFiles() {
  const counts = { flushes: 0, writes: 0 }
  const openFile = faultyFiles({
    async datasync() {
      counts.flushes++
    },
    writev(file, buffers, position) {
      counts.writes++
      return file.writev(buffers, position)
    },
  })
  return { counts, openFile }
}
