import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { features, uniformBaseline } from './fixtures/uniform-baseline.ts'
import { LoadGenerator } from './overhead/load.ts'
import type { SessionFigures, SessionTask } from './overhead/session.ts'
import { type BenchOptions, type BenchResult } from './result.ts'

/** What zero-code instrumentation costs a process that it watches. Each pair of variants is measured side by side, in turns. */

/** Pairs of slices under load, and how long each slice is. */
const loadPairs = 16
const sliceMillis = 1500
/** Connections that wait for their answers at one time: enough that the server is never idle. */
const connections = 16
/** Requests differ, or the branch predictor would know the features by heart. */
const differentBodies = 512

export const options: BenchOptions = {
  /** Only what does not need a server. */
  sessions: { type: 'boolean', default: false },
  /** Only what does. */
  servers: { type: 'boolean', default: false },
  pairs: { type: 'string', default: String(loadPairs) },
}

const instrumentation = fileURLToPath(new URL('../instrumentation/', import.meta.url))
const register = '@driftline/instrumentation/register'
const otelRegister = '@opentelemetry/auto-instrumentations-node/register'

export async function run(flags: Readonly<Record<string, unknown>>): Promise<BenchResult[]> {
  const sink = createServer((request, response) => {
    // Takes metrics, and has no baseline for those who ask.
    const status = request.method === 'POST' ? 200 : 404
    request.resume().on('end', () => response.writeHead(status, { 'content-type': 'application/x-protobuf' }).end())
  })
  sink.listen(0, '127.0.0.1')
  await once(sink, 'listening')
  const environment = {
    ...process.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(sink.address() as AddressInfo).port}`,
    OTEL_SERVICE_NAME: 'bench',
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
  }
  const pairs = Number(flags['pairs'])
  const directory = mkdtempSync(join(tmpdir(), 'driftline-overhead-'))
  try {
    const results: BenchResult[] = []
    if (flags['servers'] !== true) results.push(...(await sessions(environment, directory)))
    if (flags['sessions'] !== true) {
      results.push(...(await servers('Express + ONNX at full load', [], environment, pairs)))
      results.push(...(await servers('the same beside OpenTelemetry', [otelRegister], environment, pairs)))
    }
    return results
  } finally {
    rmSync(directory, { recursive: true })
    sink.closeAllConnections()
    sink.close()
  }
}

type Environment = Readonly<Record<string, string | undefined>>

async function sessions(environment: Environment, directory: string): Promise<BenchResult[]> {
  const single: SessionTask = { batchRows: 1, turns: 600, callsPerTurn: 100, memoryCalls: 0 }
  const batch: SessionTask = { batchRows: 32, turns: 600, callsPerTurn: 50, memoryCalls: 0 }
  const configured = { ...environment, DRIFTLINE_INSTRUMENT: writeConfig(directory) }
  const one = await session({ ...single, memoryCalls: 1_000_000 }, configured)
  const many = await session(batch, configured)
  const oneLearning = await session(single, environment)
  const manyLearning = await session(batch, environment)
  return [
    { name: 'ONNX model 30-16-2, one row a call', value: lowerQuartile(one.plainMicros), unit: 'µs/call' },
    { name: 'the same, patched : not', value: ratio(one), unit: 'ratio', goal: '<= 1.1' },
    { name: 'the same while a baseline is learned', value: ratio(oneLearning), unit: 'ratio', goal: '<= 1.1' },
    { name: '32 rows a call', value: lowerQuartile(many.plainMicros), unit: 'µs/call' },
    { name: 'the same, patched : not', value: ratio(many), unit: 'ratio', goal: '<= 2' },
    { name: 'the same while a baseline is learned', value: ratio(manyLearning), unit: 'ratio', goal: '<= 2' },
    {
      name: 'heap growth from 100,000 to 1,000,000 calls',
      value: Math.max(one.growth, 0) / 2 ** 20,
      unit: 'MB',
      goal: '<= 1',
    },
  ]
}

async function session(task: SessionTask, environment: Environment): Promise<SessionFigures> {
  const child = start('overhead/session.ts', [JSON.stringify(task)], ['--expose-gc'], environment)
  return (await firstMessage(child)) as SessionFigures
}

/**
 * Of the times that a quarter of the turns stayed below: other work on the machine only ever adds to them, and more to the longer variant.
 * Turns are short, so that many are left alone by it.
 */
function ratio({ plainMicros, patchedMicros }: SessionFigures): number {
  return lowerQuartile(patchedMicros) / lowerQuartile(plainMicros)
}

/** The baseline of the model: its cells and names, and what its answers mean. */
function writeConfig(directory: string): string {
  writeFileSync(join(directory, 'baseline.json'), JSON.stringify(uniformBaseline()))
  const config = {
    schema: 'driftline.instrument/1',
    models: [{ match: { file: 'mlp-30-16-2.onnx' }, baseline: 'baseline.json' }],
  }
  const file = join(directory, 'driftline.instrument.json')
  writeFileSync(file, JSON.stringify(config))
  return file
}

/** Two servers side by side, one of them watched; the load goes to one after the other. */
async function servers(
  name: string,
  preloads: readonly string[],
  environment: Environment,
  pairs: number,
): Promise<BenchResult[]> {
  const imports = (modules: readonly string[]): string[] => modules.flatMap((module) => ['--import', module])
  const children = [imports(preloads), imports([...preloads, register])].map((flags) =>
    start('overhead/server.ts', [], flags, environment),
  )
  try {
    const bodies = Array.from({ length: differentBodies }, () =>
      JSON.stringify({ features: Array.from({ length: features }, () => Math.random()) }),
    )
    const ports = await Promise.all(children.map((child) => firstMessage(child)))
    const [plain, watched] = (await Promise.all(
      ports.map((port) => LoadGenerator.open(port as number, connections, bodies)),
    )) as [LoadGenerator, LoadGenerator]
    await plain.run(2 * sliceMillis)
    await watched.run(2 * sliceMillis)
    const throughput: number[] = []
    const latency: number[] = []
    const absolute: number[] = []
    const processor: number[] = []
    const processes = new Map([
      [plain, children[0]!],
      [watched, children[1]!],
    ])
    for (let pair = 0; pair < pairs; pair++) {
      const order = pair % 2 === 0 ? [plain, watched] : [watched, plain]
      const found = new Map<LoadGenerator, { requestsPerSecond: number; p99Millis: number; cpu: number }>()
      for (const generator of order) {
        const before = cpuTicks(processes.get(generator)!)
        const start = performance.now()
        const figures = await generator.run(sliceMillis)
        const requests = (figures.requestsPerSecond * (performance.now() - start)) / 1000
        found.set(generator, { ...figures, cpu: (cpuTicks(processes.get(generator)!) - before) / requests })
      }
      const [without, with_] = [found.get(plain)!, found.get(watched)!]
      absolute.push(without.requestsPerSecond)
      throughput.push(100 * (1 - with_.requestsPerSecond / without.requestsPerSecond))
      latency.push(100 * (with_.p99Millis / without.p99Millis - 1))
      processor.push(100 * (with_.cpu / without.cpu - 1))
    }
    plain.close()
    watched.close()
    return [
      { name, value: median(absolute), unit: 'requests/s' },
      // What other work on the machine does to it, it does to both alike.
      { name: 'more processor time a request', value: median(processor), unit: '%' },
      { name: 'fewer requests a second', value: median(throughput), unit: '%', goal: '<= 3' },
      { name: 'longer p99', value: median(latency), unit: '%', goal: '<= 5' },
    ]
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

/** Processor time of a process so far, in the system's clock ticks. */
function cpuTicks({ pid }: ChildProcess): number {
  // After the name, which may hold anything: state, then 10 fields, then user and system time.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}

function start(file: string, args: string[], flags: readonly string[], environment: Environment): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    // Where the packages are that `--import` names.
    cwd: instrumentation,
    env: environment,
    execArgv: ['-C', '@driftline/source', ...flags],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
}

async function firstMessage(child: ChildProcess): Promise<unknown> {
  const exited = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the process ended with ${String(code ?? signal)}`)
  })
  const [message] = (await Promise.race([once(child, 'message'), exited])) as [unknown]
  exited.catch(() => undefined)
  return message
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

function lowerQuartile(values: readonly number[]): number {
  return quantile(values, 0.25)
}

function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!
}
