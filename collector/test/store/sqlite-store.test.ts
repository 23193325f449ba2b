import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DataDirectoryError, DataDirectoryInUseError } from '../../src/store/sqlite/data-directory.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { StoreUnavailableError, type Store } from '../../src/store/store.ts'
import { countBlock, originMs, sampleBaseline, wideBlock } from './sample-data.ts'
import { storeContract } from './store-contract.ts'

const makeDirectory = () => mkdtemp(join(tmpdir(), 'driftline-store-'))

storeContract('sqlite', async () => {
  const directory = await makeDirectory()
  return {
    store: await openSqliteStore({ directory }),
    reopen: () => openSqliteStore({ directory }),
    dispose: () => rm(directory, { recursive: true }),
  }
})

const endOfTime = originMs + 1e9
const nodeArguments = (file: string) => [
  '-C',
  '@driftline/source',
  fileURLToPath(new URL(`./sqlite/${file}`, import.meta.url)),
]

describe('the SQLite store', () => {
  let directory: string
  const opened: Store[] = []
  const children: ChildProcess[] = []

  beforeEach(async () => {
    directory = await makeDirectory()
  })
  afterEach(async () => {
    for (const child of children.splice(0)) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    for (const store of opened.splice(0)) await store.close().catch(() => {})
    await rm(directory, { recursive: true })
  })

  async function open(options: { directory?: string; readOnly?: boolean } = {}): Promise<Store> {
    const store = await openSqliteStore({ directory, ...options })
    opened.push(store)
    return store
  }

  async function sumsOf(store: Store): Promise<number[]> {
    const [segment] = await store.totals('credit', '1', originMs, endOfTime)
    return segment === undefined ? [] : [...segment.totals.entries()].map(({ values }) => values[0]!)
  }

  /** Starts a process that appends until it is killed; returns the seconds it was given receipts for, in order, as they come. */
  async function startAppending(
    first: number,
    acknowledged: number[],
  ): Promise<{ child: ChildProcess; ended: Promise<unknown> }> {
    const child = spawn(process.execPath, [...nodeArguments('append-until-killed.ts'), directory, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    const lines = createInterface({ input: child.stdout })
    const ended = Promise.all([once(lines, 'close'), once(child, 'exit')])
    await new Promise<void>((resolve, reject) => {
      lines.on('line', (line) => {
        if (line === 'open') resolve()
        else acknowledged.push(Number(line))
      })
      void ended.then(() => reject(new Error('the appending process ended before it had opened the store')))
    })
    return { child, ended }
  }

  describe('when its process is killed', () => {
    it('has every acknowledged block exactly once, after twenty kills', { timeout: 120_000 }, async () => {
      const kills = 20
      const acknowledged: number[] = []
      for (let round = 0; round < kills; round++) {
        // Each start recovers what the kill before left; nothing later could bring back what that lost.
        const { child, ended } = await startAppending(round * 10_000, acknowledged)
        // Anywhere within the first commits, or within a later one: the time is the point of the test.
        await new Promise((resolve) => setTimeout(resolve, 5 + round * 10))
        child.kill('SIGKILL')
        await ended
      }
      expect(acknowledged.length).toBeGreaterThan(kills)

      const store = await open()
      const slices = await store.touchedSlices('credit', '1', 1_000, 0)
      const stored = new Set(slices.map(({ startMs }) => (startMs - originMs) / 1_000))
      expect(acknowledged.filter((second) => !stored.has(second))).toEqual([])
      // A slice of one second has two sequences where its block is there twice.
      expect(slices.filter(({ firstSequence, lastSequence }) => firstSequence !== lastSequence)).toEqual([])
      expect(await sumsOf(store)).toEqual(Array.from({ length: 200 }, () => stored.size * 1.5))
      const again = acknowledged.map(wideBlock)
      expect(await store.append(again)).toEqual({ storedSeries: 0, duplicateSeries: again.length * 200 })
    })

    it('keeps a second process out while it lives, and lets it in at once after it was killed', async () => {
      const { child, ended } = await startAppending(0, [])
      await expect(open()).rejects.toThrow(
        new DataDirectoryInUseError(`the data directory ${directory} is in use by another collector`),
      )
      child.kill('SIGKILL')
      await ended
      await open()
    })
  })

  describe('opening', () => {
    it('makes the directory', async () => {
      await open({ directory: join(directory, 'a', 'b') })
      expect(existsSync(join(directory, 'a', 'b', 'driftline.sqlite'))).toBe(true)
    })

    it('keeps a second store of this process out too, and forgets the lock when closed', async () => {
      const store = await open()
      await expect(open()).rejects.toThrow(DataDirectoryInUseError)
      expect(await store.append([countBlock(0, 1)])).toMatchObject({ storedSeries: 1 })
      await store.close()
      expect(await sumsOf(await open())).toEqual([1])
    })

    it('names a file that stands where the directory should be', async () => {
      const file = join(directory, 'file')
      await writeFile(file, '')
      await expect(open({ directory: file })).rejects.toThrow(
        new DataDirectoryError(`${file} is a file, not a directory`),
      )
      await expect(open({ directory: join(file, 'below') })).rejects.toThrow(DataDirectoryError)
    })

    it('names a directory that cannot be written', async () => {
      // No permission bits stop the superuser, but nobody makes directories in /proc.
      const unwritable = process.getuid?.() === 0 ? '/proc/driftline' : directory
      if (unwritable === directory) chmodSync(directory, 0o555)
      const failure = open({ directory: unwritable })
      await expect(failure).rejects.toThrow(DataDirectoryError)
      await expect(failure).rejects.toThrow(unwritable)
      chmodSync(directory, 0o755)
    })

    it('names the directory when its lock cannot be made', async () => {
      await mkdir(join(directory, 'driftline.lock'))
      await expect(open()).rejects.toThrow(`cannot write to the data directory ${directory}: `)
    })

    it.each([
      ['text', Buffer.from('this is a text, and not a short one: '.repeat(100))],
      ['zeros behind the right first bytes', Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8176)])],
    ])('refuses a file that is no database (%s), leaves it alone and can be tried again', async (_name, content) => {
      const file = join(directory, 'driftline.sqlite')
      await writeFile(file, content)
      await expect(open()).rejects.toThrow(DataDirectoryError)
      await expect(open()).rejects.toThrow(file)
      expect(readFileSync(file)).toEqual(content)
      await rm(file)
      await open()
    })

    it('refuses the database of another program', async () => {
      const file = join(directory, 'driftline.sqlite')
      const database = new DatabaseSync(file)
      database.exec('CREATE TABLE theirs (x)')
      database.close()
      await expect(open()).rejects.toThrow(`${file} is a database of another program`)
    })

    it('refuses a newer schema and says so', async () => {
      await (await open()).close()
      const database = new DatabaseSync(join(directory, 'driftline.sqlite'))
      database.exec('PRAGMA user_version = 999')
      database.close()
      await expect(open()).rejects.toThrow('was written by a newer version of Driftline (schema 999;')
      await expect(open({ readOnly: true })).rejects.toThrow('was written by a newer version of Driftline (schema 999;')
    })
  })

  it('leaves one file of data behind when closed', async () => {
    const store = await open()
    await store.append([countBlock(0, 1)])
    await store.close()
    expect(existsSync(join(directory, 'driftline.sqlite-wal'))).toBe(false)
  })

  it('rejects queries on damaged data and goes on with the rest', async () => {
    const store = await open()
    await store.append(Array.from({ length: 400 }, (_, i) => wideBlock(i)))
    await store.putBaseline(sampleBaseline(1))
    await store.close()
    const file = join(directory, 'driftline.sqlite')
    const bytes = readFileSync(file)
    const pageBytes = 8192
    // Blocks fill most of the file; its first pages and the last hold the schema and the small tables.
    bytes.fill(
      0xa5,
      Math.floor(bytes.length / pageBytes / 3) * pageBytes,
      Math.floor((bytes.length / pageBytes) * 0.8) * pageBytes,
    )
    writeFileSync(file, bytes)
    const damaged = await open()
    await expect(damaged.totals('credit', '1', originMs, endOfTime)).rejects.toThrow(StoreUnavailableError)
    await expect(damaged.totals('credit', '1', originMs, endOfTime)).rejects.toThrow('malformed')
    expect(await damaged.baselineFor('credit', '1')).not.toBeNull()
  })

  it('rejects what the disk has no room for, keeps what it acknowledged and goes on answering', async () => {
    // A limit on the size of files stands for a full disk: a write beyond it fails.
    const command = 'ulimit -f 4096; exec "$0" "$@"'
    const child = spawnSync('sh', ['-c', command, process.execPath, ...nodeArguments('fill-the-disk.ts'), directory], {
      encoding: 'utf8',
    })
    expect(child.stderr).toBe('')
    const said = JSON.parse(child.stdout) as { acknowledged: number; failure: Error; again: Error; sum: number }
    expect(said.failure.name).toBe('StoreUnavailableError')
    expect(said.failure.message).toMatch(/^cannot store blocks: /)
    expect(said.again.name).toBe('StoreUnavailableError')
    expect(said.acknowledged).toBeGreaterThan(0)
    expect(said.sum).toBe(said.acknowledged * 1.5)
    expect(await sumsOf(await open())).toEqual(Array.from({ length: 200 }, () => said.acknowledged * 1.5))
  })

  describe('for reading only', () => {
    it('answers next to the process that writes, and refuses to write', async () => {
      const store = await open()
      await store.append([countBlock(0, 1)])
      const reading = await open({ readOnly: true })
      expect(await sumsOf(reading)).toEqual([1])
      await store.append([countBlock(10, 1)])
      expect(await sumsOf(reading)).toEqual([2])
      await expect(reading.append([countBlock(20, 1)])).rejects.toThrow(
        new StoreUnavailableError('the store was opened for reading only'),
      )
      await reading.close()
      expect(await store.append([countBlock(20, 1)])).toMatchObject({ storedSeries: 1 })
    })

    it('reads what a closed store left', async () => {
      const store = await open()
      await store.append([countBlock(0, 1)])
      await store.close()
      expect(await sumsOf(await open({ readOnly: true }))).toEqual([1])
    })

    it('says when there is nothing to read', async () => {
      await expect(open({ readOnly: true })).rejects.toThrow(`${directory} holds no Driftline data`)
      expect(existsSync(join(directory, 'driftline.sqlite'))).toBe(false)
    })
  })
})
