/**
 * Writes manifest.json from what lies in this folder: the digests of model, data, scripts and baseline, and train/report.json.
 *
 * usage: node train/manifest.ts [--without-baseline]
 *
 * The baseline is built with the manifest's list of features, and the manifest holds the baseline's digest: so it is written once without
 * the digest, before the baseline, and once with it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import {
  digestBytes,
  digestJson,
  manifestSchema,
  type DigestedFile,
  type Json,
  type Manifest,
} from '@driftline/instrumentation/contract'
import { features } from './features.ts'

const withBaseline = !process.argv.includes('--without-baseline')
const read = (name: string): Buffer => readFileSync(new URL(`../${name}`, import.meta.url))
const digested = (name: string): DigestedFile => ({ name, digest: digestBytes(read(name)) })

interface Report {
  readonly parameters: { readonly explicit: Record<string, unknown>; readonly defaulted: Record<string, unknown> }
  readonly seeds: Record<string, number>
  readonly versions: Record<string, string>
  readonly metrics: Record<string, number>
}
const report = JSON.parse(read('train/report.json').toString('utf8')) as Report

const manifest: Manifest = {
  schema: manifestSchema,
  model: { name: 'sentiment', version: '1', task: 'binary-classification' },
  createdAt: new Date().toISOString(),
  features,
  output: {
    classes: ['negative', 'positive'],
    positiveClass: 'positive',
    decisionThreshold: 0.5,
    decisionRule: '>',
  },
  artefact: digested('model/onnx/model.onnx'),
  data: { training: digested('data/training.csv.gz'), pipeline: digested('train/prepare.py') },
  code: { file: digested('train/train.py') },
  parameters: report.parameters,
  seeds: report.seeds,
  versions: report.versions,
  offlineMetrics: { data: digested('data/held-out.csv.gz'), values: report.metrics },
  ...(withBaseline && { baselineDigest: digestJson(JSON.parse(read('baseline.json').toString('utf8')) as Json) }),
}
writeFileSync(new URL('../manifest.json', import.meta.url), `${JSON.stringify(manifest, null, 2)}\n`)
process.stdout.write('manifest.json written\n')
