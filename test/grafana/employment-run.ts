import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Baseline, Manifest } from '@driftline/instrumentation/contract'
import { startCollector, type Collector } from '../../collector/src/app.ts'
import { readManifest } from '../../collector/src/baseline/read-baseline.ts'
import { buildBaseline } from '../../collector/src/baseline/build-baseline.ts'
import { systemClock } from '../../collector/src/clock.ts'
import { loadConfig } from '../../collector/src/config.ts'
import { features, type FeatureName, type PersonRow } from '../../examples/employment/features.ts'
import { className, openModel, predict, type Prediction } from '../../examples/employment/predict.ts'
import { readRows, type DataRow } from '../../examples/employment/rows.ts'
import { startMonitor, type Monitor } from '../../instrumentation/src/monitor.ts'
import { startInfluxd, type Influxd } from '../../collector/test/support/influxd.ts'

export const hourMs = 3_600_000
const rulesFile = fileURLToPath(new URL('../../examples/employment/driftline.rules.ts', import.meta.url))
const manifestFile = fileURLToPath(new URL('../../examples/employment/manifest.json', import.meta.url))

/** Versions are free text: one that regular expressions and tags could stumble over. */
export const secondVersion = '2.0+rc/1 (b)'
/** A model without rules of its own, whose name has what has to be escaped in line protocol, InfluxQL and regular expressions. */
export const oddModel = "pay/roll, o'neil=1.0 (beta|x)"

/** Hours since the first: version 1, then version 2, then version 2 with planted faults, then nothing. */
export const schedule = { deployed: 6, drift: 10, end: 13, silent: 20 } as const
const rowsAnHour = 1_000
const attributedRows = 60
const method = 'replace-by-mode'

/** A collector on InfluxDB that lived through some hours of two models, with faults planted late. */
export interface EmploymentRun {
  readonly influxd: Influxd
  readonly database: string
  readonly collector: Collector
  /** Start of the first hour. */
  readonly startMs: number
  dispose(): Promise<void>
}

export async function runEmployment(): Promise<EmploymentRun> {
  const directory = await mkdtemp(join(tmpdir(), 'driftline-employment-'))
  const influxd = await startInfluxd()
  const startMs = Math.floor(Date.now() / hourMs) * hourMs - (schedule.silent + 1) * hourMs
  let now = startMs
  const clock = { ...systemClock, now: () => now }
  const config = await loadConfig(
    { 'data-dir': join(directory, 'data'), port: '0', rules: [rulesFile], store: 'influx' },
    { DRIFTLINE_INFLUX_URL: influxd.url, DRIFTLINE_NAME: 'collector a' },
    directory,
  )
  const log: string[] = []
  const collector = await startCollector({ config, clock, environment: {}, log: (line) => void log.push(line) })
  const dispose = async () => {
    await collector.close()
    await influxd.dispose()
    await rm(directory, { recursive: true })
  }
  try {
    const model = await employmentModel(directory)
    const odd = await oddBaseline(directory)
    const putDocument = async (kind: 'baseline' | 'manifest', document: Baseline | Manifest) => {
      const { name, version } = document.model
      const path = `/api/v1/models/${encodeURIComponent(name)}/versions/${encodeURIComponent(version)}/${kind}`
      const answer = await fetch(`${collector.url}${path}`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(document),
      })
      if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    }
    const first = model.documents('1')
    await putDocument('manifest', first.manifest)
    await putDocument('baseline', first.baseline)
    await putDocument('baseline', odd)
    for (let hour = 0; hour < schedule.silent; hour++) {
      const hourStart = startMs + hour * hourMs
      const drifted = hour >= schedule.drift
      if (hour < schedule.end) {
        const version = hour < schedule.deployed ? '1' : secondVersion
        const documents = model.documents(version)
        now = hourStart + 60_000
        if (hour === schedule.deployed) {
          await putDocument('manifest', documents.manifest)
          await putDocument('baseline', documents.baseline)
        }
        for (const instance of ['a', 'b']) {
          now = hourStart + 120_000
          const monitor = startMonitor(
            { ...documents, instance, serviceName: 'scoring', endpoint: collector.url },
            { now: () => now, after: () => () => undefined },
          )
          await model.serve(monitor, hour * 2 + (instance === 'a' ? 0 : 1), drifted)
          now = hourStart + 50 * 60_000
          await monitor.shutdown()
        }
        now = hourStart + 120_000
        const monitor = startMonitor(
          { baseline: odd, instance: 'a', endpoint: collector.url },
          { now: () => now, after: () => () => undefined },
        )
        for (const { row, output, actual } of oddRows(1_000, hour + 1, drifted)) {
          monitor.record(row, output)
          monitor.recordOutcome(output.class, actual)
        }
        now = hourStart + 50 * 60_000
        await monitor.shutdown()
      }
      for (const minute of [62, 63]) {
        now = hourStart + minute * 60_000
        await collector.evaluate()
        await collector.report()
      }
    }
    const alert = (await alertsOf(collector.url))[0]
    if (alert !== undefined) {
      await fetch(`${collector.url}/api/v1/alerts/${alert.id}/verdict`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ verdict: 'true-alarm', by: 'Ada' }),
      })
    }
    await sentWhole(collector)
    return { influxd, database: 'driftline', collector, startMs, dispose }
  } catch (error) {
    await dispose()
    throw new Error(`the run ended early; the collector said:\n${log.slice(-20).join('\n')}`, { cause: error })
  }
}

