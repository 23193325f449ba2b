import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type * as Tensorflow from '@tensorflow/tfjs'
import { patchTfjs } from '../../src/patch/tfjs.ts'
import { RecordingAgent } from './recording-agent.ts'
import { smallGraph } from './small-graph.ts'

/**
 * A program that asks a layers model and a graph model, as a child of tests. Its first argument is JSON: a module of the package that has
 * TensorFlow.js, how to load it, and whether to watch it. It prints what it got and what was seen.
 */
const { from, by, watched } = JSON.parse(process.argv[2]!) as {
  readonly from: string
  readonly by: 'require' | 'import'
  readonly watched: boolean
}

const agent = new RecordingAgent()
if (watched) patchTfjs(agent)
const require = createRequire(from)
const tf = (
  by === 'require' ? require('@tensorflow/tfjs') : await import(pathToFileURL(require.resolve('@tensorflow/tfjs')).href)
) as typeof Tensorflow

const rows = [
  [1, 1],
  [3, 1],
]
const layers = tf.sequential({ name: 'difference', layers: [tf.layers.dense({ units: 1, inputShape: [2] })] })
layers.setWeights([tf.tensor2d([1, -1], [2, 1]), tf.tensor1d([0])])
const graph = await tf.loadGraphModel(tf.io.fromMemory(smallGraph()))
const answers = [
  layers.predict(tf.tensor2d(rows)),
  graph.predict(tf.tensor2d(rows)),
  await graph.executeAsync({ x: tf.tensor2d(rows) }),
].map((tensor) => Array.from((tensor as Tensorflow.Tensor).dataSync()))
const seen = agent.taps.map(({ sighting, calls }) => ({ ...sighting, calls }))
process.stdout.write(JSON.stringify({ answers, seen, warnings: agent.warnings }), () => process.exit(0))
