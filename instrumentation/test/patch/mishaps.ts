/**
 * Lets something go wrong around a pipeline, and writes what the application saw as JSON.
 *
 * usage: node mishaps.ts <mishap> <folder that the library is found from>
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { patchOnnxruntime } from '../../src/patch/onnxruntime.ts'
import { patchTransformers } from '../../src/patch/transformers.ts'
import type { Agent } from '../../src/zero-code/sighting.ts'
import { RecordingAgent } from '../support/recording-agent.ts'

const [mishap, folder] = process.argv.slice(2) as [string, string]
const model = fileURLToPath(new URL('../../../examples/sentiment/model', import.meta.url))
const unhandled: string[] = []
process.on('unhandledRejection', (error) => unhandled.push((error as Error).message))

interface Library {
  readonly env: { allowRemoteModels: boolean }
  readonly pipeline: (task: string, model: string, options: object) => Promise<Pipeline>
  readonly AutoTokenizer: { from_pretrained: (model: string) => Promise<(text: string) => object> }
  readonly AutoModelForSequenceClassification: {
    from_pretrained: (model: string, options: object) => Promise<(inputs: object) => Promise<object>>
  }
}
type Pipeline = (text: unknown) => Promise<{ label: string }[]>

const fail = (): never => {
  throw new Error('the agent is broken')
}
const throwing: Agent = {
  sight: () => ({ model: 'm', begin: fail, record: fail, duration: fail, drop: fail }),
  patched: () => undefined,
  warn: fail,
}
const recording = new RecordingAgent({ watch: () => mishap !== 'not watched' })
const agent = mishap === 'throwing agent' ? throwing : recording

const load = (): Library => {
  const library = createRequire(join(folder, 'index.cjs'))('@huggingface/transformers') as Library
  library.env.allowRemoteModels = false
  return library
}
if (mishap === 'frozen') {
  // As a hardened application would: before anybody else comes.
  for (const member of Object.values(load())) {
    if (typeof member === 'function') Object.freeze((member as { prototype?: object }).prototype ?? member)
  }
}
patchOnnxruntime(agent)
patchTransformers(agent)
const library = load()

let seen: Record<string, unknown> = {}
if (mishap === 'model alone') {
  const tokenizer = await library.AutoTokenizer.from_pretrained(model)
  const alone = await library.AutoModelForSequenceClassification.from_pretrained(model, { dtype: 'fp32' })
  await alone(tokenizer('a film'))
  seen = { sighted: recording.taps.map(({ sighting, calls }) => [sighting.library, sighting.name, calls.length]) }
} else {
  const classify = await library.pipeline('text-classification', model, { dtype: 'fp32' })
  if (mishap === 'unhandled') void classify(null)
  else seen = { label: (await classify('A wonderful film'))[0]!.label }
}
await turn()
await turn()
if (mishap === 'frozen') {
  const warnings = recording.warnings.filter(({ subject }) => subject === '@huggingface/transformers')
  seen = { ...seen, warnings: warnings.map(({ kind }) => kind) }
}
if (mishap === 'frozen' || mishap === 'not watched') {
  seen = { ...seen, taps: recording.taps.filter(({ sighting }) => sighting.kind === 'pipeline').length }
}
process.stdout.write(JSON.stringify({ ...seen, unhandled }))
