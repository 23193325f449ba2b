import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Bench, sourceCondition } from './registered-process.ts'

let bench: Bench
beforeEach(async () => {
  bench = await Bench.start()
})
afterEach(() => bench.stop())

/** A process with a watched model; without the flag `instrument` is absent and nothing of Driftline is loaded. */
const program = (body: string): string => `
  const model = { predict: (rows) => rows.map((row) => row[0] > 1) }
  if (process.env.PLAIN === undefined) {
    const { instrument } = await import('@driftline/instrumentation')
    instrument(model, { predict: 'predict', name: 'm' })
  }
  model.predict([[1, 2], [3, 4]])
  ${body}
  console.log('ready')`

const alive = `const timer = setInterval(() => {}, 1000)`

describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
  it.each([
    ['nobody listens', alive],
    ['the application ends by itself', `${alive}; process.once('${signal}', () => clearInterval(timer))`],
    ['the application exits later', `${alive}; process.on('${signal}', () => setTimeout(() => process.exit(7), 300))`],
    [
      'a listener came and went',
      `${alive}; const f = () => {}; process.on('${signal}', f); process.off('${signal}', f)`,
    ],
    [
      'a library ends the process only if it is the only listener',
      `${alive}; const f = () => { if (process.listeners('${signal}').length === 1) { process.off('${signal}', f); process.kill(process.pid, '${signal}') } }
       process.on('${signal}', f)`,
    ],
    [
      'the application ignores the first one',
      `${alive}; process.once('${signal}', () => process.kill(process.pid, '${signal}'))`,
    ],
  ])('ends the process as without us, and sends what was recorded, when %s', async (_, body) => {
    const file = bench.write('program.mjs', program(body))
    const ends = []
    for (const plain of [true, false]) {
      const running = bench.start(file, plain ? { flags: [], environment: { PLAIN: '1' } } : {})
      await running.said(/ready/)
      running.kill(signal)
      const { code, signal: by } = await running.ended
      ends.push({ code, by })
    }
    expect(ends[1]).toEqual(ends[0])
    expect(bench.streams).toMatchObject([{ model: 'm', features: { 'input[0]': 2 }, classes: { false: 1, true: 1 } }])
  })
})

describe('the end of a process', () => {
  it('comes by itself as soon as there is nothing to do, with everything sent', async () => {
    const { code, output } = await bench.run(bench.write('once.mjs', program('')))
    expect([code, output]).toEqual([0, 'ready\n'])
    expect(bench.streams).toMatchObject([{ features: { 'input[0]': 2, 'input[1]': 2 } }])
  })

  it('is not put off beyond the deadline by a receiver that does not answer', async () => {
    const mute = createServer(() => {})
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    try {
      const running = bench.start(bench.write('alive.mjs', program(alive)), {
        environment: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(mute.address() as AddressInfo).port}`,
          DRIFTLINE_SHUTDOWN_DEADLINE_MS: '400',
        },
      })
      await running.said(/ready/)
      const asked = performance.now()
      running.kill('SIGTERM')
      const { signal } = await running.ended
      expect(signal).toBe('SIGTERM')
      expect(performance.now() - asked).toBeGreaterThan(350)
      expect(performance.now() - asked).toBeLessThan(1_900)
    } finally {
      mute.closeAllConnections()
      mute.close()
    }
  })

  it('waits for nothing when the signal comes a second time', async () => {
    const mute = createServer(() => {})
    mute.listen(0, '127.0.0.1')
    await once(mute, 'listening')
    try {
      const running = bench.start(bench.write('alive.mjs', program(alive)), {
        environment: {
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(mute.address() as AddressInfo).port}`,
          DRIFTLINE_SHUTDOWN_DEADLINE_MS: '20000',
        },
      })
      await running.said(/ready/)
      const asked = performance.now()
      running.kill('SIGINT')
      // The request of the last interval says that the first signal was seen.
      await once(mute, 'request')
      running.kill('SIGINT')
      expect((await running.ended).signal).toBe('SIGINT')
      expect(performance.now() - asked).toBeLessThan(10_000)
    } finally {
      mute.closeAllConnections()
      mute.close()
    }
  })

  it('is not touched when OpenTelemetry is switched off', async () => {
    const file = bench.write(
      'listeners.mjs',
      `console.log(['SIGTERM', 'SIGINT', 'beforeExit'].map((name) => process.listenerCount(name)).join(' '),
        String(process.emit).includes('native') || Object.hasOwn(process, 'emit'), Symbol.for('driftline.agent') in globalThis)`,
    )
    for (const environment of [{ OTEL_SDK_DISABLED: 'true' }, { DRIFTLINE_DISABLED: 'TRUE' }]) {
      const { output, errors } = await bench.run(file, { environment })
      const plain = await bench.run(file, { flags: sourceCondition })
      expect([output, errors]).toEqual([plain.output, ''])
      expect(output).toContain('0 0 0')
      expect(output).toContain('false\n')
    }
    expect(bench.receiver.requests).toHaveLength(0)
  })
})
