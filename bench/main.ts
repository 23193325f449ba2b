import { readdirSync } from 'node:fs'
import { availableParallelism, cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { reaches, type BenchResult } from './result.ts'

/** `npm run bench -- <name> [--json]`: runs bench/<name>.bench.ts, which exports `run(): Promise<BenchResult[]>`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})
const names = readdirSync(new URL('.', import.meta.url))
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => file.slice(0, -'.bench.ts'.length))
const name = positionals[0]
if (name === undefined || !names.includes(name)) {
  process.stderr.write(`usage: npm run bench -- <name> [--json], name being one of: ${names.join(', ')}\n`)
  process.exit(2)
}
const { run } = (await import(`./${name}.bench.ts`)) as { run: () => Promise<BenchResult[]> }
const results = (await run()).map((result) => ({
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
