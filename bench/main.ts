import { readdirSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { reaches, type BenchOptions, type BenchResult } from './result.ts'

/**
 * `npm run bench -- <name> [--json]`: runs bench/<name>.bench.ts, which exports `run(flags): Promise<BenchResult[]>` and, if it
 * has flags of its own, `options`.
 */
const given = process.argv.slice(2)
const name = given.find((argument) => !argument.startsWith('-'))
const args = given.filter((argument) => argument !== name)
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- <name> [--json], name being one of: ${names.join(', ')}\n`)
  process.exit(2)
}
const { run, options } = (await import(`./${name}.bench.ts`)) as {
  readonly run: (flags: Readonly<Record<string, unknown>>) => Promise<BenchResult[]>
  readonly options?: BenchOptions
}
const { values } = parseArgs({ args, options: { ...options, json: { type: 'boolean', default: false } } })
const results = (await run(values)).map((result) => ({
  ...result,
  value: Number(result.value.toPrecision(4)),
  reached: result.goal === undefined ? null : reaches(result.value, result.goal),
}))
const machine = `${cpus()[0]?.model.trim() ?? 'unknown'}, ${availableParallelism()} cores, Node ${process.versions.node}`
if (values.json) {
  process.stdout.write(`${JSON.stringify({ bench: name, machine, results })}\n`)
} else {
  process.stdout.write(`${name} on ${machine}\n`)
  for (const { name, value, unit, goal, reached } of results) {
    const verdict = reached === null ? '' : `${goal}  ${reached ? 'reached' : 'MISSED'}`
    process.stdout.write(`  ${name.padEnd(52)} ${String(value).padStart(10)} ${unit.padEnd(14)} ${verdict}\n`)
  }
}
