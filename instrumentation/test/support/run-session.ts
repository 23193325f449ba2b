import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { patchOnnxruntime } from '../../src/patch/onnxruntime.ts'
import { RecordingAgent } from './recording-agent.ts'

/**
 * A program that opens the employment model by a library and asks it twice, as a child of tests. Its first argument is JSON: a module of the
 * package that has the library, how to load the library, and whether to watch it. It prints what it got and what was seen.
 */
const { library, from, by, watched } = JSON.parse(process.argv[2]!) as {
  readonly library: 'onnxruntime-node' | 'onnxruntime-web'
  readonly from: string
  readonly by: 'require' | 'import'
  readonly watched: boolean
}

interface Library {
  readonly InferenceSession: { create(path: string): Promise<{ run(feeds: object): Promise<Record<string, Output>> }> }
  readonly Tensor: new (type: string, data: Float32Array, dims: readonly number[]) => object
}

interface Output {
  readonly type: string
  readonly dims: readonly number[]
  readonly data: ArrayLike<unknown>
}

const agent = new RecordingAgent()
if (watched) patchOnnxruntime(agent)

const require = createRequire(from)
const { InferenceSession, Tensor } = await load()
const model = new URL('../../../examples/employment/model.onnx', import.meta.url)
const session = await InferenceSession.create(model.pathname)
const answers: unknown[] = []
for (const rows of [1, 3]) {
  const data = Float32Array.from({ length: 16 * rows }, (_, i) => (i * 7) % 5)
  const outputs = await session.run({ features: new Tensor('float32', data, [rows, 16]) })
  for (const [name, output] of Object.entries(outputs)) answers.push([name, output.type, output.dims, ...texts(output)])
}
const failure = await session.run({ features: new Tensor('float32', new Float32Array(3), [1, 3]) }).catch(String)

const seen = agent.taps.map(({ sighting, calls }) => ({
  ...sighting,
  calls: calls.map(({ inputs, outputs, error }) => ({
    inputs: Object.entries(inputs).map(([name, tensor]) => [name, tensor!.dims]),
    outputs: outputs === null ? null : Object.entries(outputs).map(([name, tensor]) => [name, ...texts(tensor!)]),
    failed: error !== undefined,
  })),
}))
const { warnings, libraries } = agent
process.stdout.write(JSON.stringify({ answers, failure, seen, warnings, libraries }), () => process.exit(0))

async function load(): Promise<Library> {
  if (by === 'require') return require(library) as Library
  // What an import statement in a module beside `from` would find: the entry for ESM where there is one.
  const entry = require.resolve(library).replace(/\.min\.js$/, '.min.mjs')
  return (await import(pathToFileURL(entry).href)) as Library
}

function texts({ data }: { readonly data: ArrayLike<unknown> }): string[] {
  return Array.from(data, String)
}
