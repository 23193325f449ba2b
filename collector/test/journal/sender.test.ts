import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { openDeadLetters, type DeadLetters } from '../../src/journal/dead-letters.ts'
import type { BatchLimits } from '../../src/journal/destination.ts'
import { openJournal, type Journal } from '../../src/journal/journal.ts'
import { startSender, type Sender, type SenderOptions } from '../../src/journal/sender.ts'
import { manualClock } from '../support/manual-clock.ts'
import { httpDestination, startScriptedServer, type Answer, type ScriptedServer } from './http-destination.ts'

const startMs = Date.UTC(2026, 10, 1)
const generous: BatchLimits = { maximumLines: 5_000, maximumBytes: 5_000_000 }

let directory: string
let server: ScriptedServer
let journal: Journal
let deadLetters: DeadLetters
let sender: Sender | undefined
let log: string[]
let clock: WaitingClock

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'driftline-sender-'))
  server = await startScriptedServer()
  clock = waitingClock()
  log = []
  journal = await openHere()
  deadLetters = await openDeadLetters({ directory, now: () => startMs })
  sender = undefined
})

afterEach(async () => {
  await sender?.close()
  await deadLetters.close()
  await journal.close()
  await server.close()
  await rm(directory, { recursive: true })
})

function openHere(): Promise<Journal> {
  return openJournal({
    directory: join(directory, 'journal'),
    clock: manualClock(startMs),
    log: (line) => log.push(line),
  })
}

function start({ limits = generous, ...options }: Partial<SenderOptions> & { limits?: BatchLimits } = {}): Sender {
  sender = startSender({
    journal,
    destination: httpDestination(server.url, limits),
    deadLetters,
    clock,
    log: (line) => log.push(line),
    random: () => 1,
    ...options,
  })
  return sender
}

function append(...records: string[]): Promise<unknown> {
  return journal.append(records.map((text) => Buffer.from(text)))
}

/** A clock that only moves when the sender waits: then at once, noting for how long. */
interface WaitingClock extends Clock {
  readonly waits: number[]
  /** While true, waiting lasts until `go`. */
  holds: boolean
  go(): void
  /** Passes time in which nobody waits. */
  advance(milliseconds: number): void
}

function waitingClock(): WaitingClock {
  let now = startMs
  let held: (() => void)[] = []
  return {
    waits: [],
    holds: false,
    now: () => now,
    after(milliseconds, run) {
      // Waiting for the sender is bounded by the test's own time limit.
      if (milliseconds === neverMs) return () => {}
      let isCancelled = false
      this.waits.push(milliseconds)
      const elapse = () => {
        if (isCancelled) return
        now += milliseconds
        run()
      }
      if (this.holds) held.push(elapse)
      else setImmediate(elapse)
      return () => {
        isCancelled = true
      }
    },
    advance(milliseconds) {
      now += milliseconds
    },
    go() {
      this.holds = false
      const all = held
      held = []
      for (const elapse of all) elapse()
    },
  }
}

const neverMs = 1e9

async function allSettled(): Promise<void> {
  expect(await sender!.drained(journal.lastSequence, neverMs)).toBe(true)
}

