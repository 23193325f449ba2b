import type { Result } from '../result.ts'
import type { PresetName } from './preset-names.ts'
import { presets } from './presets.ts'

/** What a preset says of one window as a whole. */
export interface PresetSummary {
  /** What it flagged: feature or output, after its segment if there is one (`north/age`). */
  readonly flagged: readonly string[]
  /** Things that were judged, of those that were asked about. */
  readonly judged: number
  readonly asked: number
  /** Why things were not judged, each reason once. */
  readonly reasons: readonly string[]
  /** By the peer's own rule for the data set, over the whole model; null when it has none, or nothing was judged. */
  readonly datasetDrift: boolean | null
}

/** Sums up the verdicts of one preset over the results of a window. */
export function summarisePreset(name: PresetName, results: readonly Result[]): PresetSummary {
  const flagged: string[] = []
  const reasons = new Set<string>()
  const columns = { judged: 0, flagged: 0 }
  let judged = 0
  let asked = 0
  for (const { feature, segment, presets: verdicts } of results) {
    const verdict = verdicts?.[name]
    if (verdict === undefined) continue
    asked++
    if (verdict.drift === null) {
      reasons.add(verdict.note ?? 'undefined')
      continue
    }
    judged++
    if (segment === '') columns.judged++
    if (!verdict.drift) continue
    if (segment === '') columns.flagged++
    flagged.push(segment === '' ? feature : `${segment}/${feature}`)
  }
  const { datasetShare } = presets[name]
  const datasetDrift =
    datasetShare === undefined || columns.judged === 0 ? null : columns.flagged / columns.judged >= datasetShare
  return { flagged, judged, asked, reasons: [...reasons], datasetDrift }
}
