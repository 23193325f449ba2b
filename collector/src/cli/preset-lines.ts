import type { PresetName } from '../evaluate/presets/preset-names.ts'
import type { PresetSummary } from '../evaluate/presets/preset-summary.ts'

/** Names that a line lists in full; a table of 500 columns would hide the rest. */
const maximumNamed = 10

/** What one preset says of one window: `evidently-default: 2 of 12 flagged: age, colour; data set ok`. */
export function presetLine(name: PresetName, summary: PresetSummary): string {
  const { flagged, judged, asked, reasons, datasetDrift } = summary
  if (judged === 0) return `${name}: not judged${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`
  const named = flagged.slice(0, maximumNamed).join(', ')
  const more = flagged.length > maximumNamed ? ` and ${flagged.length - maximumNamed} more` : ''
  const unjudged = asked - judged
  return [
    `${name}: ${flagged.length} of ${judged} flagged${flagged.length === 0 ? '' : `: ${named}${more}`}`,
    ...(datasetDrift === null ? [] : [`data set ${datasetDrift ? 'drift' : 'ok'}`]),
    ...(unjudged === 0 ? [] : [`${unjudged} not judged (${reasons.join(', ')})`]),
  ].join('; ')
}

/** Counts windows over a run. */
export interface PresetTally {
  add(summary: PresetSummary): void
  /** `evidently-default: 3 of 40 windows flagged (7.5 %), data set drift in 1 (2.5 %)` */
  line(): string
}

export function createPresetTally(name: PresetName): PresetTally {
  let windows = 0
  let judged = 0
  let flagged = 0
  let datasets: number | null = null
  return {
    add(summary) {
      windows++
      if (summary.judged === 0) return
      judged++
      if (summary.flagged.length > 0) flagged++
      if (summary.datasetDrift !== null) datasets = (datasets ?? 0) + (summary.datasetDrift ? 1 : 0)
    },
    line() {
      if (judged === 0) return `${name}: none of ${windows} windows judged`
      const share = (count: number) => `${((100 * count) / judged).toFixed(1)} %`
      return [
        `${name}: ${flagged} of ${judged} windows flagged (${share(flagged)})`,
        ...(datasets === null ? [] : [`data set drift in ${datasets} (${share(datasets)})`]),
        ...(judged === windows ? [] : [`${windows - judged} not judged`]),
      ].join(', ')
    },
  }
}
