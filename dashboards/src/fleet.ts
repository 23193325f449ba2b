import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, linkTo } from './frame.ts'
import { InfluxqlQuery, type FieldOf } from './influxql-query.ts'
import { alertMappings, colours, statusMappings, statusSteps, steps } from './meaning.ts'
import { stat, stateTimeline, table, timeSeries } from './panels.ts'

const toModel = linkTo('open the model', 'driftline-model', {
  model: '__data.fields.model',
  version: '__data.fields.version',
})
const toModelOfSeries = linkTo('open the model', 'driftline-model', {
  model: '__field.labels.model',
  version: '__field.labels.version',
})

/** The fleet as it is now, whatever range was chosen: a collector that died says nothing, instead of what it said last. */
const now = '5m'

/** Newest figure of every collector, as one. */
const ofCollectors = (name: string, take: 'sum' | 'max', field: FieldOf<'collector'>) =>
  new InfluxqlQuery({
    from: 'collector',
    as: 'table',
    columns: { [name]: ['last', field] },
    over: { groups: ['collector'], take },
  })

/** All models at a glance: which have drift, which are silent, what fires. */
export function fleet(): Dashboard {
  return dashboard({
    uid: 'driftline-fleet',
    title: 'Fleet',
    description: 'All models that send to this collector. Click a row to open the model.',
    variables: [],
    events: false,
    panels: [
      stat({
        id: 1,
        title: 'Alerts firing',
        description: 'Alerts of all models that fire now.',
        unit: 'short',
        width: 6,
        queries: [ofCollectors('firing', 'sum', 'firing_alerts')],
        noData: 'no collector said anything in the last five minutes: is one running?',
        timeFrom: now,
        thresholds: steps(colours.ok, [1, colours.bad]),
      }),
      stat({
        id: 2,
        title: 'Data waiting for InfluxDB',
        description:
          'Age of the oldest data in the journal of the collector. Everything on these boards is at least as old.',
        unit: 's',
        width: 6,
        queries: [ofCollectors('age', 'max', 'journal_age')],
        noData: 'no collector said anything in the last five minutes: is one running?',
        timeFrom: now,
        thresholds: steps(colours.ok, [60, colours.attention], [300, colours.bad]),
      }),
      stat({
        id: 3,
        title: 'Evaluation lag',
        description: 'Age of the oldest slice that is due and not evaluated yet.',
        unit: 's',
        width: 6,
        queries: [ofCollectors('lag', 'max', 'evaluation_lag')],
        noData: 'no collector said anything in the last five minutes: is one running?',
        timeFrom: now,
        thresholds: steps(colours.ok, [300, colours.attention], [3600, colours.bad]),
      }),
      stat({
        id: 4,
        title: 'Blocks lost',
        description:
          'Blocks of points that were dropped since the collector started, because the journal was full or they were too old.',
        unit: 'short',
        width: 6,
        queries: [ofCollectors('dropped', 'sum', 'dropped_records')],
        noData: 'no collector said anything in the last five minutes: is one running?',
        timeFrom: now,
        thresholds: steps(colours.ok, [1, colours.bad]),
      }),
      table({
        id: 5,
        title: 'Models',
        description:
          'The newest window of every model version. Evidence is compared with its threshold; both are powers of ten. A drift is a signal that somebody should look, not a verdict.',
        unit: 'short',
        width: 24,
        height: 9,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            as: 'table',
            columns: {
              status: ['last', 'status'],
              'features with drift': ['last', 'features_drifted'],
              'not judged': ['last', 'features_unwatched'],
              evidence: ['last', 'model_evidence'],
              threshold: ['last', 'evidence_threshold'],
              'rows in the window': ['last', 'rows'],
              'rows a second': ['last', 'rows_per_second'],
            },
            groupBy: ['model', 'version'],
          }),
        ],
        noData: 'no window was evaluated in this time: do models send, and have they a baseline?',
        columns: {
          model: [],
          version: [],
          status: [
            { id: 'mappings', value: statusMappings },
            { id: 'thresholds', value: statusSteps.build() },
            { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
          ],
          'features with drift': [],
          'not judged': [],
          evidence: [{ id: 'decimals', value: 1 }],
          threshold: [{ id: 'decimals', value: 1 }],
          'rows in the window': [],
          'rows a second': [{ id: 'unit', value: 'reqps' }],
        },
        sortBy: 'status',
        links: [toModel],
      }),
      stateTimeline({
        id: 6,
        title: 'Status over time',
        description: 'The worst status of the features and outputs of each model version, window by window.',
        unit: 'none',
        width: 24,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            columns: { status: ['max', 'status'] },
            groupBy: ['model', 'version'],
            alias: '$tag_model $tag_version',
          }),
        ],
        noData: 'no window was evaluated in this time: windows of an hour need a range of several',
        mappings: statusMappings,
        thresholds: statusSteps,
        links: [toModelOfSeries],
      }),
      table({
        id: 7,
        title: 'Alerts',
        description:
          'Every alert that fires or is pending, and those that ended in this time. State since: when it came into this state.',
        unit: 'none',
        width: 12,
        queries: [
          new InfluxqlQuery({
            from: 'alert',
            as: 'table',
            columns: { state: ['last', 'state'], 'state since': ['last', 'since'] },
            groupBy: ['model', 'version', 'segment', 'rule', 'severity'],
          }),
        ],
        noData: 'no alert fired or ended in this time',
        columns: {
          'state since': [{ id: 'unit', value: 'dateTimeAsIso' }],
          model: [],
          version: [],
          segment: [],
          rule: [],
          severity: [],
          state: [
            { id: 'mappings', value: alertMappings },
            { id: 'thresholds', value: steps(colours.ok, [1, colours.attention], [2, colours.bad]).build() },
            { id: 'custom.cellOptions', value: { type: 'color-text' } },
          ],
        },
        sortBy: 'state',
        links: [toModel],
      }),
      timeSeries({
        id: 8,
        title: 'Traffic',
        description: 'Rows a second by model version. A model that falls silent is not watched.',
        unit: 'reqps',
        width: 12,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            columns: { rows: ['mean', 'rows_per_second'] },
            groupBy: ['model', 'version'],
            alias: '$tag_model $tag_version',
          }),
        ],
        noData: 'no window was evaluated in this time: windows of an hour need a range of several',
        links: [toModelOfSeries],
      }),
    ],
  })
}
