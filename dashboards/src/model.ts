import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, linkTo, modelVariable, segmentVariable, versionVariable } from './frame.ts'
import { InfluxqlQuery } from './influxql-query.ts'
import { colours, ruleMappings, statusMappings, statusSteps, steps } from './meaning.ts'
import { bars, stateTimeline, table, timeSeries } from './panels.ts'

const here = { model: '$model', version: '$version', segment: '$segment' } as const

const toFeature = linkTo('open the feature', 'driftline-feature', {
  model: '$model',
  version: '$version',
  segment: '$segment',
  feature: '__field.labels.feature',
})

/** One model: drift of inputs and outputs, confidence, quality. */
export function model(): Dashboard {
  return dashboard({
    uid: 'driftline-model',
    title: 'Model',
    description: 'Drift, predictions, confidence and quality of one model. Click a feature to open it.',
    variables: [modelVariable, versionVariable, segmentVariable],
    events: true,
    panels: [
      stateTimeline({
        id: 1,
        title: 'Alert rules',
        description: 'What each window said about each rule. Alerts lead here.',
        unit: 'none',
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'rule',
            columns: { holds: ['max', 'holds'] },
            where: here,
            groupBy: ['rule', 'version'],
            alias: '$tag_rule, version $tag_version',
          }),
        ],
        noData: 'no window was judged by a rule in this time',
        mappings: ruleMappings,
        thresholds: steps(colours.ok, [1, colours.bad]),
      }),
      timeSeries({
        id: 2,
        title: 'Rows in a window',
        description: 'Rows of each window, by version. Too few, and nothing can be said; none, and nothing is watched.',
        unit: 'short',
        width: 12,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            columns: { rows: ['mean', 'rows'] },
            where: { model: '$model', version: '$version' },
            groupBy: ['version'],
            alias: 'version $tag_version',
          }),
        ],
        noData: 'no window was evaluated in this time: does the model send?',
      }),
      timeSeries({
        id: 3,
        title: 'Evidence of drift against its threshold',
        description:
          'log10 of the evidence over everything that is watched, and what raises an alarm under the false-alarm budget. It falls back after a change is over.',
        unit: 'none',
        decimals: 1,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            columns: { evidence: ['max', 'model_evidence'], threshold: ['max', 'evidence_threshold'] },
            where: { model: '$model', version: '$version' },
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: 'no window was compared with a baseline in this time',
        colours: { evidence: colours.window, threshold: colours.bad },
      }),
      stateTimeline({
        id: 4,
        title: 'Features and outputs',
        description: 'Status of each feature and output, window by window.',
        unit: 'none',
        width: 12,
        height: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { status: ['max', 'status'] },
            where: here,
            groupBy: ['signal', 'feature', 'version'],
            alias: '$tag_feature ($tag_signal), version $tag_version',
          }),
        ],
        noData: 'no window was compared with a baseline in this time',
        mappings: statusMappings,
        thresholds: statusSteps,
        links: [toFeature],
      }),
      timeSeries({
        id: 5,
        title: 'Size of the move of each feature',
        description:
          'Standard deviations of normal scores for numbers, difference of shares for categories; 0 is the baseline.',
        unit: 'none',
        decimals: 2,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { effect: ['mean', 'effect'] },
            where: { ...here, signal: 'feature-drift' },
            groupBy: ['feature', 'version'],
            alias: '$tag_feature, version $tag_version',
          }),
        ],
        noData: 'no feature was compared with a baseline in this time',
        links: [toFeature],
      }),
      timeSeries({
        id: 6,
        title: 'Predicted classes',
        description: 'Share of each predicted class, by version. For regressions see the next panel.',
        unit: 'percentunit',
        width: 12,
        min: 0,
        max: 1,
        queries: [
          new InfluxqlQuery({
            from: 'bucket',
            columns: { share: ['mean', 'actual'] },
            where: { ...here, signal: 'prediction-drift', feature: 'class' },
            groupBy: ['le', 'version'],
            alias: '$tag_le, version $tag_version',
          }),
        ],
        noData: 'the model gives no classes, or none were recorded in this time',
      }),
      timeSeries({
        id: 7,
        title: 'Score or value of predictions',
        description: 'Mean of the score (or of the predicted value) in the window, and in the baseline.',
        unit: 'none',
        decimals: 3,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { window: ['mean', 'mean'], baseline: ['mean', 'baseline_mean'] },
            where: { ...here, signal: 'prediction-drift' },
            groupBy: ['feature', 'version'],
            alias: '$col, $tag_feature, version $tag_version',
          }),
        ],
        noData: 'no score or value was recorded in this time',
        colours: { window: colours.window, baseline: colours.baseline },
      }),
      timeSeries({
        id: 8,
        title: 'Confidence',
        description: 'Mean probability of the predicted class, in the window and in the baseline.',
        unit: 'percentunit',
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { window: ['mean', 'mean'], baseline: ['mean', 'baseline_mean'] },
            where: { ...here, signal: 'confidence-drift' },
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: 'no confidence was recorded in this time',
        colours: { window: colours.window, baseline: colours.baseline },
      }),
      timeSeries({
        id: 9,
        title: 'Quality, realised and estimated',
        description:
          'Realised: from outcomes that came back. Estimated: from the model’s own scores, before any outcome is known; it sees a change of inputs, not of what they mean.',
        unit: 'none',
        decimals: 3,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'performance',
            columns: { value: ['mean', 'value'] },
            where: { ...here, source: 'realised' },
            groupBy: ['metric', 'version'],
            alias: '$tag_metric, version $tag_version',
          }),
          new InfluxqlQuery({
            from: 'performance',
            columns: { value: ['mean', 'value'] },
            where: { ...here, source: 'estimated' },
            groupBy: ['metric', 'version'],
            alias: '$tag_metric (estimated), version $tag_version',
          }),
        ],
        noData: 'no outcome came back in this time, and the baseline has no scores to estimate from',
      }),
      bars({
        id: 10,
        title: 'Offline against online',
        description:
          'Each metric on the held-out set before the deployment, and in use, newest window. Choose one version when several send.',
        unit: 'none',
        decimals: 3,
        width: 12,
        by: 'metric',
        hidden: ['Time'],
        queries: [
          new InfluxqlQuery({
            from: 'performance',
            as: 'table',
            columns: { offline: ['last', 'offline'], online: ['last', 'value'] },
            where: { ...here, source: 'realised' },
            groupBy: ['metric'],
          }),
        ],
        noData: 'no outcome came back in this time, or the manifest has no offline metrics',
        colours: { offline: colours.baseline, online: colours.window },
      }),
      table({
        id: 11,
        title: 'Quality in numbers',
        description: 'Newest value of each metric with its interval and how far it is from the held-out set.',
        unit: 'none',
        decimals: 3,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'performance',
            as: 'table',
            columns: {
              value: ['last', 'value'],
              low: ['last', 'low'],
              high: ['last', 'high'],
              offline: ['last', 'offline'],
              difference: ['last', 'difference'],
              rows: ['last', 'rows'],
            },
            where: here,
            groupBy: ['metric', 'source', 'version'],
          }),
        ],
        noData: 'no outcome came back in this time',
        columns: {
          metric: [],
          source: [],
          version: [],
          value: [],
          low: [],
          high: [],
          offline: [],
          difference: [],
          rows: [{ id: 'decimals', value: 0 }],
        },
      }),
      timeSeries({
        id: 12,
        title: 'Calibration',
        description:
          'How far scores are from the frequencies that came true, beside what exact probabilities would show in so few outcomes; and by how much outcomes are more frequent than scores say.',
        unit: 'none',
        decimals: 3,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'calibration',
            columns: {
              'expected calibration error': ['mean', 'expected_calibration_error'],
              'of exact probabilities': ['mean', 'expected_by_chance'],
              'Brier score': ['mean', 'brier'],
              'outcomes less scores': ['mean', 'calibration_in_the_large'],
            },
            where: here,
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: 'no outcome of a score came back in this time',
        colours: { 'expected calibration error': colours.window, 'of exact probabilities': colours.unknown },
      }),
    ],
  })
}
