import { createRequire } from 'node:module'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { createMonitor, type Monitor, type TensorFeatures } from '@driftline/instrumentation'
import { attributes, type Baseline } from '@driftline/instrumentation/contract'
import {
  featureNames as names,
  features,
  uniformBaseline,
  uniformBounds,
  uniformSummary,
} from './fixtures/uniform-baseline.ts'
import type { BenchResult } from './result.ts'

/** What it costs to record: 30 numeric features of 20 buckets, on rows that are new each time. */

/** Components that a row is projected on where its reconstruction error is measured, too. */
const components = 10

/** Rows per batch call. */
const batchRows = 256

/**
 * Rows prepared beforehand: 2,048 rows of 30 random values are far more than a branch predictor remembers, so each pass is as good as
 * new. With a few repeated rows a branchy search would look four times as fast as it is.
 */
const poolRows = 2048

/**
 * Rows that are also prepared as objects. They take 800 bytes each; so many stay in the cache, as a row does that a server has just
 * parsed, and 15,360 values are still too many to be remembered.
 */
const objectRows = 512

/**
 * Variants take turns in so many rounds. Ratios are taken within a round, and their median is reported; of times it is the lower quartile,
 * since other work on the machine only ever adds to them.
 */
const rounds = 60

export async function run(): Promise<BenchResult[]> {
  const pool = Float32Array.from({ length: poolRows * features }, () => Math.random())
  const rows = Array.from({ length: objectRows }, (_, row) =>
    Object.fromEntries(names.map((name, i) => [name, pool[row * features + i]!])),
  )
  const monitor = createMonitor({ baseline: uniformBaseline(), export: false })
  const sdk = sdkHistogram()
  const batches = tensors(pool)
  const batch = () => {
    for (const tensor of batches) monitor.recordBatch(tensor)
  }
  const single = () => {
    for (let pass = 0; pass < poolRows / objectRows; pass++) for (const row of rows) monitor.record(row)
  }
  const throughSdk = () => recordBySdk(sdk, pool)
  const measuring = createMonitor({ baseline: withComponents(uniformBaseline()), export: false })
  const measuredBatch = () => {
    for (const tensor of batches) measuring.recordBatch(tensor)
  }
  const timings = alternate([batch, single, throughSdk, measuredBatch])
  const [perBatchValue, perSingleValue, perSdkValue, perMeasuredValue] = timings as [
    number[],
    number[],
    number[],
    number[],
  ]
  return [
    { name: 'batch', value: lowerQuartile(perBatchValue), unit: 'ns/value', goal: '<= 10' },
    { name: 'single rows, as objects', value: lowerQuartile(perSingleValue), unit: 'ns/value', goal: '<= 20' },
    { name: 'Histogram.record() of the SDK, 3 attributes', value: lowerQuartile(perSdkValue), unit: 'ns/value' },
    {
      name: 'SDK : batch',
      value: median(perSdkValue.map((sdk, i) => sdk / perBatchValue[i]!)),
      unit: 'ratio',
      goal: '>= 40',
    },
    {
      name: `reconstruction error of ${features} features by ${components} components, on top of batch`,
      value: median(perMeasuredValue.map((measured, i) => (measured - perBatchValue[i]!) * features)),
      unit: 'ns/row',
    },
    { name: 'allocated on the batch path', value: allocatedPerRow(batch), unit: 'bytes/row', goal: '<= 1' },
    { name: 'state', value: monitor.statistics().featureBytes / features, unit: 'bytes/feature', goal: '<= 1024' },
    ...(await onnxOverhead(monitor, pool)),
  ]
}

/** Nanoseconds per value of each variant in each round. */
function alternate(variants: readonly (() => void)[]): number[][] {
  const result: number[][] = variants.map(() => [])
  for (let round = -5; round < rounds; round++) {
    variants.forEach((variant, i) => {
      const start = process.hrtime.bigint()
      variant()
      const nanoseconds = Number(process.hrtime.bigint() - start) / (poolRows * features)
      // The first rounds are for the compiler.
      if (round >= 0) result[i]!.push(nanoseconds)
    })
  }
  return result
}

function tensors(pool: Float32Array): TensorFeatures[] {
  return Array.from({ length: poolRows / batchRows }, (_, i) => ({
    data: pool.slice(i * batchRows * features, (i + 1) * batchRows * features),
    rows: batchRows,
  }))
}

function recordBySdk(
  histogram: { record(value: number, attributes: Record<string, string>): void },
  pool: Float32Array,
): void {
  for (let row = 0; row < poolRows; row++) {
    for (let i = 0; i < features; i++) histogram.record(pool[row * features + i]!, sdkAttributes[i]!)
  }
}

