import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, linkTo, modelVariable, segmentVariable, versionVariable } from './frame.ts'
import { InfluxqlQuery } from './influxql-query.ts'
import { colours, statusMappings, statusSteps, steps } from './meaning.ts'
import { stat, stateTimeline, table, timeSeries } from './panels.ts'

const here = { model: '$model', version: '$version', segment: '$segment', signal: 'data-health' } as const
const none = 'no window was evaluated in this time: windows of an hour need a range of several'

const toFeature = linkTo('open the feature', 'driftline-feature', {
  model: '$model',
  version: '$version',
  segment: '$segment',
  feature: '__field.labels.feature',
})

/** Whether what reaches the model is whole. */
export function dataHealth(): Dashboard {
  return dashboard({
    uid: 'driftline-data-health',
    title: 'Data health',
    description: 'Missing and invalid values, and whether everything that should be watched can be.',
    variables: [modelVariable, versionVariable, segmentVariable],
    events: true,
    panels: [
      stat({
        id: 1,
        title: 'Not judged',
        description:
          'Features and outputs of the newest window that could not be compared: absent, or counted in other buckets than the baseline’s.',
        unit: 'short',
        width: 6,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            columns: { unwatched: ['last', 'features_unwatched'] },
            where: { model: '$model', version: '$version' },
            groupBy: ['version'],
            alias: 'version $tag_version',
          }),
        ],
        noData: none,
        thresholds: steps(colours.ok, [1, colours.attention]),
      }),
      stateTimeline({
        id: 2,
        title: 'Data health of each feature',
        description: 'Whether missing and invalid values are as in the baseline.',
        unit: 'none',
        width: 18,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { status: ['max', 'status'] },
            where: here,
            groupBy: ['feature', 'version'],
            alias: '$tag_feature, version $tag_version',
          }),
        ],
        noData: none,
        mappings: statusMappings,
        thresholds: statusSteps,
        links: [toFeature],
      }),
      timeSeries({
        id: 3,
        title: 'Missing values',
        description: 'Share of rows without a value, by feature.',
        unit: 'percentunit',
        width: 12,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { missing: ['max', 'missing_rate'] },
            where: here,
            groupBy: ['feature', 'version'],
            alias: '$tag_feature, version $tag_version',
          }),
        ],
        noData: none,
        links: [toFeature],
      }),
      timeSeries({
        id: 4,
        title: 'Invalid values',
        description: 'Share of rows with a value that is not a number, infinite, or of a wrong type, by feature.',
        unit: 'percentunit',
        width: 12,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { invalid: ['max', 'invalid_rate'] },
            where: here,
            groupBy: ['feature', 'version'],
            alias: '$tag_feature, version $tag_version',
          }),
        ],
        noData: none,
        links: [toFeature],
      }),
      table({
        id: 5,
        title: 'Worst features',
        description: 'Newest window: missing and invalid values of each feature, here and in the baseline.',
        unit: 'percentunit',
        width: 16,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            as: 'table',
            columns: {
              missing: ['last', 'missing_rate'],
              'missing in the baseline': ['last', 'missing_baseline_rate'],
              invalid: ['last', 'invalid_rate'],
              'invalid in the baseline': ['last', 'invalid_baseline_rate'],
            },
            where: here,
            groupBy: ['feature', 'version'],
          }),
        ],
        noData: none,
        columns: {
          feature: [],
          version: [],
          missing: [],
          'missing in the baseline': [],
          invalid: [],
          'invalid in the baseline': [],
        },
        sortBy: 'missing',
      }),
      timeSeries({
        id: 6,
        title: 'Late data',
        description: 'How often windows were evaluated again because data came late.',
        unit: 'short',
        width: 8,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            columns: { revision: ['max', 'revision'] },
            where: { model: '$model', version: '$version' },
            groupBy: ['version'],
            alias: 'version $tag_version',
          }),
        ],
        noData: none,
      }),
    ],
  })
}