async function alertsOf(url: string): Promise<{ readonly id: string }[]> {
  return ((await (await fetch(`${url}/api/v1/alerts`)).json()) as { alerts: { id: string }[] }).alerts
}

/** Waits until InfluxDB has everything. */
export async function sentWhole({ url }: Collector): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const text = await (await fetch(`${url}/metrics`)).text()
    if (/^driftline_journal_queued_records 0$/m.test(text)) return
    if (Date.now() > deadline) throw new Error(`the journal does not empty:\n${text}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** The example's model with a baseline that has confidence and attributions as well. */
async function employmentModel(directory: string) {
  const session = await openModel()
  const manifest = await readManifest(manifestFile)
  const training = readRows('baseline')
  const modes = modesOf(training)
  const file = join(directory, 'scored.csv')
  const predictions = await predict(session, training)
  const lines = [
    [...features, 'actual', 'class', 'score', 'confidence', ...features.map((name) => `by_${name}`)].join(','),
  ]
  for (const [i, row] of training.entries()) {
    const { employed, probability } = predictions[i]!
    const attributed = i % 10 === 0 ? await attributionsOf(row, probability) : features.map(() => '')
    const answers = [className(row.employed), className(employed), probability, Math.max(probability, 1 - probability)]
    lines.push([...features.map((name) => row[name]), ...answers, ...attributed].join(','))
  }
  await writeFile(file, lines.join('\n'))
  const { baselineDigest: _other, ...withoutDigest } = manifest
  const built = await buildBaseline({
    file,
    model: { name: 'employment', version: '1' },
    createdAt: '2026-01-01T00:00:00.000Z',
    manifest: withoutDigest,
    features: [...features],
    columns: { target: 'actual', prediction: 'class', score: 'score', confidence: 'confidence', time: '@row' },
    attributions: { prefix: 'by_', method },
    threshold: 0.5,
    decisionRule: '>',
  })
  const rows = readRows('held-out')

  /** What becomes of the probability when one feature is what it most often is: crude, and honest. */
  async function attributionsOf(row: PersonRow, probability: number): Promise<number[]> {
    const replaced = features.map((name) => ({ ...row, [name]: modes.get(name) }))
    return (await predict(session, replaced)).map((other) => probability - other.probability)
  }

  return {
    documents: (version: string): { manifest: Manifest; baseline: Baseline } => ({
      manifest: { ...withoutDigest, model: { ...withoutDigest.model, version } },
      baseline: { ...built.baseline, model: { name: 'employment', version } },
    }),
    /** Answers rows of one hour, and learns of the outcomes. */
    async serve(monitor: Monitor, turn: number, drifted: boolean): Promise<void> {
      const chosen = Array.from({ length: rowsAnHour / 2 }, (_, i) => rows[(turn * 500 + i) % rows.length]!)
      const seen = chosen.map((row, i) => (drifted ? disturbed(row, i) : row))
      const answers: Prediction[] = []
      for (let from = 0; from < seen.length; from += 50) {
        const batch = seen.slice(from, from + 50)
        const call = () => predict(session, batch)
        answers.push(...(await monitor.observe(call, { rows: batch.length, runtime: 'onnxruntime' })))
      }
      try {
        monitor.observe(
          () => {
            throw new Error('planted')
          },
          { rows: 1, runtime: 'other' },
        )
      } catch {
        // A call that fails, for the share of errors.
      }
      for (const [i, row] of seen.entries()) {
        const { employed, probability } = answers[i]!
        const id = `${turn}-${i}`
        monitor.record(row, {
          id,
          class: className(employed),
          score: probability,
          confidence: Math.max(probability, 1 - probability),
          ...(i < attributedRows
            ? { attributions: await attributionsOf(row, probability), attributionMethod: method }
            : {}),
        })
        monitor.outcome(id, className(chosen[i]!.employed))
      }
    },
  }
}

/** Ages in months, and every fourth person without a schooling; some ages that are no number. */
function disturbed(row: DataRow, i: number): PersonRow {
  return { ...row, AGEP: i % 50 === 0 ? 'unknown' : row.AGEP * 12, SCHL: i % 4 === 0 ? null : row.SCHL }
}

function modesOf(rows: readonly DataRow[]): ReadonlyMap<FeatureName, unknown> {
  return new Map(
    features.map((name) => {
      const counts = new Map<unknown, number>()
      for (const row of rows) counts.set(row[name], (counts.get(row[name]) ?? 0) + 1)
      return [name, [...counts].reduce((best, one) => (one[1] > best[1] ? one : best))[0]]
    }),
  )
}

/** Two numbers that belong together, a class and its outcome; disturbed, everything about them moves. */
function oddRows(count: number, seed: number, drifted: boolean) {
  let state = seed * 7_919
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return state / 0x80000000
  }
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: count }, () => {
    const salary = normal()
    const bonus = drifted ? normal() + 1 : 0.9 * salary + 0.45 * normal()
    const score = 1 / (1 + Math.exp(-(drifted ? salary + 2 : salary)))
    const predicted = score > 0.5 ? 'yes' : 'no'
    const actual = random() < (drifted ? 0.9 : score) ? 'yes' : 'no'
    return {
      row: { salary, bonus },
      output: { class: predicted, score, confidence: Math.max(score, 1 - score) },
      actual,
    }
  })
}

async function oddBaseline(directory: string): Promise<Baseline> {
  const file = join(directory, 'odd.csv')
  const lines = oddRows(6_000, 999, false).map(({ row, output, actual }) =>
    [row.salary, row.bonus, output.class, output.score, output.confidence, actual].join(','),
  )
  await writeFile(file, ['salary,bonus,class,score,confidence,actual', ...lines].join('\n'))
  const { baseline } = await buildBaseline({
    file,
    model: { name: oddModel, version: '1' },
    createdAt: '2026-01-01T00:00:00.000Z',
    features: ['salary', 'bonus'],
    columns: { target: 'actual', prediction: 'class', score: 'score', confidence: 'confidence', time: '@row' },
    positiveClass: 'yes',
    decisionRule: '>',
  })
  return baseline
}
