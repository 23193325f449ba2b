import { wholeModel } from '@driftline/collector/influx-schema'
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, linkTo, modelVariable, segmentVariable, versionVariable } from './frame.ts'
import { InfluxqlQuery } from './influxql-query.ts'
import { colours, statusMappings, statusSteps } from './meaning.ts'
import { bars, stateTimeline, table, timeSeries } from './panels.ts'

const here = { model: '$model', version: '$version', segment: '$segment' } as const
const none = 'no attributions were recorded in this time: hand them to record(), see the README'

const toFeature = linkTo('open the feature', 'driftline-feature', {
  model: '$model',
  version: '$version',
  segment: '$segment',
  feature: '__data.fields.feature',
})

/** What moves predictions, and whether that changed. */
export function attributions(): Dashboard {
  return dashboard({
    uid: 'driftline-attributions',
    title: 'Attributions',
    description: 'Which features move the predictions of a model, over time and against the baseline.',
    variables: [modelVariable, versionVariable, segmentVariable],
    events: true,
    panels: [
      timeSeries({
        id: 1,
        title: 'Share of each feature',
        description: 'Mean absolute attribution of a feature, as a share of the sum over features.',
        unit: 'percentunit',
        width: 24,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'attribution',
            columns: { share: ['mean', 'share'] },
            where: here,
            groupBy: ['feature', 'version'],
            alias: '$tag_feature, version $tag_version',
          }),
        ],
        noData: none,
      }),
      timeSeries({
        id: 2,
        title: 'Rank of each feature',
        description: '1 is the feature that moves predictions most.',
        unit: 'none',
        decimals: 0,
        width: 12,
        min: 1,
        queries: [
          new InfluxqlQuery({
            from: 'attribution',
            columns: { rank: ['last', 'rank'] },
            where: here,
            groupBy: ['feature', 'version'],
            alias: '$tag_feature, version $tag_version',
          }),
        ],
        noData: none,
      }),
      bars({
        id: 3,
        title: 'Baseline against newest window',
        description:
          'Share of each feature in training and in the newest window. Choose one version when several send.',
        unit: 'percentunit',
        width: 12,
        by: 'feature',
        queries: [
          new InfluxqlQuery({
            from: 'attribution',
            as: 'table',
            columns: { baseline: ['last', 'baseline_share'], window: ['last', 'share'] },
            where: { ...here, feature: `!${wholeModel}` },
            groupBy: ['feature'],
          }),
        ],
        noData: none,
        colours: { baseline: colours.baseline, window: colours.window },
      }),
      table({
        id: 4,
        title: 'Ranking',
        description: 'Newest window: how much each feature moves predictions, and its rank here and in the baseline.',
        unit: 'none',
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'attribution',
            as: 'table',
            columns: {
              rank: ['last', 'rank'],
              'rank in the baseline': ['last', 'baseline_rank'],
              share: ['last', 'share'],
              'mean absolute attribution': ['last', 'mean_absolute'],
              rows: ['last', 'rows'],
            },
            where: { ...here, feature: `!${wholeModel}` },
            groupBy: ['feature', 'method', 'version'],
          }),
        ],
        noData: none,
        columns: {
          feature: [],
          method: [],
          version: [],
          rank: [],
          'rank in the baseline': [],
          share: [{ id: 'unit', value: 'percentunit' }],
          'mean absolute attribution': [{ id: 'decimals', value: 4 }],
          rows: [],
        },
        links: [toFeature],
      }),
      stateTimeline({
        id: 5,
        title: 'Shift of attributions',
        description: 'Whether the ranking of features changed more than chance would have it, window by window.',
        unit: 'none',
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { status: ['max', 'status'] },
            where: { ...here, signal: 'attribution' },
            groupBy: ['feature', 'version'],
            alias: '$tag_feature, version $tag_version',
          }),
        ],
        noData: none,
        mappings: statusMappings,
        thresholds: statusSteps,
      }),
      timeSeries({
        id: 6,
        title: 'Order of features against the baseline',
        description:
          'Normalised discounted cumulative gain of the order of features: 1 is that of the baseline. Chance alone leaves it above the other line in 999 of 1000 windows.',
        unit: 'none',
        decimals: 3,
        width: 24,
        max: 1,
        queries: [
          new InfluxqlQuery({
            from: 'attribution',
            columns: { order: ['mean', 'ndcg'], 'by chance': ['mean', 'ndcg_by_chance'] },
            where: { ...here, feature: wholeModel },
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: 'the baseline has no attributions by the same method',
        colours: { order: colours.window, 'by chance': colours.bad },
      }),
    ],
  })
}
