import { defineRules, type RuleFile } from '@driftline/collector/rules'

const rules: RuleFile = {
  model: 'employment',
  window: { size: '1h' },
  falseAlarmBudget: '1 per 30d',
  rules: [
    { name: 'inputs moved', signal: 'feature-drift', severity: 'warning' },
    { name: 'predictions moved', signal: 'prediction-drift', severity: 'warning' },
    // A rate that people agreed on: the training data has no missing value at all.
    {
      name: 'values missing',
      signal: 'data-health',
      test: 'missing',
      threshold: 0.05,
      minimumRows: 200,
      severity: 'critical',
    },
    // Below 0.79, as the manifest says 0.83; by chance five hundred outcomes are so much worse in one of 170,000 windows.
    {
      name: 'quality fell',
      signal: 'performance',
      metric: 'accuracy',
      below: { offline: 0.95 },
      minimumRows: 500,
      severity: 'critical',
    },
  ],
}

export default defineRules(rules)
