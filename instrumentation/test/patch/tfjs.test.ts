import { createRequire } from 'node:module'
import type * as Tensorflow from '@tensorflow/tfjs'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { patchTfjs } from '../../src/patch/tfjs.ts'
import { runSuppressed } from '../../src/patch/suppression.ts'
import { RecordingAgent } from '../support/recording-agent.ts'
import { smallGraph } from '../support/small-graph.ts'

const agent = new RecordingAgent()
patchTfjs(agent)
const require = createRequire(import.meta.url)
const tf = require('@tensorflow/tfjs') as typeof Tensorflow

beforeAll(() => tf.setBackend('cpu'))

beforeEach(() => {
  agent.taps.length = 0
  agent.warnings.length = 0
})

/** Two inputs, one sigmoid with weights 1 and -1. */
function layersModel(): Tensorflow.Sequential {
  const model = tf.sequential({
    name: 'difference',
    layers: [tf.layers.dense({ name: 'score', units: 1, inputShape: [2], activation: 'sigmoid' })],
  })
  model.setWeights([tf.tensor2d([1, -1], [2, 1]), tf.tensor1d([0])])
  return model
}

const rows = [
  [1, 1],
  [3, 1],
]

it('tells of the library once per package that has models', () => {
  expect(agent.libraries.map(({ library, version }) => `${library} ${version}`)).toEqual([
    '@tensorflow/tfjs 4.22.0',
    '@tensorflow/tfjs 4.22.0',
  ])
})

describe('a layers model', () => {
  it('is seen with its name, inputs and answers, once a call', () => {
    const model = layersModel()
    const predicted = model.predict(tf.tensor2d(rows)) as Tensorflow.Tensor
    const answers = predicted.dataSync()
    expect(answers[0]).toBeCloseTo(0.5)
    expect(agent.tap.sighting).toEqual({
      library: '@tensorflow/tfjs',
      libraryVersion: '4.22.0',
      kind: 'layers-model',
      name: 'difference',
      file: null,
      artefactDigest: null,
      inputs: [{ name: 'score_input', type: 'float32', shape: [null, 2] }],
      outputs: [{ name: 'score', type: 'float32', shape: [null, 1] }],
    })
    expect(agent.tap.calls).toEqual([
      {
        inputs: { score_input: { data: Float32Array.from(rows.flat()), dims: [2, 2], type: 'float32' } },
        outputs: { score: { data: answers, dims: [2, 1], type: 'float32' } },
        error: undefined,
      },
    ])
    model.predictOnBatch(tf.tensor2d(rows))
    expect(agent.tap.calls).toHaveLength(2)
  })

  it('is read before its tensors are disposed of', () => {
    const model = layersModel()
    const before = tf.memory().numTensors
    const score = tf.tidy(() => (model.predict(tf.tensor2d(rows)) as Tensorflow.Tensor).dataSync()[1])
    expect(tf.memory().numTensors).toBe(before)
    expect(agent.tap.calls[0]!.outputs!['score']!.data[1]).toBe(score)
  })

  it('fails as it does without, and is asked again', () => {
    const model = layersModel()
    expect(() => model.predict(tf.tensor2d([[1, 2, 3]]))).toThrow(/expected .* to have shape/)
    expect(agent.tap.calls[0]!.error).toBeInstanceOf(Error)
    model.predict(tf.tensor2d(rows))
    expect(agent.tap.calls[1]!.outputs).not.toBeNull()
  })

  it('that was loaded is named by where it came from', async () => {
    const saved: Tensorflow.io.ModelArtifacts[] = []
    await layersModel().save(
      tf.io.withSaveHandler((artifacts) => {
        saved.push(artifacts)
        return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } })
      }),
    )
    tf.io.registerLoadRouter((url) =>
      typeof url === 'string' && url.startsWith('test://') ? tf.io.fromMemory(saved[0]!) : (null as never),
    )
    const model = await tf.loadLayersModel('test://models/difference/model.json')
    model.predict(tf.tensor2d(rows))
    expect(agent.tap.sighting.name).toBe('difference/model.json')
  })

  it('is not recorded inside a call that is suppressed', () => {
    const model = layersModel()
    runSuppressed(() => model.predict(tf.tensor2d(rows)))
    expect(agent.taps).toEqual([])
  })

  it('is not read while its tensors may be on a GPU', () => {
    const model = layersModel()
    // There is no GPU to be had in tests: only the name of the backend is another.
    const core = createRequire(require.resolve('@tensorflow/tfjs'))('@tensorflow/tfjs-core') as typeof Tensorflow
    const { getBackend } = core
    const changeable = core as { getBackend: () => string }
    changeable.getBackend = () => 'webgl'
    try {
      model.predict(tf.tensor2d(rows))
    } finally {
      changeable.getBackend = getBackend
    }
    expect(agent.tap.calls[0]).toMatchObject({ inputs: { score_input: null }, outputs: { score: null } })
  })
})

describe('a graph model', () => {
  it('is seen once a call, by every way to ask it', async () => {
    const model = await tf.loadGraphModel(tf.io.fromMemory(smallGraph()))
    const input = () => tf.tensor2d(rows)
    const answers = (model.predict(input()) as Tensorflow.Tensor).dataSync()
    expect(answers[0]).toBeCloseTo(0.5)
    await model.predictAsync({ x: input() })
    model.execute([input()])
    await model.executeAsync({ x: input() }, 'probabilities')
    expect(agent.tap.sighting).toMatchObject({
      kind: 'graph-model',
      name: 'graph-model',
      inputs: [{ name: 'x', type: 'float32', shape: [null, 2] }],
      outputs: [{ name: 'probabilities' }],
    })
    const call = {
      inputs: { x: { data: Float32Array.from(rows.flat()), dims: [2, 2], type: 'float32' } },
      outputs: { probabilities: { data: answers, dims: [2, 2], type: 'float32' } },
      error: undefined,
    }
    expect(agent.tap.calls).toEqual([call, call, call, call])
  })

  it('names the outputs that were asked for', async () => {
    const model = await tf.loadGraphModel(tf.io.fromMemory(smallGraph()))
    model.execute({ x: tf.tensor2d(rows) }, ['product', 'probabilities'])
    expect(Object.keys(agent.tap.calls[0]!.outputs!)).toEqual(['product', 'probabilities'])
  })
})
