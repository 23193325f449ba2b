import type { LoadedRules } from './loaded.ts'
import { parseRules } from './parse.ts'
import type { RuleFile } from './rule.ts'

/** The rules of a model that has no rule file: five alarms that share one false alarm in 30 days. */
export const defaultRuleFile: RuleFile = {
  model: '*',
  window: { size: '1h' },
  falseAlarmBudget: '1 per 30d',
  rules: [
    { name: 'inputs moved', signal: 'feature-drift', severity: 'warning' },
    { name: 'predictions moved', signal: 'prediction-drift', severity: 'warning' },
    { name: 'inputs changed together', signal: 'multivariate-drift', severity: 'warning' },
    { name: 'confidence moved', signal: 'confidence-drift', severity: 'warning' },
    { name: 'labels moved', signal: 'label-drift', severity: 'warning' },
  ],
}

/** {@link defaultRuleFile}, loaded; its source is `defaults`. */
export const defaultRules: LoadedRules = parseRules(defaultRuleFile, 'defaults')
