import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { OnnxRuntime } from './onnxruntime.ts'

/** What this process is asked for, as JSON in its first argument, and sends back. */
export interface SessionTask {
  readonly batchRows: number
  readonly turns: number
  readonly callsPerTurn: number
  /** Calls after the turns during which the heap is watched; 0: it is not. */
  readonly memoryCalls: number
}

export interface SessionFigures {
  readonly plainMicros: readonly number[]
  readonly patchedMicros: readonly number[]
  /** Bytes that the heap grew by, from a tenth of `memoryCalls` to all of them. */
  readonly growth: number
}

const features = 30
/** Rows that come around again only after the branch predictor has forgotten them. */
const poolRows = 2048
/** Turns that are for the compiler. */
const warmUpTurns = 20

const task = JSON.parse(process.argv[2]!) as SessionTask
const { InferenceSession, Tensor } = createRequire(new URL('../../instrumentation/package.json', import.meta.url))(
  'onnxruntime-node',
) as OnnxRuntime
// Loaded before, so that the method is still the library's own: both variants then run in one process, on one session.
// oxlint-disable-next-line typescript/unbound-method -- called with the session as `this`
const plainRun = InferenceSession.prototype.run
await import('@driftline/instrumentation/register')
if (InferenceSession.prototype.run === plainRun) throw new Error('onnxruntime-node was not patched')

const model = fileURLToPath(new URL('../fixtures/mlp-30-16-2.onnx', import.meta.url))
const session = await InferenceSession.create(model, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
})
const { batchRows, callsPerTurn } = task
const feeds = Array.from({ length: Math.ceil(poolRows / batchRows) }, () => ({
  features: new Tensor('float32', Float32Array.from({ length: batchRows * features }, Math.random), [
    batchRows,
    features,
  ]),
}))

async function plain(start: number): Promise<void> {
  for (let i = start; i < start + callsPerTurn; i++) await plainRun.call(session, feeds[i % feeds.length]!)
}

async function patched(start: number, calls: number = callsPerTurn): Promise<void> {
  for (let i = start; i < start + calls; i++) await session.run(feeds[i % feeds.length]!)
}

const plainMicros: number[] = []
const patchedMicros: number[] = []
for (let turn = -warmUpTurns; turn < task.turns; turn++) {
  // Each variant goes first in half of the turns, so that the machine's other work hits both alike.
  const times = { plain: 0, patched: 0 }
  for (const variant of turn % 2 === 0 ? (['plain', 'patched'] as const) : (['patched', 'plain'] as const)) {
    const start = process.hrtime.bigint()
    await (variant === 'plain' ? plain : patched)((turn + warmUpTurns) * callsPerTurn)
    times[variant] = Number(process.hrtime.bigint() - start) / callsPerTurn / 1000
  }
  if (turn < 0) continue
  plainMicros.push(times.plain)
  patchedMicros.push(times.patched)
}

function heapUsed(): number {
  const { gc } = globalThis as { gc?: () => void }
  if (gc === undefined) throw new Error('run this with --expose-gc')
  gc()
  return process.memoryUsage().heapUsed
}

let growth = 0
if (task.memoryCalls > 0) {
  await patched(0, task.memoryCalls / 10)
  const before = heapUsed()
  await patched(0, (task.memoryCalls * 9) / 10)
  growth = heapUsed() - before
}
process.send?.({ plainMicros, patchedMicros, growth } satisfies SessionFigures, () => process.exit(0))