/** Until something outside of the test's hands has happened; the test's own time limit ends it. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}

async function letters(): Promise<
  { sequence: number; reason: string; target: string; payload: string; time: string }[]
> {
  const text = await readFile(join(directory, 'dead-letters.jsonl'), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

function accepted(): string[] {
  return server.requests.flatMap(({ lines }) => lines)
}

describe('a sender', () => {
  it('sends what is in the journal in order, and what comes later, and commits it', async () => {
    await append('a1\na2', 'b1')
    start()
    await allSettled()
    expect(accepted()).toEqual(['a1', 'a2', 'b1'])
    await append('c1')
    await allSettled()
    expect(accepted()).toEqual(['a1', 'a2', 'b1', 'c1'])
    expect(journal.committedSequence).toBe(3)
    expect(sender!.statistics()).toMatchObject({
      settledSequence: 3,
      sentLines: 4,
      retries: 0,
      held: null,
      failing: null,
    })
  })

  it('keeps to the limits of lines and bytes, and commits a record with its last line only', async () => {
    const lines = Array.from({ length: 25 }, (_, i) => `line-${i}`)
    const committed: number[] = []
    await append(lines.slice(0, 12).join('\n'), lines.slice(12).join('\n'))
    start({
      limits: { maximumLines: 10, maximumBytes: 1_000 },
      beforeCommit: async (through) => void committed.push(through),
    })
    await allSettled()
    expect(server.requests.map((request) => request.lines.length)).toEqual([10, 10, 5])
    expect(accepted()).toEqual(lines)
    expect(committed).toEqual([1, 2])

    await sender!.close()
    server.requests.length = 0
    await append(lines.join('\n'))
    start({ limits: { maximumLines: 5_000, maximumBytes: 40 } })
    await allSettled()
    expect(accepted()).toEqual(lines)
    for (const request of server.requests) expect(request.lines.join('\n').length + 1).toBeLessThanOrEqual(40)
  })

  it('sends a line that alone is above the limit', async () => {
    await append('short', 'x'.repeat(100), 'short too')
    start({ limits: { maximumLines: 10, maximumBytes: 50 } })
    await allSettled()
    expect(accepted()).toEqual(['short', 'x'.repeat(100), 'short too'])
  })

  it('keeps targets apart, each in its order', async () => {
    await append('raw:1\nwindows:1\nraw:2', 'windows:2\nraw:3')
    start()
    await allSettled()
    expect(server.requests).toEqual([
      { target: 'raw', lines: ['1', '2', '3'] },
      { target: 'windows', lines: ['1', '2'] },
    ])
  })

  it('never has two requests under way', async () => {
    let underWay = 0
    let most = 0
    await append(...Array.from({ length: 40 }, (_, i) => `line-${i}`))
    start({
      destination: {
        ...httpDestination(server.url, { maximumLines: 3, maximumBytes: 1_000 }),
        async send() {
          most = Math.max(most, ++underWay)
          await new Promise((resolve) => setImmediate(resolve))
          underWay--
          return { kind: 'accepted' }
        },
      },
    })
    await allSettled()
    expect(most).toBe(1)
  })

  it('passes over records that become no lines, and sequences that have no record', async () => {
    await append('', 'a', '')
    start()
    await allSettled()
    expect(accepted()).toEqual(['a'])
    expect(journal.committedSequence).toBe(3)
    await sender!.close()
    await journal.close()
    await rm(join(directory, 'journal'), { recursive: true })
    journal = await openJournal({ directory: join(directory, 'journal'), clock, log: () => {}, sequenceFloor: 50 })
    start()
    await allSettled()
    expect(sender!.statistics().settledSequence).toBe(50)
  })

  it('goes on where it stood when it was closed in the middle of a trouble', async () => {
    await append('a', 'b')
    server.otherwise = () => ({ status: 503 })
    clock.holds = true
    start()
    await until(() => clock.waits.length > 0)
    await sender!.close()
    expect(await sender!.drained(1, neverMs)).toBe(false)
    expect(journal.committedSequence).toBe(0)
    await journal.close()

    server.requests.length = 0
    server.otherwise = () => ({ status: 204 })
    clock.holds = false
    journal = await openHere()
    start()
    await allSettled()
    expect(accepted()).toEqual(['a', 'b'])
  })

  it('says no when the time to wait for it is over', async () => {
    await append('a')
    server.otherwise = () => ({ status: 503 })
    clock.holds = true
    start()
    await until(() => clock.waits.length > 0)
    const drained = sender!.drained(1, 2_000)
    expect(clock.waits).toContain(2_000)
    server.otherwise = () => ({ status: 204 })
    server.script.push({ status: 503 })
    clock.go()
    expect(await drained).toBe(false)
    await allSettled()
  })
})

describe('a sender that meets trouble', () => {
  const passing: readonly (readonly [string, Answer])[] = [
    ['500', { status: 500 }],
    ['503', { status: 503 }],
    ['429', { status: 429 }],
    ['a reset', 'reset'],
    ['silence', 'silence'],
  ]
  it.each(passing)('sends the same batch again after %s', async (_, answer) => {
    await append('a\nb')
    server.script.push(answer, answer)
    // Long enough for a busy machine where an answer comes, and not waited for where none does.
    const timeoutMs = answer === 'silence' ? 1_000 : 20_000
    start({ destination: httpDestination(server.url, generous, timeoutMs) })
    await allSettled()
    expect(server.requests.map(({ lines }) => lines)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ])
    expect(clock.waits).toEqual([250, 500])
    expect(sender!.statistics()).toMatchObject({ retries: 2, deadLetters: 0, failing: null, failingSinceMs: null })
    expect(log).toHaveLength(2)
    expect(log[1]).toBe('sender: sending again')
  })

  it('waits longer each time, up to half a minute, with jitter, and tells it once a minute', async () => {
    await append('a')
    server.script.push(...Array.from({ length: 12 }, (): Answer => ({ status: 500, body: 'no' })))
    start({ random: () => 0.5 })
    await allSettled()
    const full = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000]
    expect(clock.waits).toEqual(full.map((wait) => wait * 0.75))
    // At once, and 69 s later: the first failure that is a minute or more behind it.
    expect(log.filter((line) => line.includes('500 no'))).toHaveLength(2)
    // It begins anew after a success.
    server.script.push({ status: 500 })
    await append('b')
    await allSettled()
    expect(clock.waits.at(-1)).toBe(250 * 0.75)
  })

  it('waits as long as it is asked to, within reason', async () => {
    await append('a')
    server.script.push(
      { status: 429, headers: { 'Retry-After': '7' } },
      { status: 503, headers: { 'Retry-After': '86400' } },
    )
    start()
    await allSettled()
    expect(clock.waits).toEqual([7_000, 300_000])
  })

  it.each([401, 403, 404])('holds everything after %s, and says so until it is put right', async (status) => {
    await append('a')
    server.otherwise = () => ({ status, body: 'no such thing' })
    start()
    await until(() => clock.waits.length >= 12)
    expect(sender!.statistics()).toMatchObject({ held: `${status} no such thing`, deadLetters: 0, settledSequence: 0 })
    expect(Math.max(...clock.waits)).toBe(30_000)
    const shouts = log.filter((line) => line.includes('HELD'))
    expect(shouts.length).toBeGreaterThan(1)
    expect(shouts.length).toBeLessThan(clock.waits.length / 1.5)
    server.otherwise = () => ({ status: 204 })
    await allSettled()
    expect(sender!.statistics()).toMatchObject({ held: null, failing: null, settledSequence: 1 })
  })

  it('splits what is too large, and goes on with smaller batches', async () => {
    const lines = Array.from({ length: 64 }, (_, i) => `${i} ${'x'.repeat(996)}`)
    await append(lines.join('\n'), lines.join('\n'))
    server.otherwise = (sent) => ({ status: sent.join('\n').length > 20_000 ? 413 : 204 })
    start({ limits: { maximumLines: 64, maximumBytes: 100_000 } })
    await allSettled()
    const taken = server.requests.filter((request) => request.lines.join('\n').length <= 20_000)
    expect(taken.flatMap((request) => request.lines)).toEqual([...lines, ...lines])
    expect(sender!.statistics().deadLetters).toBe(0)
    // After the first lesson, batches are made smaller from the start.
    expect(server.requests.length - taken.length).toBeLessThan(8)
  })

  it('makes a dead letter of one line that alone is too large', async () => {
    await append('a\nhuge\nb')
    server.otherwise = (sent) => ({ status: sent.includes('huge') ? 413 : 204 })
    start()
    await allSettled()
    expect((await letters()).map(({ payload }) => payload)).toEqual(['huge'])
    expect(accepted().filter((line) => line === 'b').length).toBeGreaterThan(0)
  })

  it('keeps refused lines that are named, and does not send the others again', async () => {
    await append('a\nbad 1\nb', 'c\nbad 2')
    server.script.push({ status: 400, body: [1, 4] })
    start()
    await allSettled()
    expect(server.requests).toHaveLength(1)
    expect(await letters()).toEqual([
      { time: '2026-11-01T00:00:00.000Z', sequence: 1, reason: 'line 1', target: 'raw', payload: 'bad 1' },
      { time: '2026-11-01T00:00:00.000Z', sequence: 2, reason: 'line 4', target: 'raw', payload: 'bad 2' },
    ])
    expect(sender!.statistics()).toMatchObject({ deadLetters: 2, sentLines: 3, settledSequence: 2 })
    expect(log.some((line) => line.includes('refused for good'))).toBe(true)
  })

  it('finds refused lines that are not named, whichever they are', { timeout: 60_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), fc.nat(3), async (isBad, troubles) => {
        const lines = isBad.map((bad, i) => `${bad ? 'bad' : 'good'}-${i}`)
        const stored = new Set<string>()
        server.script.push(...Array.from({ length: troubles }, (): Answer => ({ status: 503 })))
        server.otherwise = (sent) => {
          if (sent.some((line) => line.startsWith('bad'))) return { status: 400, body: 'unable to parse' }
          for (const line of sent) stored.add(line)
          return { status: 204 }
        }
        const before = (await letters()).length
        await append(lines.slice(0, 7).join('\n'), lines.slice(7).join('\n'))
        if (sender === undefined) start({ limits: { maximumLines: 16, maximumBytes: 10_000 } })
        await allSettled()
        expect([...stored].sort()).toEqual(lines.filter((line) => line.startsWith('good')).sort())
        const dead = (await letters()).slice(before).map(({ payload }) => payload)
        expect(dead).toEqual(lines.filter((line) => line.startsWith('bad')))
      }),
      { numRuns: 30 },
    )
  })

  it('filled the log with a line for every small batch that was refused', async () => {
    server.otherwise = () => ({ status: 400, body: 'too old' })
    start()
    const refuse = async (records: number) => {
      for (let i = 0; i < records; i++) {
        await append('bad')
        await allSettled()
      }
    }
    const told = () => log.filter((line) => line.includes('refused for good'))
    await refuse(20)
    expect(told()).toEqual([expect.stringMatching(/a line of record 1 \(.*\); see dead-letters\.jsonl$/)])
    clock.advance(60_000)
    await refuse(1)
    expect(told().slice(1)).toEqual([expect.stringMatching(/a line of record 21 \(.*\) and 19 more; see dead-letters/)])
    expect(sender!.statistics().deadLetters).toBe(21)
    expect(await letters()).toHaveLength(21)
  })

  it('puts a record that cannot be encoded among the dead letters, and goes on', async () => {
    await append('a', 'b\nthrow', 'c')
    start()
    await allSettled()
    expect(accepted()).toEqual(['a', 'b', 'c'])
    expect(await letters()).toMatchObject([
      { sequence: 2, reason: 'cannot be encoded: cannot be read', payload: Buffer.from('b\nthrow').toString('base64') },
    ])
  })

  it('does not pass over a refused line before its dead letter is on disk', async () => {
    await append('bad')
    server.otherwise = () => ({ status: 400 })
    let fails = true
    start({
      deadLetters: {
        ...deadLetters,
        async append(all) {
          if (fails) throw new Error('no space')
          return deadLetters.append(all)
        },
      },
    })
    await until(() => clock.waits.length >= 3)
    expect(sender!.statistics()).toMatchObject({ settledSequence: 0, failing: 'cannot write dead letters: no space' })
    fails = false
    await allSettled()
    expect(await letters()).toHaveLength(1)
  })

  it('commits nothing before its owner agreed', async () => {
    await append('a')
    let refusals = 3
    start({
      async beforeCommit() {
        if (refusals-- > 0) throw new Error('the index is not written yet')
      },
    })
    await allSettled()
    expect(clock.waits).toHaveLength(3)
    expect(server.requests).toHaveLength(1)
    expect(journal.committedSequence).toBe(1)
  })
})
