import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CaptureServer } from '../capture-server.ts'

/** The package's folder: programs are run from below it, so that they find their libraries. */
const packageFolder = fileURLToPath(new URL('../..', import.meta.url))

export const sourceCondition: readonly string[] = ['-C', '@driftline/source']
export const registerFlag: readonly string[] = ['--import', '@driftline/instrumentation/register']

export const modelFile: string = fileURLToPath(new URL('../../../examples/employment/model.onnx', import.meta.url))

export interface RunOptions {
  readonly node?: string
  readonly flags?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly arguments?: readonly string[]
  readonly directory?: string
}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
  readonly errors: string
}

/** Programs in a folder of their own, and the receiver that their metrics go to. */
export class Bench {
  readonly receiver: CaptureServer
  readonly directory: string

  private constructor(receiver: CaptureServer, directory: string) {
    this.receiver = receiver
    this.directory = directory
  }

  /** @param parent folder whose packages the programs use; default: this package */
  static async start(parent: string = packageFolder): Promise<Bench> {
    return new Bench(await CaptureServer.start(), mkdtempSync(join(parent, '.register-test-')))
  }

  async stop(): Promise<void> {
    await this.receiver.stop()
    rmSync(this.directory, { recursive: true })
  }

  write(name: string, text: string): string {
    const file = join(this.directory, name)
    writeFileSync(file, text)
    return file
  }

  /** Starts a program under `--import`; call `ended` for its end. */
  start(file: string, options: RunOptions = {}): RunningProgram {
    const { flags = [...sourceCondition, ...registerFlag], node = process.execPath } = options
    return new RunningProgram(node, [...flags, file, ...(options.arguments ?? [])], {
      cwd: options.directory ?? dirname(file),
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: this.receiver.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        // The receiver here takes metrics only.
        DRIFTLINE_COLLECTOR_URL: 'false',
        ...options.environment,
      },
    })
  }

  run(file: string, options: RunOptions = {}): Promise<Ended> {
    return this.start(file, options).ended
  }

  /** What arrived, by stream. */
  get streams(): readonly Stream[] {
    return readStreams(
      this.receiver.requests.filter(({ path }) => path.startsWith('/v1/metrics')).map(({ body }) => body),
    )
  }
}

class RunningProgram {
  readonly ended: Promise<Ended>
  readonly #child
  #output = ''
  #errors = ''
  #wake: (() => void)[] = []

  constructor(
    node: string,
    given: readonly string[],
    { cwd, environment }: { cwd: string; environment: Readonly<Record<string, string>> },
  ) {
    const inherited = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !/^(OTEL|DRIFTLINE|NODE_OPTIONS|VITEST)/.test(name)),
    )
    const child = spawn(node, given, { cwd, env: { ...inherited, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    child.stdout.on('data', (text: Buffer) => this.#hear('output', text))
    child.stderr.on('data', (text: Buffer) => this.#hear('errors', text))
    this.ended = once(child, 'close').then(([code, signal]) => {
      for (const wake of this.#wake.splice(0)) wake()
      return { code, signal, output: this.#output, errors: this.#errors }
    })
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Resolves with the match once standard output, or standard error, has one; rejects when the program ends before. */
  async said(pattern: RegExp, stream: 'output' | 'errors' = 'output'): Promise<RegExpMatchArray> {
    for (;;) {
      const match = (stream === 'output' ? this.#output : this.#errors).match(pattern)
      if (match !== null) return match
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`ended without saying ${String(pattern)}:\n${this.#output}\n${this.#errors}`)
      await new Promise<void>((resolve) => this.#wake.push(resolve))
    }
  }

  #hear(stream: 'output' | 'errors', text: Buffer): void {
    if (stream === 'output') this.#output += text.toString()
    else this.#errors += text.toString()
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** What one instance sent of one model. */
export interface Stream {
  readonly service: string
  readonly instance: string
  readonly resource: Readonly<Record<string, unknown>>
  readonly model: string
  readonly version: string
  /** Values counted, by feature. */
  readonly features: Readonly<Record<string, number>>
  /** Predictions by class. */
  readonly classes: Readonly<Record<string, number>>
  readonly scores: number
  readonly durations: number
  readonly runtimes: readonly string[]
  /** Dropped rows by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

interface Point {
  readonly attributes?: readonly KeyValue[]
  readonly count?: number | string
  readonly asInt?: number | string
  readonly asDouble?: number
}
interface KeyValue {
  readonly key: string
  readonly value: Readonly<Record<string, unknown>>
}
interface Metric {
  readonly name: string
  readonly [kind: string]: unknown
}

function readStreams(bodies: readonly Buffer[]): readonly Stream[] {
  const streams = new Map<string, Stream>()
  for (const body of bodies) {
    const { resourceMetrics } = JSON.parse(body.toString()) as {
      resourceMetrics: {
        resource: { attributes: KeyValue[] }
        scopeMetrics: { scope: { attributes?: KeyValue[] }; metrics: Metric[] }[]
      }[]
    }
    for (const { resource, scopeMetrics } of resourceMetrics) {
      const about = attributesOf(resource.attributes)
      for (const { scope, metrics } of scopeMetrics) {
        const { 'ml.model.name': model, 'ml.model.version': version } = attributesOf(scope.attributes)
        if (model === undefined) continue
        const instance = String(about['service.instance.id'])
        const key = [about['service.name'], instance, model, version].join(' ')
        const stream = streams.get(key) ?? {
          service: String(about['service.name']),
          instance,
          resource: about,
          model: model as string,
          version: version as string,
          features: {},
          classes: {},
          scores: 0,
          durations: 0,
          runtimes: [],
          dropped: {},
        }
        streams.set(key, stream)
        for (const metric of metrics) addMetric(stream, metric)
      }
    }
  }
  return [...streams.values()]
}

function addMetric(stream: Stream, { name, ...kinds }: Metric): void {
  const mutable = stream as { -readonly [Key in keyof Stream]: Stream[Key] } & {
    features: Record<string, number>
    classes: Record<string, number>
    dropped: Record<string, number>
    runtimes: string[]
  }
  const points = Object.values(kinds).flatMap((kind) => (kind as { dataPoints?: Point[] }).dataPoints ?? [])
  for (const point of points) {
    const about = attributesOf(point.attributes)
    const count = Number(point.count ?? point.asInt ?? point.asDouble ?? 0)
    const add = (counts: Record<string, number>, key: string): void => {
      counts[key] = (counts[key] ?? 0) + count
    }
    if (name === 'ml.feature.value' || name === 'ml.feature.observations')
      add(mutable.features, String(about['ml.feature.name']))
    else if (name === 'ml.predictions') add(mutable.classes, String(about['ml.prediction.class']))
    else if (name === 'ml.prediction.score') mutable.scores += count
    else if (name === 'ml.monitor.dropped_rows') add(mutable.dropped, String(about['ml.monitor.drop.reason']))
    else if (name === 'ml.inference.duration') {
      mutable.durations += count
      const runtime = String(about['ml.runtime.name'])
      if (!mutable.runtimes.includes(runtime)) mutable.runtimes.push(runtime)
    }
  }
}

function attributesOf(attributes: readonly KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
}