const sdkAttributes = names.map((name) => ({
  [attributes.modelName.name]: 'bench',
  [attributes.modelVersion.name]: '1',
  [attributes.featureName.name]: name,
}))

function sdkHistogram(): { record(value: number, attributes: Record<string, string>): void } {
  const provider = new MeterProvider({ readers: [new IdleReader()] })
  const boundaries = uniformBounds()
  return provider.getMeter('bench').createHistogram('values', { advice: { explicitBucketBoundaries: boundaries } })
}

/** Without a reader the SDK does not aggregate at all. */
class IdleReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}

/** Growth of the heap over passes through the pool. Needs --expose-gc. */
function allocatedPerRow(batch: () => void): number {
  const gc = (globalThis as { gc?: () => void }).gc
  if (gc === undefined) throw new Error('run this with --expose-gc, as `npm run bench` does')
  const passes = 40
  const samples = Array.from({ length: 5 }, () => {
    gc()
    const before = process.memoryUsage().heapUsed
    for (let pass = 0; pass < passes; pass++) batch()
    return (process.memoryUsage().heapUsed - before) / (passes * poolRows)
  })
  return Math.max(median(samples), 0)
}

/** The cost of a batch-1 call of a small ONNX model, awaited, with and without recording its input tensor, answer and duration. */
async function onnxOverhead(monitor: Monitor, pool: Float32Array): Promise<BenchResult[]> {
  const { InferenceSession, Tensor } = loadOnnxRuntime()
  const session = await InferenceSession.create(new URL('fixtures/mlp-30-16-2.onnx', import.meta.url).pathname, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    executionMode: 'sequential',
  })
  const rows = Array.from({ length: poolRows }, (_, i) => pool.slice(i * features, (i + 1) * features))
  const feeds = rows.map((row) => ({ features: new Tensor('float32', row, [1, features]) }))
  const runtime = { runtime: 'onnxruntime', rows: 1 }
  const plain = async (start: number) => {
    for (let i = start; i < start + callsPerTurn; i++) await session.run(feeds[i % poolRows]!)
  }
  const monitored = async (start: number) => {
    for (let i = start; i < start + callsPerTurn; i++) {
      const { scores } = await monitor.observe(() => session.run(feeds[i % poolRows]!), runtime)
      monitor.record(rows[i % poolRows]!, { score: scores!.data[1] as number })
    }
  }
  const plainMicros: number[] = []
  const ratios: number[] = []
  for (let turn = -20; turn < onnxTurns; turn++) {
    // Short turns, and each variant goes first in half of them, so that the machine's other work hits both alike.
    const times = { plain: 0, monitored: 0 }
    for (const variant of turn % 2 === 0 ? (['plain', 'monitored'] as const) : (['monitored', 'plain'] as const)) {
      const start = process.hrtime.bigint()
      await (variant === 'plain' ? plain : monitored)((turn + 20) * callsPerTurn)
      times[variant] = Number(process.hrtime.bigint() - start) / callsPerTurn / 1000
    }
    if (turn < 0) continue
    plainMicros.push(times.plain)
    ratios.push(times.monitored / times.plain)
  }
  await session.release()
  return [
    { name: 'ONNX model 30-16-2, one row a call', value: lowerQuartile(plainMicros), unit: 'µs/call' },
    { name: 'the same, monitored : not', value: median(ratios), unit: 'ratio', goal: '<= 1.1' },
  ]
}

const callsPerTurn = 200
const onnxTurns = 400

interface OnnxRuntime {
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => object
  InferenceSession: {
    create(
      path: string,
      options: object,
    ): Promise<{ run(feeds: object): Promise<Record<string, { data: ArrayLike<unknown> }>>; release(): Promise<void> }>
  }
}

/** It is a dependency of the example, not of the root. */
function loadOnnxRuntime(): OnnxRuntime {
  return createRequire(new URL('../examples/employment/package.json', import.meta.url))(
    'onnxruntime-node',
  ) as OnnxRuntime
}

/** The same baseline with a multivariate detector, whose components are waves: what they are does not matter to what they cost. */
function withComponents(baseline: Baseline): Baseline {
  const wave = (component: number, feature: number) =>
    Math.sqrt(2 / features) * Math.cos((Math.PI * (component + 1) * (feature + 0.5)) / features)
  const bounds = uniformBounds().map((bound) => 10 * bound)
  const error = { ...uniformSummary(), bounds, mean: 5, variance: 100 / 12, max: 10 }
  return {
    ...baseline,
    multivariate: {
      kind: 'pca',
      name: 'pca',
      features: names,
      means: names.map(() => 0.5),
      standardDeviations: names.map(() => Math.sqrt(1 / 12)),
      components: Array.from({ length: components }, (_, component) => names.map((_, i) => wave(component, i))),
      explainedVariance: components / features,
      error,
      imputed: 0,
    },
  }
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
