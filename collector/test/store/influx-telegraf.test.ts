import { attributes, metrics } from '@driftline/instrumentation/contract'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { seriesKey, type Block } from '../../src/observation/block.ts'
import { InfluxServer } from '../../src/store/influx/influx-server.ts'
import { createTelegrafReader } from '../../src/store/influx/telegraf-reader.ts'
import { hasInfluxd, startInfluxd, type Influxd } from '../support/influxd.ts'
import { freshSettings } from './open-influx-store.ts'
import { originMs } from './sample-data.ts'

const identity =
  'ml.model.name=credit,ml.model.version=1,service.name=scoring,service.instance.id=a,otel.library.name=@driftline/instrumentation'
const at = (second: number) => `${originMs + second * 1_000}000000`

/** As otel2influx writes a histogram: running totals over the bounds, all of one line. */
function histogramLine(second: number, start: string, fields: string, tags = ''): string {
  const startField = start === '' ? '' : `,start_time_unix_nano=${start}i`
  return `${metrics.featureValue.name},${identity}${tags},${attributes.featureName.name}=age ${fields}${startField} ${at(second)}`
}

describe.skipIf(!hasInfluxd)('reading the layout telegraf-prometheus-v1', () => {
  let influxd: Influxd
  let database: string
  beforeAll(async () => {
    influxd = await startInfluxd()
  })
  afterAll(() => influxd.dispose())
  beforeEach(async () => {
    database = freshSettings(influxd.url).database
    await influxd.query(`CREATE DATABASE "${database}"`)
  })

  async function read(lines: readonly string[], fromSecond = 0, toSecond = 1_000) {
    await influxd.write(lines.join('\n'), database)
    const blocks: Block[] = []
    const reader = createTelegrafReader({
      server: new InfluxServer(freshSettings(influxd.url), systemClock),
      source: { layout: 'telegraf-prometheus-v1', database },
      clock: systemClock,
      sink: async (found) => void blocks.push(...found),
      log: () => {},
    })
    const counts = await reader.read(originMs + fromSecond * 1_000, originMs + toSecond * 1_000)
    return { blocks: blocks.toSorted((a, b) => a.startMicros - b.startMicros), counts }
  }
  const plain = ({ startMicros, endMicros, values }: Block) => [
    (startMicros / 1_000 - originMs) / 1_000,
    (endMicros / 1_000 - originMs) / 1_000,
    ...values,
  ]

  it('takes deltas as they are', async () => {
    const { blocks, counts } = await read([
      histogramLine(10, at(0), 'count=3,sum=75,min=18,max=41,20=1,40=2,+Inf=3'),
      histogramLine(20, at(10), 'count=2,sum=39,min=19,max=20,20=2,40=2,+Inf=2'),
    ])
    expect(blocks.map(plain)).toEqual([
      [0, 10, 3, 75, 18, 41, 1, 1, 1],
      [10, 20, 2, 39, 19, 20, 2, 0, 0],
    ])
    expect(counts.points).toBe(2)
    expect(blocks[0]!.scope).toEqual({
      model: 'credit',
      version: '1',
      segment: '',
      instance: 'a',
      service: 'scoring',
      environment: '',
      manifestDigest: '',
      baselineDigest: '',
    })
    expect(blocks[0]!.shape.series).toEqual([
      {
        metric: metrics.featureValue.name,
        attributes: { [attributes.featureName.name]: 'age' },
        layout: { kind: 'explicit', bounds: [20, 40] },
      },
    ])
  })

  it('takes the difference of running totals, and all of one after a restart', async () => {
    const lines = [
      histogramLine(10, at(-500), 'count=3,sum=75,20=1,40=2,+Inf=3'),
      histogramLine(20, at(-500), 'count=7,sum=175,20=2,40=5,+Inf=7'),
      histogramLine(40, at(35), 'count=1,sum=30,20=0,40=1,+Inf=1'),
      histogramLine(50, at(35), 'count=2,sum=80,20=0,40=1,+Inf=2'),
    ]
    const { blocks, counts } = await read(lines)
    const expected = [
      [10, 20, 4, 100, Number.NaN, Number.NaN, 1, 2, 1],
      [35, 40, 1, 30, Number.NaN, Number.NaN, 0, 1, 0],
      [40, 50, 1, 50, Number.NaN, Number.NaN, 0, 0, 1],
    ]
    expect(blocks.map(plain)).toEqual(expected)
    expect(counts.skipped['first-total']).toBe(1)
    // Read again from later on: the same blocks where there are any, so that they are known.
    const later = await read([], 15)
    expect(later.blocks.map(plain)).toEqual(expected.slice(1))
  })

  it('reads bounds in both spellings of numbers and skips fields that are none', async () => {
    const { blocks } = await read([
      histogramLine(10, at(0), 'count=5,-0.5=1,1e-07=2,1e+21=3,1000000000000000000000000=4,Inf=5,flags=1i'),
      histogramLine(20, at(10), 'count=0,-0.5=0,1e-07=0,1e+21=0,1000000000000000000000000=0,Inf=0'),
    ])
    expect(blocks[0]!.shape.series[0]!.layout).toEqual({ kind: 'explicit', bounds: [-0.5, 1e-7, 1e21, 1e24] })
    expect(plain(blocks[0]!)).toEqual([0, 10, 5, Number.NaN, Number.NaN, Number.NaN, 1, 1, 1, 1, 1])
  })

  it('reads sums, and gives attributes that were numbers back as numbers', async () => {
    const line = (second: number, start: number, fields: string) =>
      `${metrics.featureMoment.name},${identity},${attributes.featureName.name}=age,${attributes.momentOrder.name}=2,${attributes.momentOrigin.name}=0.5 ${fields},start_time_unix_nano=${at(start)}i ${at(second)}`
    const { blocks } = await read([line(10, 0, 'gauge=-2.5'), line(20, 10, 'gauge=4')])
    expect(blocks.map(plain)).toEqual([
      [0, 10, -2.5],
      [10, 20, 4],
    ])
    const [series] = blocks[0]!.shape.series
    expect(seriesKey(series!.metric, series!.attributes)).toBe(
      seriesKey(metrics.featureMoment.name, {
        [attributes.featureName.name]: 'age',
        [attributes.momentOrder.name]: 2,
        [attributes.momentOrigin.name]: 0.5,
      }),
    )
  })

  it('puts series of one scope and interval into one block', async () => {
    const counter = (category: string) =>
      `${metrics.featureObservations.name},${identity},${attributes.featureName.name}=job,${attributes.featureCategory.name}=${category} counter=2,start_time_unix_nano=${at(0)}i ${at(10)}`
    const { blocks } = await read([histogramLine(10, at(0), 'count=1,20=1,+Inf=1'), counter('clerk'), counter('cook')])
    expect(blocks).toHaveLength(1)
    expect(blocks[0]!.shape.series).toHaveLength(3)
  })

  it('skips what cannot be used, and says why', async () => {
    const { blocks, counts } = await read([
      histogramLine(10, '', 'count=1,20=1,+Inf=1', ',k=nostart'),
      histogramLine(10, at(0), 'count=1,20=2,40=1,+Inf=1', ',k=falling'),
      histogramLine(10, at(0), 'count=1,twenty=1', ',k=nobound'),
      histogramLine(10, at(0), 'sum=1', ',k=nocount'),
      histogramLine(10, at(20), 'count=1,20=1,+Inf=1', ',k=backwards'),
      `${metrics.predictions.name},ml.model.name=credit,${attributes.predictionClass.name}=yes counter=1,start_time_unix_nano=${at(0)}i ${at(10)}`,
      `${metrics.predictions.name},${identity} counter=1,start_time_unix_nano=${at(0)}i ${at(10)}`,
    ])
    expect(blocks).toEqual([])
    expect(counts).toEqual({ points: 0, skipped: { identity: 2, 'no-start': 1, 'first-total': 0, malformed: 4 } })
  })
})
