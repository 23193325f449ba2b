import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startCollector, type Collector } from '../../../collector/src/app.ts'
import { systemClock } from '../../../collector/src/clock.ts'
import { loadConfig } from '../../../collector/src/config.ts'
import { readTexts, type TextFile } from '../texts.ts'

const folder = fileURLToPath(new URL('..', import.meta.url))

/** The unchanged server under the flag, and a real collector: from texts to a verdict. */
describe('the sentiment server with --import', () => {
  let directory: string
  let collector: Collector
  let ahead: number
  let servers: ChildProcess[]
  let words: string

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-sentiment-'))
    ahead = 0
    servers = []
    words = ''
    const flags = {
      'data-dir': join(directory, 'data'),
      port: '0',
      baseline: ['baseline.json'],
      manifest: ['manifest.json'],
      rules: ['demo.rules.ts'],
    }
    const config = await loadConfig(flags, {}, folder)
    // The rows are recorded at the real time; evaluation is told that the window has long ended.
    const clock = { ...systemClock, now: () => Date.now() + ahead }
    collector = await startCollector({ config, clock, environment: {}, log: () => undefined })
  })
  afterEach(async () => {
    for (const server of servers) server.kill('SIGKILL')
    await collector.close()
    rmSync(directory, { recursive: true })
  })

  async function startServer(flags: readonly string[]): Promise<{ server: ChildProcess; url: string }> {
    const server = spawn(process.execPath, ['-C', '@driftline/source', ...flags, 'server.ts'], {
      cwd: folder,
      env: {
        ...process.env,
        PORT: '0',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        // Longer than the test: what arrives was sent at the end.
        OTEL_METRIC_EXPORT_INTERVAL: '3600000',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    servers.push(server)
    server.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()))
    const [line] = (await once(server.stdout, 'data')) as [Buffer]
    const [, url] = /^sentiment server listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line.toString()) ?? []
    return { server, url: url! }
  }

  async function classify(url: string, texts: readonly string[]): Promise<string> {
    const response = await fetch(`${url}/classify`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', connection: 'close' },
      body: JSON.stringify({ texts }),
    })
    expect(response.status).toBe(200)
    return response.text()
  }

  /** Sends texts to a server under the flag, ends it, and returns its answers. */
  async function serve(file: TextFile, count: number, flags: readonly string[]): Promise<string[]> {
    const { server, url } = await startServer(flags)
    const answers: string[] = []
    const texts = readTexts(file).slice(0, count)
    for (let start = 0; start < count; start += 100) {
      answers.push(
        await classify(
          url,
          texts.slice(start, start + 100).map(({ text }) => text),
        ),
      )
    }
    server.kill('SIGTERM')
    // The server itself does not listen to the signal, and so dies of it.
    expect(await once(server, 'exit')).toEqual([null, 'SIGTERM'])
    return answers
  }
  const monitored = ['--import', '@driftline/instrumentation/register']

  interface Result {
    readonly signal: string
    readonly feature: string
    readonly status: string
  }
  async function results(): Promise<Result[]> {
    const response = await fetch(`${collector.url}/api/v1/models/sentiment/versions/1/results`)
    expect(response.status).toBe(200)
    return ((await response.json()) as { results: Result[] }).results
  }
  const statusOf = (all: readonly Result[], signal: string): Record<string, string> =>
    Object.fromEntries(all.filter((one) => one.signal === signal).map(({ feature, status }) => [feature, status]))

  async function evaluated(): Promise<Result[]> {
    ahead = 60_000
    await collector.evaluate()
    return results()
  }

  it('answers byte for byte what it answers alone, and its model, features and classes reach the collector', async () => {
    const alone = await serve('held-out', 1000, [])
    expect(words).toBe('')
    expect(await serve('held-out', 1000, monitored)).toEqual(alone)
    expect(words).toMatch(/watching @huggingface\/transformers 4\.\d+\.\d+ \(text-classification as sentiment 1\)/)
    expect(words).not.toMatch(/artefact-mismatch|mismatched-model|unreadable|internal/)

    const response = await fetch(`${collector.url}/api/v1/models`)
    const { models } = (await response.json()) as { models: { model: string; version: string; instances: number }[] }
    expect(models).toMatchObject([{ model: 'sentiment', version: '1', instances: 1 }])
    const all = await evaluated()
    expect(Object.keys(statusOf(all, 'feature-drift'))).toEqual([
      'text.characters',
      'text.words',
      'text.mean_word_length',
      'text.non_letter_share',
      'text.upper_share',
      'text.distinct_word_share',
      'text.tokens',
      'text.unknown_token_share',
    ])
    expect(Object.keys(statusOf(all, 'prediction-drift')).sort()).toEqual(['class', 'score'])
    // Texts of the same kind, which the model has not seen, give no alarm.
    expect(all.filter(({ status }) => status === 'drift')).toEqual([])
  })

  it('is told to drift when texts of another kind come', async () => {
    await serve('product-reviews', 1000, monitored)
    const all = await evaluated()
    expect(statusOf(all, 'feature-drift')).toMatchObject({
      'text.upper_share': 'drift',
      'text.characters': 'drift',
      'text.mean_word_length': 'drift',
    })
    expect(statusOf(all, 'prediction-drift')).toMatchObject({ class: 'drift' })
    expect(statusOf(all, 'multivariate-drift')).toEqual({ pca: 'drift' })
    const { alerts } = (await (await fetch(`${collector.url}/api/v1/alerts`)).json()) as { alerts: { state: string }[] }
    expect(alerts.map(({ state }) => state)).toContain('firing')
  })
})
