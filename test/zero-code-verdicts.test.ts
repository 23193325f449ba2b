import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCollector, type Collector } from '../collector/src/app.ts'
import { systemClock } from '../collector/src/clock.ts'
import { loadConfig } from '../collector/src/config.ts'
import { features } from '../examples/employment/features.ts'
import { readRows } from '../examples/employment/rows.ts'

const folder = fileURLToPath(new URL('../examples/employment', import.meta.url))

const windowMillis = 10_000
const hourMillis = 3_600_000

/** Ending the servers takes less than this, also on a busy machine; and so does all that they do. */
const endMillis = 4_000
const serveMillis = 20_000

/** Relative; 2,500 values added up in another order differ by some 1e-15, and the difference of two means by more. */
const roundOff = 1e-9

type Row = Record<string, unknown>
type Form = 'createMonitor' | '--import'

const commands: Readonly<Record<Form, readonly string[]>> = {
  createMonitor: ['server.ts'],
  '--import': ['--import', '@driftline/instrumentation/register', 'plain-server.ts'],
}

interface Verdict {
  readonly startMs: number
  readonly signal: string
  readonly feature: string
  readonly status: string
  readonly [member: string]: unknown
}

/** The employment server in its two forms, each with a real collector of its own, gets the same requests. */
describe('the same server with createMonitor and with --import', () => {
  let directory: string
  let collectors: Record<Form, Collector>
  let ahead: number
  let children: ChildProcess[]
  let words: string

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-verdicts-'))
    ahead = 0
    children = []
    words = ''
    writeFileSync(
      join(directory, 'rules.json'),
      JSON.stringify({
        model: 'employment',
        window: { size: '10s' },
        falseAlarmBudget: '1 per 30d',
        rules: [
          { name: 'inputs moved', signal: 'feature-drift', severity: 'warning' },
          { name: 'predictions moved', signal: 'prediction-drift', severity: 'warning' },
        ],
      }),
    )
    const start = async (name: string): Promise<Collector> => {
      const flags = {
        'data-dir': join(directory, name),
        port: '0',
        baseline: ['baseline.json'],
        manifest: ['manifest.json'],
        rules: [join(directory, 'rules.json')],
      }
      // The rows are recorded at the real time; evaluation is told that the window has long ended.
      const clock = { ...systemClock, now: () => Date.now() + ahead }
      return startCollector({
        config: await loadConfig(flags, {}, folder),
        clock,
        environment: {},
        log: () => undefined,
      })
    }
    collectors = { createMonitor: await start('first'), '--import': await start('second') }
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(Object.values(collectors).map((collector) => collector.close()))
    rmSync(directory, { recursive: true })
  })

  async function startServer(form: Form): Promise<{ child: ChildProcess; url: string }> {
    const child = spawn(process.execPath, ['-C', '@driftline/source', ...commands[form]], {
      cwd: folder,
      env: {
        ...process.env,
        PORT: '0',
        OTEL_EXPORTER_OTLP_ENDPOINT: collectors[form].url,
        // Longer than the test: what arrives was sent at the end.
        OTEL_METRIC_EXPORT_INTERVAL: String(hourMillis),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    children.push(child)
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
    const [line] = (await once(child.stdout, 'data')) as [Buffer]
    const [, url] = /^employment server listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line.toString()) ?? []
    return { child, url: url! }
  }

  /** Waits until a window is not about to end, so that both servers do what they do in the same one. */
  async function roomIn(sizeMillis: number, neededMillis: number): Promise<void> {
    const left = sizeMillis - (Date.now() % sizeMillis)
    if (left < neededMillis) await sleep(left)
  }

  /** Sends the same rows to both forms, and ends them. */
  async function serve(rows: readonly Row[]): Promise<void> {
    // Intervals of an hour end with it.
    await roomIn(hourMillis, serveMillis)
    const forms = Object.keys(commands) as Form[]
    const servers = await Promise.all(forms.map(startServer))
    const answers = await Promise.all(
      servers.map(async ({ url }) => {
        const bodies: string[] = []
        let size = 1
        for (let first = 0; first < rows.length; first += size) {
          // One row alone, then batches of different size: each is recorded in its own way.
          size = first === 0 ? 1 : first < 100 ? 33 : 500
          const body = first === 0 ? rows[0] : { rows: rows.slice(first, first + size) }
          const response = await fetch(`${url}/predict`, {
            method: 'POST',
            headers: { 'content-type': 'application/json', connection: 'close' },
            body: JSON.stringify(body),
          })
          expect(response.status).toBe(200)
          bodies.push(await response.text())
        }
        return bodies
      }),
    )
    expect(answers[1]).toEqual(answers[0])
    await roomIn(windowMillis, endMillis)
    const ended = servers.map(({ child }) => once(child, 'exit'))
    for (const { child } of servers) child.kill('SIGTERM')
    expect(await Promise.all(ended)).toEqual([
      [0, null],
      [0, null],
    ])
  }

  async function get<Answer>(form: Form, path: string): Promise<Answer> {
    const response = await fetch(`${collectors[form].url}/api/v1/models/employment/versions/1/${path}`)
    expect(response.status).toBe(200)
    return (await response.json()) as Answer
  }

  async function verdicts(form: Form): Promise<Verdict[]> {
    await collectors[form].evaluate()
    const { results } = await get<{ results: Verdict[] }>(form, 'results?limit=1000')
    // How long calls took is not the same twice.
    return results.filter(({ signal }) => signal !== 'serving')
  }

  it('gives the same verdicts on usual rows, missing values and a planted drift', { timeout: 120_000 }, async () => {
    // A client sends what it knows: some ages and codes are null or absent.
    const usual = readRows('held-out')
      .slice(0, 2500)
      .map((row, i) => {
        const sent: Row = { ...row }
        if (i % 13 === 0) sent['AGEP'] = null
        if (i % 7 === 0) sent['MIG'] = null
        if (i % 11 === 0) delete sent['SCHL']
        return sent
      })
    const drifted = usual.map((row, i): Row => {
      const age = row['AGEP']
      return {
        ...row,
        AGEP: typeof age === 'number' ? age * 12 : age,
        SEX: '1',
        CIT: i % 3 === 0 ? '77' : row['CIT'],
        MAR: i % 2 === 0 ? null : row['MAR'],
      }
    })
    await serve(usual)
    // The next window.
    await sleep(windowMillis - (Date.now() % windowMillis))
    await serve(drifted)
    expect(words).toMatch(/^driftline: watching onnxruntime-node [\d.]+ \(model\.onnx as employment 1\)/m)
    expect(words).not.toMatch(/artefact-mismatch|mismatched-model|unreadable|internal|export/)

    ahead = 60_000
    const first = await verdicts('createMonitor')
    const second = await verdicts('--import')
    // Status, effect, evidence, counts and distances are the same numbers. One form adds up row by row, the other batch by batch: sums of
    // floats differ in their last digits, and with them the mean, the deviation and the two tests that are computed from these.
    for (const { member, relative } of differences(first, second)) {
      expect(member).toMatch(/^(summary\.window\.(mean|standardDeviation)|tests\.(welch|varianceRatio)\..+)$/)
      expect([member, relative < roundOff]).toEqual([member, true])
    }

    const windows = [...new Set(first.map(({ startMs }) => startMs))].sort((a, b) => a - b)
    expect(windows).toHaveLength(2)
    const statusOf = (window: number, signal: string): Record<string, string> =>
      Object.fromEntries(
        first
          .filter((one) => one.startMs === windows[window] && one.signal === signal)
          .map(({ feature, status }) => [feature, status]),
      )
    const [before, after] = [statusOf(0, 'feature-drift'), statusOf(1, 'feature-drift')]
    expect(Object.keys(after).toSorted()).toEqual([...features].toSorted())
    // What is often missing has moved already, as the baseline has no missing value.
    for (const name of ['SEX', 'CIT', 'RAC1P']) expect([name, before[name]]).toEqual([name, 'ok'])
    for (const name of ['AGEP', 'SEX', 'CIT', 'MAR']) expect([name, after[name]]).toEqual([name, 'drift'])
    expect(after['RAC1P']).toBe('ok')
    expect(statusOf(1, 'data-health')['MAR']).toBe('drift')
  })
})

interface Difference {
  /** Its path inside a verdict. */
  readonly member: string
  /** Of two numbers, in units of the larger; infinite for anything else. */
  readonly relative: number
}

function differences(first: unknown, second: unknown, path: readonly string[] = []): Difference[] {
  if (Object.is(first, second)) return []
  if (typeof first === 'object' && typeof second === 'object' && first !== null && second !== null) {
    const keys = [...new Set([...Object.keys(first), ...Object.keys(second)])]
    return keys.flatMap((key) => differences((first as Row)[key], (second as Row)[key], [...path, key]))
  }
  const relative =
    typeof first === 'number' && typeof second === 'number'
      ? Math.abs(first - second) / Math.max(Math.abs(first), Math.abs(second))
      : Number.POSITIVE_INFINITY
  return [{ member: path.slice(1).join('.'), relative }]
}
