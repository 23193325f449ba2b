import { readdirSync, readFileSync, statSync } from 'node:fs'
import {
  digestBytes,
  digestJson,
  parseBaseline,
  parseManifest,
  type Baseline,
  type DigestedFile,
  type Json,
  type Manifest,
} from '@driftline/instrumentation/contract'
import { beforeAll, describe, expect, it } from 'vitest'
import { features } from '../features.ts'
import { className, decisionThreshold, openModel, predict } from '../predict.ts'
import { readRows, type DataRow } from '../rows.ts'

const read = (name: string): Buffer => readFileSync(new URL(`../${name}`, import.meta.url))
const json = (name: string): unknown => JSON.parse(read(name).toString('utf8'))

let manifest: Manifest
let baseline: Baseline
beforeAll(() => {
  manifest = parseManifest(json('manifest.json'))
  baseline = parseBaseline(json('baseline.json'))
})

describe('manifest.json', () => {
  it('has the digests of the committed files', () => {
    const files = [
      manifest.artefact,
      manifest.data?.training,
      manifest.data?.pipeline,
      manifest.code?.file,
      manifest.offlineMetrics?.data,
    ]
    expect(files).toHaveLength(5)
    for (const file of files as DigestedFile[])
      expect([file.name, file.digest]).toEqual([file.name, digestBytes(read(file.name))])
  })

  it('has the digest of the baseline', () => {
    expect(manifest.baselineDigest).toBe(digestJson(json('baseline.json') as Json))
  })

  it('lists the features in the order of the columns of the data', () => {
    expect(manifest.features.map(({ name }) => name)).toEqual([...features])
    const columns = Object.keys(readRows('held-out')[0]!).filter((name) => !['id', 'year', 'employed'].includes(name))
    expect(columns.sort()).toEqual([...features].sort())
  })

  it('says what the code does with the output', () => {
    expect(manifest.output).toEqual({
      classes: [className(false), className(true)],
      positiveClass: className(true),
      decisionThreshold,
      decisionRule: '>',
    })
  })

  it('tells explicit parameters from defaulted ones, and states seeds, versions and offline metrics', () => {
    const { explicit, defaulted } = manifest.parameters as Record<
      'explicit' | 'defaulted',
      Record<string, Record<string, unknown>>
    >
    for (const step of ['impute', 'encode', 'classify']) {
      const shared = Object.keys(explicit[step]!).filter((name) => name in defaulted[step]!)
      expect([step, shared]).toEqual([step, []])
      expect(Object.keys(defaulted[step]!).length).toBeGreaterThan(0)
    }
    expect(Object.keys(manifest.seeds ?? {})).toEqual(['split', 'training'])
    expect(manifest.versions).toMatchObject({ 'scikit-learn': '1.9.1' })
    expect(Object.keys(manifest.offlineMetrics?.values ?? {})).toEqual(['accuracy', 'f1', 'auc', 'log_loss'])
  })
})

describe('baseline.json', () => {
  let rows: DataRow[]
  beforeAll(() => {
    rows = readRows('baseline')
  })

  it('is of this model version and of all baseline rows', () => {
    expect(baseline.model).toMatchObject({ name: manifest.model.name, version: manifest.model.version })
    expect(baseline.rows).toBe(rows.length)
    expect(baseline.features.map(({ name, kind }) => [name, kind])).toEqual(
      manifest.features.map(({ name, kind }) => [name, kind]),
    )
  })

  it('counts the categories of the rows', () => {
    for (const feature of baseline.features) {
      if (feature.kind === 'numeric') continue
      const counts = feature.categories.map(
        (category) => rows.filter((row) => row[feature.name as keyof DataRow] === category).length,
      )
      expect([feature.name, ...counts, 0]).toEqual([feature.name, ...feature.counts])
    }
  })

  it("holds the model's own predictions, cut at the decision threshold", async () => {
    const predictions = await predict(await openModel(), rows)
    const { classes, score, decision } = baseline.predictions
    const employed = predictions.filter((prediction) => prediction.employed).length
    expect(Object.fromEntries(classes!.categories.map((name, i) => [name, classes!.counts[i]]))).toEqual({
      [className(true)]: employed,
      [className(false)]: rows.length - employed,
    })
    expect(score!.values).toBe(rows.length)
    expect(decision).toEqual({
      threshold: decisionThreshold,
      rule: '>',
      positiveClass: className(true),
      negativeClass: className(false),
    })
    const cut = score!.bounds.indexOf(decisionThreshold)
    expect(cut).toBeGreaterThan(0)
    expect(score!.counts.slice(cut + 1).reduce((sum, count) => sum + count, 0)).toBe(employed)
  })

  it('holds the labels of the rows', () => {
    const employed = rows.filter((row) => row.employed).length
    const { categories, counts } = baseline.labels!
    expect(counts[categories.indexOf(className(true))]).toBe(employed)
  })
})

describe('the committed data', () => {
  it('has training, baseline and held-out rows apart', () => {
    const ids = (['training', 'baseline', 'held-out'] as const).map((name) => readRows(name).map(({ id }) => id))
    expect(ids.map(({ length }) => length)).toEqual([8_000, 7_000, 15_000])
    expect(new Set(ids.flat()).size).toBe(30_000)
  })

  it('has the later years in order', () => {
    const rows = readRows('later-years')
    expect([2016, 2017, 2018].map((year) => rows.filter((row) => row.year === year).length)).toEqual([
      10_000, 10_000, 10_000,
    ])
    for (let i = 1; i < rows.length; i++) expect(rows[i]!.year).toBeGreaterThanOrEqual(rows[i - 1]!.year)
  })

  it('is no larger than agreed: data 2 MB, model 1 MB', () => {
    const bytes = readdirSync(new URL('../data/', import.meta.url)).reduce(
      (sum, name) => sum + statSync(new URL(`../data/${name}`, import.meta.url)).size,
      0,
    )
    expect(bytes).toBeLessThan(2e6)
    expect(read('model.onnx').length).toBeLessThan(1e6)
  })
})
