import type { PresetName } from '../evaluate/presets/preset-names.ts'
import type { LoadedRules } from './loaded.ts'

/** The presets that some rule needs a verdict of, each once; without such a rule none is computed. */
export function presetsOf({ rules }: Pick<LoadedRules, 'rules'>): PresetName[] {
  return [...new Set(rules.flatMap((rule) => (rule.kind === 'preset' ? [rule.preset] : [])))]
}
