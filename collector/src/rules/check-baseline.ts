import type { Baseline } from '@driftline/instrumentation/contract'
import { metricNames } from '../evaluate/metric-values.ts'
import type { LoadedRule, LoadedRules } from './loaded.ts'
import { formatPath, type RuleProblem } from './problem.ts'
import { closest } from './suggest.ts'

/** Names that a message lists in full; a table of 500 columns would hide the mistake. */
const maximumListed = 20

/**
 * What the rules name and the baseline does not have: the model, its version, features and segments. Returns every problem.
 *
 * Features named by a rule on predictions or confidence are outputs: `class`, `score`, `confidence`, `value`; of one on labels,
 * `label`; of one on multivariate drift, `pca`.
 */
export function checkAgainstBaseline(rules: LoadedRules, baseline: Baseline): RuleProblem[] {
  const problems: RuleProblem[] = []
  const { name, version } = baseline.model
  if (rules.model !== '*' && rules.model !== name) {
    problems.push({
      path: 'model',
      message: `${JSON.stringify(rules.model)} is not the baseline's model, which is ${JSON.stringify(name)}`,
    })
  }
  if (rules.version !== null && rules.version !== version) {
    problems.push({
      path: 'version',
      message: `${JSON.stringify(rules.version)} is not the baseline's version, which is ${JSON.stringify(version)}`,
    })
  }
  const features = baseline.features.map((feature) => feature.name)
  const { classes, score, confidence, value, decision } = baseline.predictions
  const predicted = [classes && 'class', score && 'score', value && 'value'].filter((output) => output !== undefined)
  const confident = confidence === undefined ? [] : ['confidence']
  const labelled = baseline.labels === undefined ? [] : ['label']
  const together: string[] = baseline.multivariate === undefined ? [] : [baseline.multivariate.name]
  const known: Readonly<Record<LoadedRule['signal'], readonly string[]>> = {
    'feature-drift': features,
    'data-health': features,
    'prediction-drift': predicted,
    'confidence-drift': confident,
    'label-drift': labelled,
    'multivariate-drift': together,
    // Of the outcomes that recorders send, which no baseline needs to have.
    performance: [...metricNames],
    'estimated-performance':
      baseline.predictions.scoreByLabel === undefined || decision === undefined ? [] : [...metricNames],
    attribution: baseline.attributions?.features ?? [],
    'any-drift': [...features, ...predicted, ...confident, ...labelled, ...together],
  }
  const segments = Object.keys(baseline.segments?.values ?? {})
  for (const [index, rule] of rules.rules.entries()) {
    for (const [position, feature] of (rule.features ?? []).entries()) {
      const valid = known[rule.signal]
      if (!valid.includes(feature))
        problems.push(unknownName(['rules', index, 'features', position], 'feature', feature, valid))
    }
    if (rule.segment !== null && rule.segment !== '' && !segments.includes(rule.segment)) {
      problems.push(unknownName(['rules', index, 'segment'], 'segment', rule.segment, segments))
    }
    if (known[rule.signal].length === 0) {
      problems.push({
        path: formatPath(['rules', index, 'signal']),
        message: `the baseline has nothing that ${rule.signal} could watch`,
      })
    }
  }
  return problems
}

function unknownName(
  path: readonly (string | number)[],
  kind: string,
  given: string,
  valid: readonly string[],
): RuleProblem {
  const near = closest(given, valid)
  const listed = valid.slice(0, maximumListed).join(', ')
  const more = valid.length > maximumListed ? ` and ${valid.length - maximumListed} more` : ''
  return {
    path: formatPath(path),
    message:
      `the baseline has no ${kind} ${JSON.stringify(given)}${near === null ? '' : `, did you mean ${JSON.stringify(near)}?`}` +
      (valid.length === 0 ? '' : `; it has ${listed}${more}`),
  }
}
