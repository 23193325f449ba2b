import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBacktest } from '../collector/src/backtest/backtest.ts'
import { buildBaseline } from '../collector/src/baseline/build-baseline.ts'
import { columnsOf, createWindowAccumulator } from '../collector/src/baseline/window-accumulator.ts'
import { systemClock } from '../collector/src/clock.ts'
import { compileModel } from '../collector/src/evaluate/compile-model.ts'
import { evaluateSlice } from '../collector/src/evaluate/evaluate-slice.ts'
import { defaultRules } from '../collector/src/rules/default-rules.ts'
import { readRows } from '../collector/src/rows/read-rows.ts'
import type { BenchResult } from './result.ts'

const rows = 1_000_000
const windowRows = 10_000
const numericFeatures = 16
const categoricalFeatures = 4
const baselineRows = 20_000
/** Written over and over: that many different rows are enough for every branch, and writing stays quick. */
const distinctRows = 50_000
const hourMs = 3_600_000

/**
 * A CSV of 1,000,000 rows by 20 features, 100 windows: first its parts, then `createBacktest` as a whole. Reading is what it
 * takes to get columns of text out of the file; numbers are read from their digits when they are counted.
 */
export async function run(): Promise<BenchResult[]> {
  const directory = await mkdtemp(join(tmpdir(), 'driftline-bench-'))
  try {
    const reference = join(directory, 'baseline.csv')
    const data = join(directory, 'data.csv')
    await write(reference, 11, baselineRows, baselineRows)
    await write(data, 12, distinctRows, rows)
    const { baseline, digest } = await buildBaseline({
      file: reference,
      model: { name: 'bench', version: '1' },
      createdAt: '2026-01-01T00:00:00Z',
    })
    if (baseline.features.length !== numericFeatures + categoricalFeatures) throw new Error('a feature was left out')

    const budgetSteps = defaultRules.alarmThreshold
    const model = compileModel({ baseline, baselineDigest: digest, everyMs: hourMs, budgetSteps })
    const accumulator = createWindowAccumulator(baseline)
    let state = model.restore(null)
    const spent = { reading: 0, accumulating: 0, evaluating: 0 }
    let sinceReading = performance.now()
    let counted = 0
    let results = 0
    for await (const batch of readRows(data, { columns: columnsOf(baseline) })) {
      spent.reading += performance.now() - sinceReading
      for (let from = 0; from < batch.rows;) {
        const to = Math.min(batch.rows, from + windowRows - (counted % windowRows))
        const start = performance.now()
        accumulator.add(batch, from, to)
        const middle = performance.now()
        spent.accumulating += middle - start
        counted += to - from
        from = to
        if (counted % windowRows !== 0) continue
        const startMs = (counted / windowRows) * hourMs
        const slice = { startMs, endMs: startMs + hourMs, windowStartMs: startMs }
        const window = new Map([['', accumulator.take()]])
        const about = { model: 'bench', version: '1', slice, revision: 1 }
        const evaluated = evaluateSlice(model, state, { ...about, counts: window, windowCounts: window })
        state = evaluated.state
        results += evaluated.results.length
        spent.evaluating += performance.now() - middle
      }
      sinceReading = performance.now()
    }
    if (counted !== rows || results < (rows / windowRows) * baseline.features.length) throw new Error('rows were lost')

    global.gc?.()
    const memoryBefore = process.memoryUsage.rss()
    const cpuBefore = process.threadCpuUsage()
    const start = performance.now()
    let windows = 0
    let memory = 0
    const backtest = createBacktest({
      file: data,
      baseline,
      rules: defaultRules,
      cut: { kind: 'rows', rows: windowRows },
      slicesPerWindow: 1,
      outputs: {},
      clock: systemClock,
    })
    for await (const window of backtest.windows()) {
      windows += window.results.length > 0 ? 1 : 0
      memory = Math.max(memory, process.memoryUsage.rss() - memoryBefore)
    }
    const whole = performance.now() - start
    const { user, system } = process.threadCpuUsage(cpuBefore)
    if (windows !== rows / windowRows) throw new Error(`${windows} windows, not ${rows / windowRows}`)

    const { reading, accumulating, evaluating } = spent
    return [
      { name: 'accumulating and evaluating', value: (accumulating + evaluating) / 1000, unit: 's', goal: '<= 10' },
      { name: 'of it: accumulating', value: accumulating / 1000, unit: 's' },
      { name: 'of it: evaluating 100 windows', value: evaluating / 1000, unit: 's' },
      { name: 'reading the file', value: reading / 1000, unit: 's' },
      { name: 'the whole backtest, reading included', value: whole / 1000, unit: 's' },
      { name: 'the same on the one processor of its thread', value: (user + system) / 1e6, unit: 's' },
      { name: 'memory the backtest added at most', value: memory / 2 ** 20, unit: 'MiB', goal: '<= 400' },
    ]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}

/** Writes `count` rows: `distinct` ones, over and over. */
async function write(file: string, seed: number, distinct: number, count: number): Promise<void> {
  const random = generator(seed)
  const numeric = Array.from({ length: numericFeatures }, (_, i) => `number_${i}`)
  const categorical = Array.from({ length: categoricalFeatures }, (_, i) => `category_${i}`)
  const lines = Array.from({ length: distinct }, () => {
    const numbers = numeric.map((_, i) => ((normal(random) + i) * 10 ** (i % 4)).toPrecision(6))
    const categories = categorical.map((_, i) => `value-${Math.floor(random() ** 2 * (4 + 6 * i))}`)
    // One cell in a hundred or so is empty, as in most files.
    if (random() < 0.2) numbers[Math.floor(random() * numbers.length)] = ''
    return [...numbers, ...categories].join(',')
  })
  const block = Buffer.from(`${lines.join('\n')}\n`)
  const handle = await open(file, 'w')
  try {
    await handle.writeFile(`${[...numeric, ...categorical].join(',')}\n`)
    for (let written = 0; written < count; written += distinct) await handle.writeFile(block)
  } finally {
    await handle.close()
  }
}

/** A normal value by Box and Muller. */
function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

/** Mulberry32: small, seeded, good enough to fill a file. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
