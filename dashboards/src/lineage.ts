import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, modelVariable, versionVariable } from './frame.ts'
import { InfluxqlQuery } from './influxql-query.ts'
import { table, timeSeries } from './panels.ts'

/** Which versions ran when, and what they were made from. */
export function lineage(): Dashboard {
  return dashboard({
    uid: 'driftline-lineage',
    title: 'Lineage',
    description: 'Versions, digests and deployments of one model.',
    variables: [modelVariable, versionVariable],
    events: true,
    panels: [
      timeSeries({
        id: 1,
        title: 'Traffic by version',
        description: 'Which version answers, and how much. Deployments are marked.',
        unit: 'reqps',
        width: 24,
        min: 0,
        stacked: true,
        queries: [
          new InfluxqlQuery({
            from: 'window',
            columns: { rows: ['mean', 'rows_per_second'] },
            where: { model: '$model', version: '$version' },
            groupBy: ['version'],
            alias: 'version $tag_version',
          }),
        ],
        noData: 'no window was evaluated in this time: windows of an hour need a range of several',
      }),
      table({
        id: 2,
        title: 'What each version was made from',
        description:
          'Digests of manifest, baseline, model file and training data, and the commit of the training code. An empty field was not recorded: that version cannot be reproduced. The collector is the one that evaluated it last; there must be only one.',
        unit: 'string',
        width: 24,
        queries: [
          new InfluxqlQuery({
            from: 'lineage',
            as: 'table',
            columns: {
              manifest: ['last', 'manifest'],
              baseline: ['last', 'baseline'],
              'model file': ['last', 'artefact'],
              'training data': ['last', 'training_data'],
              code: ['last', 'code'],
              'baseline rows': ['last', 'baseline_rows'],
              instances: ['last', 'instances'],
              collector: ['last', 'collector'],
            },
            where: { model: '$model', version: '$version' },
            groupBy: ['version'],
          }),
        ],
        noData: 'no version of this model sent anything in this time',
        columns: {
          version: [],
          manifest: [],
          baseline: [],
          'model file': [],
          'training data': [],
          code: [],
          'baseline rows': [{ id: 'unit', value: 'short' }],
          instances: [{ id: 'unit', value: 'short' }],
          collector: [],
        },
      }),
      table({
        id: 3,
        title: 'What happened',
        description: 'Deployments, baselines, manifests, onsets of drift and verdicts, newest first.',
        unit: 'string',
        width: 24,
        queries: [
          new InfluxqlQuery({
            from: 'event',
            as: 'table',
            columns: { title: ['value', 'title'], text: ['value', 'text'] },
            tags: ['version', 'kind'],
            where: { model: '$model', version: '$version' },
          }),
        ],
        noData: 'nothing was noted in this time',
        columns: { Time: [], version: [], kind: [], title: [], text: [] },
        sortBy: 'Time',
      }),
    ],
  })
}
