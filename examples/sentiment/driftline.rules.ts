import { defineRules, type RuleFile } from '@driftline/collector/rules'

const rules: RuleFile = {
  model: 'sentiment',
  window: { size: '1h' },
  falseAlarmBudget: '1 per 30d',
  rules: [
    { name: 'texts moved', signal: 'feature-drift', severity: 'warning' },
    { name: 'texts hang together otherwise', signal: 'multivariate-drift', severity: 'info' },
    { name: 'sentiments moved', signal: 'prediction-drift', severity: 'warning' },
  ],
}

export default defineRules(rules)
