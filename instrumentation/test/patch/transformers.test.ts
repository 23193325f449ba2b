import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { digestBytes } from '../../src/contract/index.ts'
import { runPipelines, type PipelineRun } from './read-pipelines.ts'

const folder = fileURLToPath(new URL('../../..', import.meta.url))
const model = fileURLToPath(new URL('../../../examples/sentiment/model/onnx/model.onnx', import.meta.url))

describe.each(['esm', 'cjs'] as const)('pipelines of transformers.js, loaded as %s', (format) => {
  let plain: PipelineRun
  let run: PipelineRun
  beforeAll(async () => {
    plain = await runPipelines({ format, patched: false, folder })
    run = await runPipelines({ format, patched: true, folder })
  })

  it('answer the same as unpatched, errors too', () => {
    expect(Object.keys(run.answers)).toHaveLength(12)
    expect(JSON.stringify(run.answers)).toBe(JSON.stringify(plain.answers))
    expect(run.answers['no text']).toMatch(/^Error: text may not be null/)
  })

  it('are sighted with task, name, file and digest, and none of their sessions is', () => {
    const digest = digestBytes(readFileSync(model))
    expect(run.taps).toHaveLength(4)
    expect(run.taps.slice(0, 3).map(({ sighting }) => sighting)).toEqual(
      ['text-classification', 'zero-shot-classification', 'feature-extraction'].map((name) => ({
        library: '@huggingface/transformers',
        libraryVersion: '4.3.1',
        kind: 'pipeline',
        name,
        title: 'model',
        file: model,
        artefactDigest: digest,
        inputs: null,
        outputs: null,
      })),
    )
    expect(run.taps.flatMap(({ calls }) => calls)).toEqual([])
    expect(run.libraries).toContainEqual({ library: '@huggingface/transformers', version: '4.3.1' })
    expect(run.warnings.filter(({ subject }) => subject === '@huggingface/transformers')).toEqual([])
  })

  it('can be seen before the first call where pipeline() can be replaced', () => {
    expect(run.sightedBeforeCall).toBe(format === 'esm' ? 1 : 0)
  })

  it('give a row with text statistics and an answer per text', () => {
    const { rows, drops } = run.taps[0]!
    expect(drops).toEqual([])
    expect(rows.map((call) => call.rows.length)).toEqual([1, 3, 1, 2, 1, 1, 1, 1, 1])
    expect(rows[0]!.rows[0]).toEqual({
      'text.characters': 25,
      'text.words': 4,
      'text.mean_word_length': 5,
      'text.non_letter_share': 2 / 22,
      'text.upper_share': 1 / 20,
      'text.distinct_word_share': 1,
      'text.tokens': 8,
      'text.unknown_token_share': 0,
    })
    // Padding is none of the tokens, and the film clapper and the word are unknown to the tokenizer.
    expect(rows[1]!.rows.map((row) => (row as Record<string, number>)['text.tokens'])).toEqual([5, 5, 2])
    expect(rows[3]!.rows.map((row) => (row as Record<string, number>)['text.unknown_token_share'])).toEqual([0, 1])
  })

  it('record the top label, its score, and the probability of the positive class, however many labels are asked for', () => {
    const [one, three, allOfOne, allOfTwo] = run.taps[0]!.rows.map(({ output }) => output)
    const [{ score }] = run.answers['one text'] as [{ score: number }]
    expect(one).toEqual({ classes: ['positive'], confidences: [score], scores: [score] })
    expect(three!.classes).toEqual(['negative', 'negative', 'negative'])
    expect(three!.scores![0]).toBe(1 - Number(three!.confidences![0]))
    const labels = run.answers['all labels of one'] as { label: string; score: number }[]
    expect(allOfOne!.confidences).toEqual([labels[0]!.score])
    expect(allOfOne!.scores![0]).toBeCloseTo(labels[1]!.score, 6)
    expect(allOfTwo!.classes).toEqual(['negative', 'negative'])
  })

  it('count zero-shot answers under the best of the labels of the call', () => {
    expect(run.taps[1]!.rows.map(({ output }) => output.classes)).toEqual([['sport']])
  })

  it('record the length of embeddings, and the components that the manifest declares', () => {
    const { dims, data } = run.answers['embeddings'] as { dims: number[]; data: number[] }
    expect(dims).toEqual([2, 2])
    const rows = run.taps[2]!.rows[0]!.rows as Record<string, number>[]
    expect(rows.map((row) => [row['embedding[0]'], row['embedding[1]']])).toEqual([data.slice(0, 2), data.slice(2)])
    expect(rows[1]!['embedding.norm']).toBeCloseTo(Math.hypot(data[2]!, data[3]!), 12)
    expect(rows[1]!['text.words']).toBe(6)
  })

  it('count the tokens that go into a generating model, and those that come out', () => {
    const { sighting, rows, drops } = run.taps[3]!
    expect([sighting.name, sighting.title, drops]).toEqual(['text-generation', 'generator-model', []])
    expect(run.answers['generated']).toEqual([{ generated_text: 'one two three four five' }])
    const counts = rows.flatMap((call) =>
      (call.rows as Record<string, number>[]).map((row) => [row['tokens.input'], row['tokens.output']]),
    )
    expect(counts).toEqual([
      // Three words and the end of the text.
      [2, 4],
      // Cut off after two words; and the end at once, after a word that is not known.
      [1, 2],
      [3, 1],
    ])
    expect(rows[1]!.rows[1]).toMatchObject({ 'text.words': 3, 'text.unknown_token_share': 1 / 3 })
  })

  it('time every call, with the error of those that fail', () => {
    const { durations } = run.taps[0]!
    expect(durations.map(({ rows }) => rows)).toEqual([1, 3, 1, 2, 1, 1, 1, 1, 1, 1, 0])
    expect(durations.filter(({ error }) => error !== undefined)).toHaveLength(2)
    for (const { seconds } of durations) expect(seconds).toBeGreaterThan(0)
  })
})

describe('a patched pipeline', () => {
  const folder = fileURLToPath(new URL('../../..', import.meta.url))
  const script = fileURLToPath(new URL('mishaps.ts', import.meta.url))
  const run = async (mishap: string) => {
    const { stdout } = await promisify(execFile)(process.execPath, [script, mishap, folder])
    return JSON.parse(stdout) as Record<string, unknown>
  }

  it('answers although the agent throws wherever it can', async () => {
    expect(await run('throwing agent')).toEqual({ label: 'positive', unhandled: [] })
  })

  it('leaves a rejection that nobody handles unhandled', async () => {
    expect(await run('unhandled')).toEqual({ unhandled: ['text may not be null or undefined'] })
  })

  it('is left alone, with a warning, when the classes are frozen', async () => {
    expect(await run('frozen')).toEqual({ label: 'positive', unhandled: [], warnings: ['not-patchable'], taps: 0 })
  })

  it('counts the sessions of a model that is used without a pipeline, since nobody else does', async () => {
    expect(await run('model alone')).toEqual({
      unhandled: [],
      sighted: [['onnxruntime-node', 'model.onnx', 1]],
    })
  })

  it('leads to no session of its own when it is not to be watched', async () => {
    expect(await run('not watched')).toEqual({ label: 'positive', unhandled: [], taps: 0 })
  })
})
