import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CaptureServer } from './capture-server.ts'
import { readMetricsRequest } from './protobuf-fields.ts'
import { smallBaseline } from './small-baseline.ts'

let server: CaptureServer
let directory: string
beforeEach(async () => {
  server = await CaptureServer.start()
  directory = mkdtempSync(join(tmpdir(), 'driftline-exit-'))
})
afterEach(async () => {
  await server.stop()
  rmSync(directory, { recursive: true })
})

/** Runs a program that has a monitor, and says how and how fast it ended after it had nothing more to do. */
async function run(
  body: string,
  environment: Record<string, string> = {},
): Promise<{ code: number | null; output: string; idleMillis: number }> {
  const program = join(directory, 'program.mjs')
  const index = new URL('../src/index.ts', import.meta.url).href
  writeFileSync(
    program,
    `import { createMonitor } from ${JSON.stringify(index)}
     const monitor = createMonitor({ baseline: ${JSON.stringify(smallBaseline())}, ...JSON.parse(process.env.MONITOR_OPTIONS) })
     ${body}
     console.log('idle')`,
  )
  const child = spawn(process.execPath, ['-C', '@driftline/source', program], {
    env: { ...process.env, MONITOR_OPTIONS: JSON.stringify({ endpoint: server.url }), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let idleAt = 0
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => {
      output += text.toString()
      if (idleAt === 0 && output.includes('idle')) idleAt = performance.now()
    })
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, output, idleMillis: performance.now() - idleAt }
}

describe('a process with a live monitor', () => {
  it('ends by itself, and sends what it recorded before it does', async () => {
    const { code, output, idleMillis } = await run(`monitor.record({ age: 15 })`)
    expect([code, output]).toEqual([0, 'idle\n'])
    expect(server.requests).toHaveLength(1)
    expect(readMetricsRequest(server.requests[0]!.body).histograms.age!.count).toBe(1)
    expect(idleMillis).toBeLessThan(5_000)
  })

  it('of eleven models used to warn of a leak of listeners; all of them send their last interval', async () => {
    const { code, output } = await run(`
      const monitors = [monitor]
      for (let i = 1; i < 11; i++) monitors.push(createMonitor({
        model: { name: 'm' + i, version: '1' }, features: [{ name: 'age', kind: 'numeric' }], ...JSON.parse(process.env.MONITOR_OPTIONS) }))
      for (const each of monitors) each.record({ age: 15 })
      console.log('listeners', process.listenerCount('beforeExit'))`)
    expect([code, output]).toEqual([0, 'listeners 1\nidle\n'])
    expect(server.requests.filter(({ path }) => path === '/v1/metrics')).toHaveLength(11)
  })

  it('leaves no listener behind once all of them are shut down', async () => {
    const { code, output } = await run(`
      const other = createMonitor({ model: { name: 'm', version: '1' },
        features: [{ name: 'age', kind: 'numeric' }], ...JSON.parse(process.env.MONITOR_OPTIONS) })
      const count = () => process.listenerCount('beforeExit')
      const counts = [count()]
      for (const each of [monitor, other, other]) { await each.shutdown(); counts.push(count()) }
      console.log(counts.join(' '))`)
    expect([code, output]).toEqual([0, '1 1 0 0\nidle\n'])
  })

  it('sends what is recorded while it ends, once, and ends', async () => {
    const { code } = await run(`monitor.record({ age: 1 })
      let left = 2
      process.on('beforeExit', () => { if (left-- > 0) setTimeout(() => monitor.record({ age: 2 }), 5) })`)
    expect(code).toBe(0)
    const counts = server.requests.map(({ body }) => readMetricsRequest(body).histograms.age!.count)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(3)
  })

  it.each([
    ['nobody listens', 'http://127.0.0.1:9', 200],
    ['the receiver is overloaded', '', 503],
    ['the receiver refuses', '', 400],
  ])('ends although %s', async (_, endpoint, status) => {
    server.status = status
    const { code, idleMillis } = await run(
      `monitor.record({ age: 1 }); await monitor.flush(); monitor.record({ age: 2 })`,
      {
        MONITOR_OPTIONS: JSON.stringify({ endpoint: endpoint === '' ? server.url : endpoint }),
      },
    )
    expect(code).toBe(0)
    // The exporter's own retries would take 10 s.
    expect(idleMillis).toBeLessThan(4_000)
  })

  it('ends although the receiver never answers', async () => {
    const mute = createServer(() => {})
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    const { port } = mute.address() as AddressInfo
    try {
      const { code, idleMillis } = await run(`monitor.record({ age: 1 })`, {
        MONITOR_OPTIONS: JSON.stringify({ endpoint: `http://127.0.0.1:${port}` }),
      })
      expect(code).toBe(0)
      expect(idleMillis).toBeLessThan(6_000)
    } finally {
      mute.closeAllConnections()
      mute.close()
    }
  })

  it('ends in 2 s although no connection comes about, which once held it for 3 s', { retry: 2 }, async () => {
    // Never accepts; with its queue full, further connections hang.
    const listener = spawn(
      process.execPath,
      [
        '-e',
        `const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
           require('node:fs').writeSync(1, String(server.address().port))
           Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 30_000)
         })`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const port = Number(String((await once(listener.stdout, 'data'))[0]))
    const queued = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
    try {
      await once(queued[0]!, 'connect')
      const { code, idleMillis } = await run(`monitor.record({ age: 1 })`, {
        MONITOR_OPTIONS: JSON.stringify({ endpoint: `http://127.0.0.1:${port}` }),
      })
      expect(code).toBe(0)
      expect(idleMillis).toBeLessThan(3_000)
    } finally {
      for (const socket of queued) socket.destroy()
      listener.kill('SIGKILL')
    }
  })

  it('waits for shutdown when it is awaited', async () => {
    const { code, output } = await run(
      `monitor.record({ age: 1 }); await monitor.shutdown(); console.log(JSON.stringify(monitor.statistics().exports))`,
    )
    expect([code, output]).toEqual([0, '{"exported":1,"failed":0,"pending":0}\nidle\n'])
  })

  it('does not crash on an export failure that nobody handles', async () => {
    server.status = 503
    const { code, output } = await run(`monitor.record({ age: 1 }); await monitor.flush(); await monitor.flush()`)
    expect(code).toBe(0)
    expect(output).not.toContain('Unhandled')
  })
})
