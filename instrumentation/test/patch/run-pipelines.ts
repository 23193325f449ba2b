/**
 * Runs pipelines of transformers.js on the model of examples/sentiment and the one in generator-model/, and writes what they answered and what an agent was told as JSON.
 *
 * usage: node run-pipelines.ts <esm|cjs> <patched|plain> <folder that the library is found from>
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { patchOnnxruntime } from '../../src/patch/onnxruntime.ts'
import { patchTransformers } from '../../src/patch/transformers.ts'
import type { ModelTap } from '../../src/zero-code/sighting.ts'
import { RecordingAgent } from '../support/recording-agent.ts'

const [format, patched, folder] = process.argv.slice(2) as [string, string, string]
const model = fileURLToPath(new URL('../../../examples/sentiment/model', import.meta.url))

/** Says what a manifest would. */
class DescribedAgent extends RecordingAgent {
  override sight(sighting: Parameters<RecordingAgent['sight']>[0]): ModelTap | null {
    const tap = super.sight(sighting)
    const features = sighting.name === 'feature-extraction' ? ['embedding[0]'] : []
    return tap === null ? null : { ...tap, declared: { features, positiveClass: 'positive' } }
  }
}
const agent = new DescribedAgent()
if (patched === 'patched') {
  patchOnnxruntime(agent)
  patchTransformers(agent)
}

interface Library {
  readonly env: { allowRemoteModels: boolean }
  readonly pipeline: (task: string, model: string, options: object) => Promise<Pipeline>
}
type Pipeline = (...given: unknown[]) => Promise<unknown>

const library = (
  format === 'cjs'
    ? createRequire(join(folder, 'index.cjs'))('@huggingface/transformers')
    : await import(
        pathToFileURL(join(folder, 'node_modules/@huggingface/transformers/dist/transformers.node.mjs')).href
      )
) as Library
library.env.allowRemoteModels = false
const make = (task: string): Promise<Pipeline> => library.pipeline(task, model, { dtype: 'fp32' })

const answers: Record<string, unknown> = {}
const classify = await make('sentiment-analysis')
const sightedBeforeCall = agent.taps.length
answers['one text'] = await classify('A wonderful, moving film.')
answers['three texts'] = await classify(['An awful MESS', 'what a joy', ''])
answers['all labels of one'] = await classify('Not bad, not good', { top_k: 2 })
answers['all labels of two'] = await classify(['Not bad', '🎬 Großartig'], { top_k: 2 })
const many = Array.from({ length: 5 }, (_, i) => classify(`text number ${i}`))
answers['at the same time'] = await Promise.all(many)
answers['no text'] = await classify(null).catch(
  (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`,
)
answers['no texts'] = await classify([]).catch(
  (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`,
)
const zeroShot = await make('zero-shot-classification')
answers['zero shot'] = await zeroShot('A film about football', ['sport', 'politics'])
const extract = await make('feature-extraction')
const embeddings = (await extract(['a film', 'a longer text about a film'])) as { dims: number[]; data: Float32Array }
answers['embeddings'] = { dims: embeddings.dims, data: [...embeddings.data] }
const generate = await library.pipeline('text-generation', fileURLToPath(new URL('generator-model', import.meta.url)), {
  dtype: 'fp32',
})
answers['generated'] = await generate('one two', { max_new_tokens: 10 })
answers['two generated'] = await generate(['three', 'one two hello'], { max_new_tokens: 2 })
const call = (classify as unknown as { _call: (...given: unknown[]) => unknown })._call
answers['shape of _call'] = [call.name, call.length, library.pipeline.name, library.pipeline.length]

process.stdout.write(
  JSON.stringify({
    answers,
    taps: agent.taps,
    libraries: agent.libraries,
    warnings: agent.warnings,
    sightedBeforeCall,
  }),
)
