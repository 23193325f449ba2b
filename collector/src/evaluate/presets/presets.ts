import { sumOf } from '../../stats/histogram-cells.ts'
import type { PresetVerdict } from '../result.ts'
import { azure } from './azure.ts'
import { deepchecks02 } from './deepchecks-0.2.ts'
import { evidentlyDefault } from './evidently-default.ts'
import { nannyml3Std } from './nannyml-3std.ts'
import { popmon } from './popmon.ts'
import type { PresetName } from './preset-names.ts'
import { noVerdict, type Preset, type PresetInput } from './preset.ts'
import { psiPreset } from './psi.ts'
import { sagemaker } from './sagemaker.ts'
import { vertex03 } from './vertex-0.3.ts'
import { whylogs } from './whylogs.ts'

/**
 * What other tools would have said, by name.
 *
 * @see STATISTICS.md 14.
 */
export const presets: Readonly<Record<PresetName, Preset>> = {
  'evidently-default': evidentlyDefault,
  'nannyml-3std': nannyml3Std,
  'psi-0.1': psiPreset(0.1),
  'psi-0.25': psiPreset(0.25),
  'vertex-0.3': vertex03,
  sagemaker,
  'deepchecks-0.2': deepchecks02,
  azure,
  whylogs,
  popmon,
}

/** Verdicts of several presets on one window. Never throws: what can not be judged has `drift: null` and says why. */
export function presetVerdicts(
  names: readonly PresetName[],
  input: PresetInput | { readonly reason: string; readonly values: number },
): Record<string, PresetVerdict> {
  const verdicts: Record<string, PresetVerdict> = {}
  for (const name of names) verdicts[name] = judge(presets[name], input)
  return verdicts
}

function judge(
  preset: Preset,
  input: PresetInput | { readonly reason: string; readonly values: number },
): PresetVerdict {
  if ('reason' in input) return noVerdict('', input.values, input.reason)
  const { baseline, window } = input
  if (!areCounts(baseline) || !areCounts(window)) return noVerdict('', 0, 'not-counts')
  if (baseline.counts.length !== window.counts.length) return noVerdict('', window.values, 'layout-mismatch')
  if (window.values === 0 || sumOf(window.counts) === 0) return noVerdict('', window.values, 'empty-window')
  if (baseline.values === 0 || sumOf(baseline.counts) === 0) return noVerdict('', window.values, 'empty-baseline')
  return preset.judge(input)
}

/** Anything else would come out as a number that means nothing. */
function areCounts({ counts, values }: { readonly counts: ArrayLike<number>; readonly values: number }): boolean {
  for (let cell = 0; cell < counts.length; cell++) if (!(counts[cell]! >= 0)) return false
  return values >= 0 && Number.isFinite(values) && Number.isFinite(sumOf(counts))
}
