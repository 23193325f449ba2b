import { appendFile, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDeadLetters, type DeadLetter } from '../../src/journal/dead-letters.ts'

describe('dead letters', () => {
  let directory: string
  const now = () => Date.UTC(2026, 10, 1)
  const letter = (sequence: number, length = 10): DeadLetter => ({
    sequence,
    reason: 'field type conflict',
    target: 'raw',
    payload: 'x'.repeat(length),
  })
  const sequencesIn = async (name: string): Promise<unknown[]> =>
    (await readFile(join(directory, name), 'utf8'))
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        try {
          return (JSON.parse(line) as DeadLetter).sequence
        } catch {
          return 'broken'
        }
      })

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'driftline-letters-'))
  })
  afterEach(() => rm(directory, { recursive: true }))

  it('are kept as one line each, in order, over restarts and behind a line that was cut off', async () => {
    const first = await openDeadLetters({ directory, now })
    await Promise.all([first.append([letter(1), letter(2)]), first.append([letter(3)])])
    await first.append([])
    expect(first.statistics().letters).toBe(3)
    await first.close()
    await appendFile(join(directory, 'dead-letters.jsonl'), '{"time":"20')
    const second = await openDeadLetters({ directory, now })
    await second.append([letter(4)])
    await second.close()
    expect(await sequencesIn('dead-letters.jsonl')).toEqual([1, 2, 3, 'broken', 4])
  })

  it('stay below their limit: the older half is kept beside, then overwritten and counted', async () => {
    const dead = await openDeadLetters({ directory, now, maximumBytes: 4_000 })
    for (let i = 1; i <= 40; i++) await dead.append([letter(i, 200)])
    const { bytes, discardedFiles, letters } = dead.statistics()
    await dead.close()
    expect(letters).toBe(40)
    expect(discardedFiles).toBeGreaterThan(1)
    expect(bytes).toBeLessThanOrEqual(4_000)
    expect((await readdir(directory)).sort()).toEqual(['dead-letters.1.jsonl', 'dead-letters.jsonl'])
    const kept = [...(await sequencesIn('dead-letters.1.jsonl')), ...(await sequencesIn('dead-letters.jsonl'))]
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => 40 - kept.length + 1 + i))
    const again = await openDeadLetters({ directory, now, maximumBytes: 4_000 })
    expect(again.statistics().bytes).toBe(bytes)
    await again.close()
  })

  it('cut a payload that is beyond reason', async () => {
    const dead = await openDeadLetters({ directory, now })
    await dead.append([letter(1, 1_000_000)])
    await dead.close()
    const text = await readFile(join(directory, 'dead-letters.jsonl'), 'utf8')
    expect(text.length).toBeLessThan(300_000)
    expect((JSON.parse(text) as DeadLetter).payload.endsWith('(1000000 characters)')).toBe(true)
  })
})
