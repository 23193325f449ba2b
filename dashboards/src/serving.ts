import { wholeModel } from '@driftline/collector/influx-schema'
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { dashboard, modelVariable, versionVariable } from './frame.ts'
import { InfluxqlQuery, type FieldOf } from './influxql-query.ts'
import { colours, steps } from './meaning.ts'
import { timeSeries } from './panels.ts'

const here = { model: '$model', version: '$version' } as const
/** All runtimes together. */
const whole = { ...here, runtime: wholeModel } as const
const none = 'no inference call was timed in this time: use observe(), or --import @driftline/instrumentation/register'

const byRuntime = (name: string, field: FieldOf<'serving'>) =>
  new InfluxqlQuery({
    from: 'serving',
    columns: { [name]: ['mean', field] },
    where: { ...here, runtime: `!${wholeModel}` },
    groupBy: ['version', 'runtime'],
    alias: `version $tag_version, $tag_runtime`,
  })

const together = (name: string, field: FieldOf<'serving'>) =>
  new InfluxqlQuery({
    from: 'serving',
    columns: { [name]: ['mean', field] },
    where: whole,
    groupBy: ['version'],
    alias: 'version $tag_version',
  })

/** Latency, errors and throughput of inference calls. */
export function serving(): Dashboard {
  return dashboard({
    uid: 'driftline-serving',
    title: 'Serving',
    description: 'Latency, errors and throughput of the calls of one model.',
    variables: [modelVariable, versionVariable],
    events: true,
    panels: [
      timeSeries({
        id: 1,
        title: 'Latency',
        description: 'Percentiles of the duration of inference calls, interpolated within their buckets.',
        unit: 's',
        width: 24,
        min: 0,
        queries: [
          new InfluxqlQuery({
            from: 'serving',
            columns: { p50: ['mean', 'p50'], p90: ['mean', 'p90'], p99: ['max', 'p99'], mean: ['mean', 'mean'] },
            where: whole,
            groupBy: ['version'],
            alias: '$col, version $tag_version',
          }),
        ],
        noData: none,
        colours: { p50: colours.ok, p90: colours.attention, p99: colours.bad, mean: colours.window },
      }),
      timeSeries({
        id: 2,
        title: 'Throughput',
        description: 'Inference calls a second.',
        unit: 'reqps',
        width: 12,
        min: 0,
        queries: [byRuntime('calls', 'calls_per_second')],
        noData: none,
      }),
      timeSeries({
        id: 3,
        title: 'Errors',
        description: 'Share of inference calls that failed.',
        unit: 'percentunit',
        width: 12,
        min: 0,
        limits: steps('transparent', [0.01, colours.bad]),
        queries: [byRuntime('errors', 'error_rate')],
        noData: none,
      }),
      timeSeries({
        id: 4,
        title: 'Rows in a call',
        description: 'Mean batch size. Latency belongs to calls, not to rows.',
        unit: 'short',
        width: 12,
        min: 0,
        queries: [together('rows', 'rows_per_call')],
        noData: 'no batch size was recorded in this time',
      }),
      timeSeries({
        id: 5,
        title: 'Rows that could not be counted',
        description: 'Rows that the recorder dropped, of whatever reason: they are missing from every other board.',
        unit: 'short',
        width: 12,
        min: 0,
        queries: [together('dropped', 'dropped_rows')],
        noData: none,
      }),
    ],
  })
}
