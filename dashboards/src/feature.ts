import type { Dashboard, DataTransformerConfig } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, featureVariable, modelVariable, segmentVariable, versionVariable } from './frame.ts'
import { InfluxqlQuery } from './influxql-query.ts'
import { colours, statusMappings, statusSteps, steps } from './meaning.ts'
import { bars, heatmap, stat, stateTimeline, timeSeries } from './panels.ts'

const here = {
  model: '$model',
  version: '$version',
  segment: '$segment',
  signal: 'feature-drift',
  feature: '$feature',
} as const

/**
 * Cells of an older baseline, too, have a last value: only rows of the time that the second query answers with are left. Groups come in order of
 * text, so that 10 would stand before 2.
 */
const newestWindowInOrder: DataTransformerConfig[] = [
  { id: 'joinByField', options: { byField: 'Time', mode: 'inner' } },
  { id: 'sortBy', options: { sort: [{ field: 'cell' }] } },
]

const notCompared = 'not compared with a baseline in this time: windows of an hour need a range of several'

/** One feature: what it looks like now, what it looked like in training, and what the tests say. */
export function feature(): Dashboard {
  return dashboard({
    uid: 'driftline-feature',
    title: 'Feature',
    description: 'One feature of one model against the baseline.',
    variables: [modelVariable, versionVariable, segmentVariable, featureVariable],
    events: true,
    panels: [
      stateTimeline({
        id: 1,
        title: 'Status',
        description: 'Verdict of each window.',
        unit: 'none',
        width: 16,
        height: 4,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { status: ['max', 'status'] },
            where: here,
            groupBy: ['version'],
            alias: 'version $tag_version',
          }),
        ],
        noData: notCompared,
        mappings: statusMappings,
        thresholds: statusSteps,
      }),
      stat({
        id: 2,
        title: 'Values in the newest window',
        description: 'Values that were compared. Below some hundred, only large moves can be seen.',
        unit: 'short',
        width: 8,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { values: ['last', 'window_values'] },
            where: here,
            groupBy: ['version'],
            alias: 'version $tag_version',
          }),
        ],
        noData: notCompared,
        thresholds: steps(colours.attention, [200, colours.ok]),
      }),
      heatmap({
        id: 3,
        title: 'Distribution over time',
        description:
          'Share of the values in each cell of the baseline, by its upper bound; the mean of all chosen versions. For a feature of categories see the next panels.',
        unit: 'percentunit',
        width: 12,
        height: 10,
        queries: [
          new InfluxqlQuery({
            from: 'bucket',
            columns: { share: ['mean', 'actual'] },
            where: here,
            groupBy: ['le'],
            alias: '$tag_le',
          }),
        ],
        noData: notCompared,
      }),
      bars({
        id: 4,
        title: 'Baseline against newest window',
        description:
          'Share of each cell (by its upper bound) or category, in training and in the newest window. Choose one version when several send.',
        unit: 'percentunit',
        width: 12,
        height: 10,
        by: 'le',
        queries: [
          new InfluxqlQuery({
            from: 'bucket',
            as: 'table',
            // One selector: the time of a row is that of its point.
            columns: { cell: ['last', 'cell'], baseline: ['value', 'expected'], window: ['value', 'actual'] },
            where: here,
            groupBy: ['le'],
          }),
          new InfluxqlQuery({ from: 'bucket', as: 'table', columns: { newest: ['last', 'cell'] }, where: here }),
        ],
        arranged: newestWindowInOrder,
        hidden: ['Time', 'cell', 'newest'],
        noData: notCompared,
        colours: { baseline: colours.baseline, window: colours.window },
      }),
      timeSeries({
        id: 5,
        title: 'Share of each cell or category',
        description: 'The same over time, as lines that add up to 1 for each version.',
        unit: 'percentunit',
        width: 12,
        min: 0,
        max: 1,
        queries: [
          new InfluxqlQuery({
            from: 'bucket',
            columns: { share: ['mean', 'actual'] },
            where: here,
            groupBy: ['le', 'version'],
            alias: '$tag_le, version $tag_version',
          }),
        ],
        noData: notCompared,
      }),
      timeSeries({
        id: 6,
        title: 'Mean against the baseline',
        description: 'Mean of a numeric feature, in the window and in the baseline.',
        unit: 'none',
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { window: ['mean', 'mean'], baseline: ['mean', 'baseline_mean'] },
            where: here,
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: 'this feature has no mean: it has categories, or no values came',
        colours: { window: colours.window, baseline: colours.baseline },
      }),
      timeSeries({
        id: 7,
        title: 'Size of the move with its interval',
        description:
          'Standard deviations of normal scores, or the largest difference of a share. 0 lies outside the interval when the move is more than chance.',
        unit: 'none',
        decimals: 2,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: { low: ['mean', 'effect_low'], effect: ['mean', 'effect'], high: ['mean', 'effect_high'] },
            where: here,
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: notCompared,
        colours: { low: colours.unknown, effect: colours.window, high: colours.unknown },
      }),
      timeSeries({
        id: 8,
        title: 'Missing and invalid',
        description: 'Share of rows without a value, and with one that is invalid, in the window and in the baseline.',
        unit: 'percentunit',
        width: 12,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: {
              missing: ['max', 'missing_rate'],
              'missing in the baseline': ['max', 'missing_baseline_rate'],
              invalid: ['max', 'invalid_rate'],
              'invalid in the baseline': ['max', 'invalid_baseline_rate'],
            },
            where: { ...here, signal: 'data-health' },
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: 'no rows with this feature came in this time',
        colours: {
          missing: colours.attention,
          invalid: colours.bad,
          'missing in the baseline': colours.baseline,
          'invalid in the baseline': colours.unknown,
        },
      }),
      timeSeries({
        id: 9,
        title: 'Distances',
        description:
          'Population stability index (0.25 is often called large), Jensen-Shannon, Hellinger and Kolmogorov-Smirnov distance to the baseline.',
        unit: 'none',
        decimals: 3,
        width: 12,
        min: 0,
        limits: steps('transparent', [0.25, colours.attention]),
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: {
              PSI: ['mean', 'psi'],
              'Jensen-Shannon': ['mean', 'jensen_shannon'],
              Hellinger: ['mean', 'hellinger'],
              'Kolmogorov-Smirnov': ['mean', 'kolmogorov_smirnov'],
            },
            where: here,
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: notCompared,
      }),
      timeSeries({
        id: 10,
        title: 'Evidence',
        description:
          'log10 of the evidence of this feature alone. Alarms come from the evidence of all features together.',
        unit: 'none',
        decimals: 1,
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'drift',
            columns: {
              evidence: ['max', 'evidence'],
              'all features': ['max', 'model_evidence'],
              threshold: ['max', 'evidence_threshold'],
            },
            where: here,
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: notCompared,
        colours: { evidence: colours.window, 'all features': colours.unknown, threshold: colours.bad },
      }),
    ],
  })
}
