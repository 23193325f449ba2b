import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createLearner } from '../../src/learn/learner.ts'
import { makeShape, type Block } from '../../src/observation/block.ts'
import { openSqliteStore } from '../../src/store/sqlite/sqlite-store.ts'
import { manualClock } from '../support/manual-clock.ts'
import { sampleScope, sum } from '../store/sample-data.ts'

const startMs = 1_800_000_000_000

it('learned nothing of any model behind one that had a feature without a name', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'driftline-learner-'))
  const store = await openSqliteStore({ directory })
  try {
    const names = ['bad', 'good-1', 'good-2']
    // As the receiver once took it; the store may still hold it. The newest data comes first in the list.
    await store.append(names.map((model, i) => rowsOf(model, model === 'bad' ? '' : 'job', 600_000 - i * 60_000)))
    expect((await store.modelVersions())[0]!.model).toBe('bad')
    const log: string[] = []
    const frozen: string[] = []
    const clock = manualClock(startMs + 3_600_000)
    const settings = { rows: 1_000, hours: 24, minimumRows: 500 }
    const onFrozen = (model: string) => frozen.push(model)
    const learner = createLearner({ store, clock, settings, onFrozen, log: (line) => log.push(line) })
    await learner.tick()
    await learner.tick()
    expect(frozen.sort()).toEqual(['good-1', 'good-2'])
    const failures = log.filter((line) => line.includes('failed'))
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/^learning bad 1 failed and will be tried again: .*name/s)
  } finally {
    await store.close()
    rmSync(directory, { recursive: true })
  }
})

function rowsOf(model: string, feature: string, atMs: number): Block {
  const shape = makeShape([sum(feature, 'a'), sum(feature, 'b')])
  const startMicros = (startMs + atMs) * 1000
  return {
    scope: sampleScope({ model, baselineDigest: '', manifestDigest: '' }),
    startMicros,
    endMicros: startMicros + 10_000_000,
    shape,
    values: Float64Array.of(1_000, 1_000),
  }
}
