import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { digestJson, type Json } from '../../src/contract/index.ts'
import { startMonitor } from '../../src/monitor.ts'
import type { ExportResult, ResourceMetrics } from '../../src/otel.ts'
import { ManualClock } from '../manual-clock.ts'
import { seriesOf } from '../series.ts'
import { smallBaseline } from '../small-baseline.ts'

it('counts rows in the old cells up to a boundary and in the new ones from there, each once, and keeps what waits', async () => {
  const baseline = smallBaseline()
  const server = createServer((_request, response) => response.end(JSON.stringify(baseline)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const sent: ResourceMetrics[] = []
  const clock = new ManualClock(1_000_000)
  const monitor = startMonitor(
    {
      model: baseline.model,
      features: baseline.features.map(({ name, kind }) => ({ name, kind })),
      collector: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
      exporter: {
        export: (metrics: ResourceMetrics, done: (result: ExportResult) => void) => {
          sent.push(metrics)
          done({ code: 0 })
        },
        shutdown: () => Promise.resolve(),
      },
    },
    clock,
  )
  for (let i = 0; i < 100; i++) monitor.record({ age: 15 }, { class: 'yes', id: i })
  await monitor.flush()
  // The answer comes while rows are being recorded.
  await clock.fireNext()
  let rows = 0
  const flushed = async (): Promise<string | null> => {
    monitor.record({ age: 15 })
    rows++
    await monitor.flush()
    return monitor.statistics().baselineDigest
  }
  const digest = digestJson(baseline as unknown as Json)
  await expect.poll(flushed).toBe(digest)
  for (let i = 0; i < 50; i++) monitor.record({ age: 15 }, { class: 'yes', id: 1000 + i })
  // Of a prediction in the old cells, and of one in the new.
  monitor.outcome(7, 'no')
  monitor.outcome(1007, 'no')
  await monitor.flush()

  let counted = 0
  const kinds: string[] = []
  for (const { scopeMetrics } of sent) {
    const value = seriesOf(scopeMetrics).get('ml.feature.value age') as { count: number } | undefined
    if (value === undefined) continue
    counted += value.count
    const own = scopeMetrics[0]!.scope.attributes['ml.baseline.digest']
    kinds.push(
      `${'scale' in value ? 'log-linear' : 'explicit'} ${own === undefined ? 'without' : String(own === digest)}`,
    )
  }
  expect(counted).toBe(150 + rows)
  expect(kinds.slice(0, -1).every((kind) => kind === 'log-linear without')).toBe(true)
  expect(kinds.at(-1)).toBe('explicit true')
  expect(seriesOf(sent.at(-1)!.scopeMetrics).get('ml.outcomes yes no')).toBe(2)
  expect(monitor.statistics()).toMatchObject({ rows: 150 + rows, dropped: {}, outcomes: { joined: 2, pending: 148 } })
  await monitor.shutdown()
  server.closeAllConnections()
  server.close()
})
