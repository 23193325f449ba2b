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
  type ManifestFeature,
} from '@driftline/instrumentation/contract'
import { decisionThreshold } from '../predict.ts'
import { features } from '../features.ts'

const withBaseline = !process.argv.includes('--without-baseline')
const read = (name: string): Buffer => readFileSync(new URL(`../${name}`, import.meta.url))
const digested = (name: string): DigestedFile => ({ name, digest: digestBytes(read(name)) })

interface Report {
  readonly parameters: { readonly explicit: Record<string, unknown>; readonly defaulted: Record<string, unknown> }
  readonly seeds: Record<string, number>
  readonly versions: Record<string, string>
  readonly metrics: Record<string, number>
  readonly imputed: { readonly AGEP: number }
}
const report = JSON.parse(read('train/report.json').toString('utf8')) as Report

/** From the data dictionary of the American Community Survey. */
const descriptions: Readonly<Record<(typeof features)[number], string>> = {
  AGEP: 'Age',
  SCHL: 'Educational attainment',
  MAR: 'Marital status',
  RELP: 'Relationship to the reference person of the household',
  DIS: 'Disability',
  ESP: 'Employment status of parents',
  CIT: 'Citizenship',
  MIG: 'Lived here a year ago',
  MIL: 'Military service',
  ANC: 'Ancestry, how reported',
  NATIVITY: 'Native or foreign born',
  DEAR: 'Hearing difficulty',
  DEYE: 'Vision difficulty',
  DREM: 'Cognitive difficulty',
  SEX: 'Sex',
  RAC1P: 'Race',
}
/** The questionnaire has two digits for the age. */
const ageRange = { min: 0, max: 99 }

const manifestFeatures = features.map((name): ManifestFeature => {
  const description = descriptions[name]
  if (name === 'AGEP') {
    const missing = `unknown; the model puts the training median ${report.imputed.AGEP}`
    return { name, kind: 'numeric', unit: 'a', description, missing, range: ageRange }
  }
  return { name, kind: 'categorical', description, missing: 'unknown; no category is set for the model' }
})

const manifest: Manifest = {
  schema: manifestSchema,
  model: { name: 'employment', version: '1', task: 'binary-classification' },
  createdAt: new Date().toISOString(),
  features: manifestFeatures,
  output: {
    classes: ['not_employed', 'employed'],
    positiveClass: 'employed',
    decisionThreshold,
    decisionRule: '>',
  },
  artefact: digested('model.onnx'),
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
