import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, tagVariable } from './frame.ts'
import { InfluxqlQuery, type FieldOf, type Selector } from './influxql-query.ts'
import { colours, steps } from './meaning.ts'
import { timeSeries } from './panels.ts'

const here = { collector: '$collector' } as const
const none = 'the collector says nothing of itself: is it running, and does it reach InfluxDB?'

const lines = (selector: Selector, fields: readonly FieldOf<'collector'>[]) =>
  fields.map(
    (field) =>
      new InfluxqlQuery({
        from: 'collector',
        columns: { [field]: [selector, field] },
        where: here,
        groupBy: ['collector'],
        alias: `${field.replaceAll('_', ' ')} ($tag_collector)`,
      }),
  )

/** The collector itself. */
export function collector(): Dashboard {
  return dashboard({
    uid: 'driftline-collector',
    title: 'Collector',
    description: 'Whether the collector receives, keeps, sends and evaluates.',
    variables: [tagVariable({ name: 'collector', label: 'Collector', from: 'collector', tag: 'collector', all: true })],
    events: false,
    panels: [
      timeSeries({
        id: 1,
        title: 'Waiting for InfluxDB',
        description:
          'Age of the oldest data in the journal. It grows while InfluxDB is down; nothing is lost until the journal is full.',
        unit: 's',
        width: 12,
        min: 0,
        limits: steps('transparent', [300, colours.bad]),
        queries: lines('max', ['journal_age']),
        noData: none,
      }),
      timeSeries({
        id: 2,
        title: 'Journal',
        description: 'Bytes that wait to be sent.',
        unit: 'bytes',
        width: 12,
        min: 0,
        queries: lines('max', ['journal_bytes']),
        noData: none,
      }),
      timeSeries({
        id: 3,
        title: 'Points',
        description: 'Points received and sent in each interval.',
        unit: 'short',
        width: 12,
        min: 0,
        queries: lines('non_negative_difference(max', ['received_points', 'sent_points']),
        noData: none,
      }),
      timeSeries({
        id: 4,
        title: 'Refused and lost',
        description:
          'Points that were rejected when they came, or refused by InfluxDB for good; blocks of points that were dropped because the journal was full.',
        unit: 'short',
        width: 12,
        min: 0,
        queries: lines('max', ['rejected_points', 'dead_lettered', 'dropped_records']),
        noData: none,
      }),
      timeSeries({
        id: 5,
        title: 'Evaluation',
        description: 'Age of the oldest slice that is due and not evaluated yet.',
        unit: 's',
        width: 12,
        min: 0,
        queries: lines('max', ['evaluation_lag']),
        noData: none,
      }),
      timeSeries({
        id: 6,
        title: 'Failures',
        description: 'Evaluations and attempts to send that failed; both are tried again.',
        unit: 'short',
        width: 12,
        min: 0,
        queries: lines('max', ['evaluation_failures', 'send_failures']),
        noData: none,
      }),
      timeSeries({
        id: 7,
        title: 'Repeated series',
        description: 'Series that came a second time, after a sender did not hear the answer; they are stored once.',
        unit: 'short',
        width: 12,
        min: 0,
        queries: lines('max', ['duplicate_series']),
        noData: none,
      }),
      timeSeries({
        id: 8,
        title: 'Memory',
        description: 'Resident memory of the process.',
        unit: 'bytes',
        width: 12,
        min: 0,
        queries: lines('max', ['resident_bytes']),
        noData: none,
      }),
    ],
  })
}
