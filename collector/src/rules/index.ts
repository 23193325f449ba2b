import type { RuleFile } from './rule.ts'

export type { PresetName } from '../evaluate/presets/preset-names.ts'
export type {
  AttributionRule,
  BudgetRule,
  Correction,
  MetricLimit,
  PerformanceRule,
  PresetRule,
  Rule,
  RuleFile,
  Severity,
  ThresholdRule,
  WindowOptions,
} from './rule.ts'

/**
 * Gives a rule file its types; returns it unchanged. Mistakes that types cannot see are reported when the file is loaded.
 *
 * @example
 * export default defineRules({
 *   model: 'employment',
 *   window: { size: '1h' },
 *   falseAlarmBudget: '1 per 30d',
 *   rules: [{ name: 'inputs moved', signal: 'feature-drift', severity: 'warning' }],
 * })
 */
export function defineRules(file: RuleFile): RuleFile {
  return file
}
