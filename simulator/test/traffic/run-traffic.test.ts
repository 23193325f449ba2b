import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { drifts } from '../../src/drift/drifts.ts'
import { runTraffic } from '../../src/traffic/run-traffic.ts'
import { parseTrafficArguments, type TrafficCommandOptions } from '../../src/traffic/traffic-options.ts'

describe('the arguments of traffic', () => {
  it('have defaults that send undisturbed rows to the example', () => {
    const parsed = parseTrafficArguments([])
    expect(parsed).toMatchObject({
      kind: 'run',
      options: {
        url: 'http://127.0.0.1:3000/predict',
        rate: 20,
        drift: { name: 'none' },
        seed: 1,
        outcomes: 0.8,
        heartbeat: null,
      },
    })
    expect(parseTrafficArguments(['--outcomes', '0'])).toMatchObject({ kind: 'run', options: { outcomes: 0 } })
  })

  it('are refused with every problem', () => {
    const parsed = parseTrafficArguments([
      '--url',
      'https://x.test',
      '--rate',
      '0',
      '--drift',
      'x',
      '--seed',
      '1.5',
      '--outcomes=1.1',
    ])
    expect(parsed.kind === 'wrong' && parsed.problems.map((problem) => problem.split(':')[0])).toEqual([
      '--drift',
      '--url',
      '--rate',
      '--outcomes',
      '--seed',
    ])
  })
})

interface Outcome {
  readonly id: string
  readonly employed: boolean
}

describe('running traffic', () => {
  let directory: string
  let server: Server
  let ages: number[]
  let outcomes: Outcome[]
  let outcomesStatus: number
  let arrived: () => void
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-traffic-'))
    ages = []
    outcomes = []
    outcomesStatus = 200
    arrived = () => {}
    server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => (body += String(chunk)))
      request.on('end', () => {
        const { rows = [], outcomes: told = [] } = JSON.parse(body) as {
          rows?: { AGEP: number }[]
          outcomes?: Outcome[]
        }
        ages.push(...rows.map(({ AGEP }) => AGEP))
        outcomes.push(...told)
        response.writeHead(request.url === '/outcomes' ? outcomesStatus : 200).end('{}')
        arrived()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterEach(async () => {
    rmSync(directory, { recursive: true })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  const options = (more: Partial<TrafficCommandOptions>): TrafficCommandOptions => ({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/predict`,
    rate: 100,
    drift: drifts.find(({ name }) => name === 'none')!,
    driftAfter: 0,
    outcomes: 0,
    seed: 1,
    heartbeat: null,
    ...more,
  })
  /** Looks of every five seconds come every 50 ms; the rest runs by the real clock. */
  const hasty = { ...systemClock, after: (ms: number, run: () => void) => systemClock.after(ms >= 5000 ? 50 : ms, run) }

  it('sends until it is interrupted, touches the heartbeat while it is answered, and says what it did', async () => {
    const heartbeat = join(directory, 'heartbeat')
    const interrupt = new AbortController()
    const lines: string[] = []
    arrived = () => {
      if (ages.length >= 30) interrupt.abort()
    }
    await runTraffic(options({ heartbeat }), {
      clock: hasty,
      log: (line) => lines.push(line),
      interrupted: interrupt.signal,
    })
    expect(existsSync(heartbeat) && statSync(heartbeat).size).toBeGreaterThan(0)
    expect(lines.at(-1)).toMatch(/^sent (\d+), answered \1, failed 0, skipped 0; outcomes 0, failed 0$/)
    expect(Math.max(...ages)).toBeLessThan(120)
  })

  it('tells outcomes by the label of the data, and says how many', async () => {
    const interrupt = new AbortController()
    const lines: string[] = []
    arrived = () => {
      if (outcomes.length >= 20) interrupt.abort()
    }
    await runTraffic(options({ outcomes: 1 }), {
      clock: hasty,
      log: (line) => lines.push(line),
      interrupted: interrupt.signal,
    })
    for (const outcome of outcomes)
      expect(outcome).toEqual({ id: expect.any(String) as string, employed: expect.any(Boolean) as boolean })
    expect(new Set(outcomes.map(({ employed }) => employed)).size).toBe(2)
    expect(lines.at(-1)).toMatch(new RegExp(`; outcomes ${outcomes.length}, failed 0$`))
  })

  it('says once that a server has no route for outcomes, and goes on', async () => {
    outcomesStatus = 404
    const interrupt = new AbortController()
    const lines: string[] = []
    await runTraffic(options({ outcomes: 1 }), {
      clock: hasty,
      log: (line) => {
        lines.push(line)
        if (line.includes('no route for outcomes')) systemClock.after(200, () => interrupt.abort())
      },
      interrupted: interrupt.signal,
    })
    expect(lines.filter((line) => line.includes('no route'))).toHaveLength(1)
    expect(lines.at(-1)).toMatch(/^sent (\d+), answered \1, failed 0, .*; outcomes 0, failed \d+$/)
  })

  it('plants the drift in time', async () => {
    const interrupt = new AbortController()
    const lines: string[] = []
    arrived = () => {
      if (ages.some((age) => age > 200)) interrupt.abort()
    }
    const drift = drifts.find(({ name }) => name === 'age-in-months')!
    await runTraffic(options({ drift }), {
      clock: hasty,
      log: (line) => lines.push(line),
      interrupted: interrupt.signal,
    })
    expect(lines[1]).toContain('planted the drift age-in-months')
  })
})
