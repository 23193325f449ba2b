import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { documentOf } from './detection/document.ts'
import { plans, type Plan } from './detection/plan.ts'
import { plotDelays } from './detection/plot.ts'
import { resultsOf } from './detection/results.ts'
import { simulate } from './detection/simulate.ts'
import { createWorkerPool } from './detection/worker-pool.ts'
import type { BenchOptions, BenchResult } from './result.ts'

/** Flags of this benchmark. */
export const options = {
  /** A look at everything within a minute; its figures are too few for a verdict. */
  quick: { type: 'boolean', default: false },
  /** As many repetitions as STATISTICS.md rests on, in about half an hour of processor time. */
  full: { type: 'boolean', default: false },
  /** Any text; figures depend on it and on the plan alone. */
  seed: { type: 'string', default: 'driftline' },
  /** Writes docs/detection.md and docs/detection.svg. */
  'write-docs': { type: 'boolean', default: false },
} as const satisfies BenchOptions

/** Realised false alarms and detection delay of the collector's detector, and of other tools' rules on the same data. */
export async function run(flags: Readonly<Record<string, unknown>> = {}): Promise<BenchResult[]> {
  const plan = planOf(flags)
  const seed = typeof flags['seed'] === 'string' ? flags['seed'] : options.seed.default
  const pool = createWorkerPool()
  try {
    const simulated = await simulate(plan, seed, pool)
    if (flags['write-docs'] === true) {
      const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
        readonly version: string
      }
      const date = new Date().toISOString().slice(0, 10)
      const machine = `${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${availableParallelism()} cores, Node ${process.versions.node}`
      const docs = new URL('../docs/', import.meta.url)
      await writeFile(new URL('detection.md', docs), documentOf(simulated, { plan, seed, date, version, machine }))
      const caption = `One of 30 features changes; median of ${plan.repetitions} repetitions. Other rules have the best possible threshold at our false-alarm rate.`
      await writeFile(new URL('detection.svg', docs), plotDelays(simulated.detection, caption))
    }
    return resultsOf(simulated)
  } finally {
    await pool.close()
  }
}

function planOf(flags: Readonly<Record<string, unknown>>): Plan {
  if (flags['full'] === true) return plans.full
  return flags['quick'] === true ? plans.quick : plans.default
}
