import { readdirSync, readFileSync, statSync } from 'node:fs'
import {
  digestBytes,
  digestJson,
  parseBaseline,
  parseManifest,
  type DigestedFile,
  type Json,
} from '@driftline/instrumentation/contract'
import { describe, expect, it } from 'vitest'
import { readTexts, type TextFile } from '../texts.ts'
import { features } from '../train/features.ts'

const read = (name: string): Buffer => readFileSync(new URL(`../${name}`, import.meta.url))
const json = (name: string): unknown => JSON.parse(read(name).toString('utf8'))

const manifest = parseManifest(json('manifest.json'))
const baseline = parseBaseline(json('baseline.json'))

describe('the committed files', () => {
  it('have the digests that the manifest says', () => {
    const { artefact, data, code, offlineMetrics } = manifest
    const files = [artefact, data?.training, data?.pipeline, code?.file, offlineMetrics?.data] as DigestedFile[]
    for (const file of files) expect([file.name, file.digest]).toEqual([file.name, digestBytes(read(file.name))])
    expect(manifest.baselineDigest).toBe(digestJson(json('baseline.json') as Json))
  })

  it('are of one model, with the features of text statistics and the labels of its configuration', () => {
    expect(baseline.model).toMatchObject({ name: manifest.model.name, version: manifest.model.version })
    expect(baseline.features.map(({ name }) => name)).toEqual(features.map(({ name }) => name))
    const { id2label } = json('model/config.json') as { id2label: Record<string, string> }
    expect(manifest.output?.classes).toEqual(Object.values(id2label))
  })

  it('hold the offline metrics of the report', () => {
    const { metrics } = json('train/report.json') as { metrics: Record<string, number> }
    expect(manifest.offlineMetrics?.values).toEqual(metrics)
    expect(metrics['accuracy']).toBeGreaterThan(0.7)
  })

  it('have training, baseline and held-out texts apart, and as many as stated', () => {
    const names: TextFile[] = ['training', 'baseline', 'held-out', 'product-reviews']
    const texts = names.map((name) => readTexts(name))
    expect(texts.map(({ length }) => length)).toEqual([5_000, 3_000, 2_605, 3_708])
    expect(new Set(texts.slice(0, 3).flatMap((file) => file.map(({ id }) => id))).size).toBe(10_605)
    for (const { rating, positive, text } of texts.flat()) {
      expect(positive).toBe(rating > 0)
      expect(text.trim()).toBe(text)
    }
    expect(texts.flat().some(({ text }) => text.includes(','))).toBe(true)
  })

  it('are small', () => {
    const files = (readdirSync(new URL('..', import.meta.url), { recursive: true }) as string[]).filter((name) =>
      /^(data|model)\/.*\.\w+$/.test(name),
    )
    expect(files.length).toBeGreaterThan(7)
    for (const name of files)
      expect([name, statSync(new URL(`../${name}`, import.meta.url)).size < 1e6]).toEqual([name, true])
  })
})
