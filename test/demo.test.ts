import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const main = fileURLToPath(new URL('../simulator/src/main.ts', import.meta.url))

interface Ended {
  readonly code: number | null
  readonly events: readonly { event: string; [member: string]: unknown }[]
  readonly stderr: string
}

/** `npm start` as a user runs it, with shorter times: real processes, real HTTP, the real model. */
describe('the demonstration', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-demo-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  const run = (
    args: readonly string[],
    onEvent: (event: string, stop: () => void) => void = () => undefined,
  ): Promise<Ended> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, ['-C', '@driftline/source', main, 'demo', '--json', ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      const events: { event: string }[] = []
      let rest = ''
      let stderr = ''
      child.stdout.on('data', (chunk: Buffer) => {
        const lines = (rest + chunk.toString()).split('\n')
        rest = lines.pop()!
        for (const line of lines) {
          const event = JSON.parse(line) as { event: string }
          events.push(event)
          onEvent(event.event, () => child.kill('SIGINT'))
        }
      })
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      child.on('close', (code) => resolve({ code, events, stderr }))
    })

  it('raises the planted alarm and none before, names the feature, and ends cleanly on Ctrl-C', async () => {
    const data = join(directory, 'data')
    const { code, events, stderr } = await run(
      ['--port', '0', '--data-dir', data, '--drift-after', '12', '--duration', '60', '--rate', '200'],
      (event, stop) => {
        if (event === 'alarm') stop()
      },
    )
    expect(stderr).toBe('')
    expect(code).toBe(0)
    const names = events.map(({ event }) => event)
    expect(names.indexOf('alarm')).toBeGreaterThan(names.indexOf('drift-planted'))
    const alarm = events.find(({ event }) => event === 'alarm') as unknown as {
      alert: { explanation: { moved: { feature: string }[]; diagnosis: { cause: string }[] } }
    }
    expect(alarm.alert.explanation.moved[0]!.feature).toBe('AGEP')
    expect(alarm.alert.explanation.diagnosis[0]!.cause).toBe('unit-or-scale-change')
    // Of the first window with outcomes, before the drift: some seven hundred, so 0.08 is more than five standard errors.
    const [accuracy] = events
      .filter(({ event }) => event === 'status')
      .map(
        ({ status }) => (status as { accuracy: { value: number; outcomes: number; offline: number } | null }).accuracy,
      )
      .filter((known) => known !== null)
    expect(accuracy!.offline).toBeCloseTo(0.8303, 4)
    expect(Math.abs(accuracy!.value - accuracy!.offline)).toBeLessThan(0.08)
    expect(names.at(-1)).toBe('stopped')
    expect(existsSync(join(data, 'driftline.sqlite'))).toBe(true)
  }, 90_000)

  it('says in one line what is wrong, and ends with 1', async () => {
    const { code, stderr } = await run(['--port', '0', '--data-dir', '/dev/null/data', '--duration', '20'])
    expect(code).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain('/dev/null/data')
  }, 60_000)
})
