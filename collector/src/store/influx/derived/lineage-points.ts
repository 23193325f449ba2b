import type { Baseline, Manifest } from '@driftline/instrumentation/contract'
import { derivedPoint, type DerivedPoint } from './derived-point.ts'

/** What is known of where a model version comes from; small, since it is kept of every version. */
export interface Lineage {
  readonly model: string
  readonly version: string
  readonly manifest: string | null
  readonly baseline: string | null
  readonly artefact: string | null
  readonly trainingData: string | null
  readonly code: string | null
  readonly baselineRows: number | null
  /** Null when nothing has been evaluated yet. */
  readonly instances: number | null
}

interface LineageDocuments {
  readonly manifest: { readonly digest: string; readonly manifest: Manifest } | null
  readonly baseline: { readonly digest: string; readonly baseline: Baseline } | null
}

export function lineageOf(model: string, version: string, { manifest, baseline }: LineageDocuments): Lineage {
  const { artefact, data, code } = manifest?.manifest ?? {}
  return {
    model,
    version,
    manifest: manifest?.digest ?? null,
    baseline: baseline?.digest ?? null,
    artefact: artefact?.digest ?? null,
    trainingData: data?.training?.digest ?? null,
    code: code?.commit ?? code?.file?.digest ?? null,
    baselineRows: baseline?.baseline.rows ?? null,
    instances: null,
  }
}

export function lineagePoint(
  { model, version, trainingData, baselineRows, ...rest }: Lineage,
  atMs: number,
): DerivedPoint {
  const fields = { ...rest, training_data: trainingData, baseline_rows: baselineRows }
  return derivedPoint('lineage', atMs, { model, version }, fields)
}

/** A baseline that is new to its model version. */
export function baselineEvent({ model, rows, source }: Baseline, digest: string, atMs: number): DerivedPoint {
  return derivedPoint(
    'event',
    atMs,
    { model: model.name, version: model.version, kind: 'baseline', subject: digest },
    { title: `baseline of version ${model.version}`, text: `${rows} rows of ${source.name}, ${digest}` },
  )
}

/** A manifest that is new to its model version. */
export function manifestEvent({ model, artefact }: Manifest, digest: string, atMs: number): DerivedPoint {
  return derivedPoint(
    'event',
    atMs,
    { model: model.name, version: model.version, kind: 'manifest', subject: digest },
    {
      title: `manifest of version ${model.version}`,
      text: `${artefact === undefined ? 'no model file' : `${artefact.name} ${artefact.digest}`}, manifest ${digest}`,
    },
  )
}

/** The first data of a model version, at the time of these data. */
export function deploymentEvent(
  { model, version, service, environment }: Readonly<Record<'model' | 'version' | 'service' | 'environment', string>>,
  atMs: number,
): DerivedPoint {
  const where = [service, environment].filter((name) => name !== '').join(', ')
  return derivedPoint(
    'event',
    atMs,
    { model, version, kind: 'deployment', subject: version },
    {
      title: `deployment of version ${version}`,
      text: `first data of version ${version}${where === '' ? '' : ` from ${where}`}`,
    },
  )
}
