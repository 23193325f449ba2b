import { readFileSync } from 'node:fs'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Baseline, Manifest } from '@driftline/instrumentation/contract'
import express, { type Express } from 'express'
import { createAlertManager, type AlertSlice } from './alert/manager.ts'
import { createConsoleNotifier } from './alert/notify/console.ts'
import type { Notifier } from './alert/notify/notifier.ts'
import { createWebhookNotifier } from './alert/notify/webhook.ts'
import { createHealthRoutes } from './api/health.ts'
import { createApi } from './api/router.ts'
import { readBaseline, readManifest } from './baseline/read-baseline.ts'
import type { Clock } from './clock.ts'
import { ConfigError, type CollectorConfig, type Environment } from './config.ts'
import { requireCompilable } from './evaluate/compile-model.ts'
import { DerivedLayer, reportIntervalMs } from './derived-layer.ts'
import { createEvaluator, type EvaluatedSlice } from './evaluate/evaluator.ts'
import { createLearner } from './learn/learner.ts'
import { FailedStores } from './receive/failed-stores.ts'
import { createReceiver } from './receive/otlp-route.ts'
import { defaultLimits } from './receive/receive-limits.ts'
import { checkAgainstBaseline } from './rules/check-baseline.ts'
import { checkNotifiers } from './rules/check-notifiers.ts'
import { presetsOf } from './rules/presets-of.ts'
import { RuleFileError } from './rules/problem.ts'
import { loadRuleSet, type RuleSet } from './rules/rule-set.ts'
import { repeat } from './repeat.ts'
import { requireNoInfluxBlocks } from './store/influx/directory-kind.ts'
import { openInfluxStore, type InfluxStore } from './store/influx/influx-store.ts'
import { otherCollector, type Evaluated } from './store/influx/derived/other-collectors.ts'
import { InfluxServer } from './store/influx/influx-server.ts'
import { createTelegrafReader } from './store/influx/telegraf-reader.ts'
import { openSqliteStore } from './store/sqlite/sqlite-store.ts'
import type { Store } from './store/store.ts'

export interface CollectorOptions {
  readonly config: CollectorConfig
  readonly clock: Clock
  readonly environment: Environment
  /** One line for a person who watches the process. */
  readonly log: (line: string) => void
}

export interface Collector {
  /** For instance `http://127.0.0.1:4318`. */
  readonly url: string
  /** Runs one evaluation now; for tests that turn the clock themselves. */
  evaluate(): Promise<void>
  /** Looks now at model versions without a baseline. */
  learn(): Promise<void>
  /** Writes now how the collector is, as it does every 10 s; does nothing with the embedded store. */
  report(): Promise<void>
  /** Stops taking data, finishes what is under way, and closes the store. */
  close(): Promise<void>
}

/** How often finished slices are looked for: often enough that an alarm of a short slice is not late, rarely enough to cost nothing. */
const evaluationIntervalMs = 1000
/** How often versions without a baseline are looked at: a freeze need not be sooner, and their newest data is summed each time. */
const learnIntervalMs = 5_000
const pruneIntervalMs = 3_600_000
/** How long a collector that could not store says that it is not ready. */
const unreadyMs = 10_000
const dayMs = 86_400_000
/** Notifications under way may take this long when the collector stops; what is not told by then is told after the next start. */
const notificationDeadlineMs = 2000
/** Requests under way may take this long when the collector stops; a sender that stalls in the middle of one sends it again later. */
const requestDeadlineMs = 3000

/** The table of contents of the server: builds every part, in order, and hands each what it needs. */
export async function startCollector({ config, clock, environment, log }: CollectorOptions): Promise<Collector> {
  const rules = await loadRuleSet(config.rules)
  const documents = await readDocuments(config)
  const influx = config.store === 'influx' ? await openInflux(config, clock, log) : null
  const store: Store = influx ?? (await openEmbedded(config))
  try {
    const notifiers = [
      createConsoleNotifier({ write: log }),
      ...config.notifiers.map(({ name, url, tokenVariable }) =>
        createWebhookNotifier({
          name,
          url,
          clock,
          ...(tokenVariable === undefined ? {} : { bearerToken: environment[tokenVariable]! }),
        }),
      ),
    ]
    checkRules(rules, notifiers, documents.baselines)
    for (const manifest of documents.manifests) await store.putManifest(manifest)
    for (const baseline of documents.baselines) await store.putBaseline(baseline)
    const alerts = createAlertManager({ store, notifiers, clock, log })

    const evaluator = createEvaluator({
      store,
      clock,
      log,
      planFor: (model, version) => {
        const { window, alarmThreshold, season = 'none', ...loaded } = rules.rulesFor(model, version)
        return { windows: window, budgetSteps: alarmThreshold, season, presets: presetsOf(loaded) }
      },
      onEvaluated: async (evaluated) => {
        const loaded = rules.rulesFor(evaluated.model, evaluated.version)
        await alerts.apply(loaded, alertSliceOf(evaluated))
        await derived?.judged(evaluated, loaded)
      },
    })
    const learner = createLearner({
      store,
      clock,
      settings: config.learn,
      onFrozen: (model, version) => evaluator.forget(model, version),
      log,
    })
    // A collector that could not store is alive, but not ready, for a while: nobody sends to one that is not ready, so only time can tell.
    let refusedAtMs = Number.NEGATIVE_INFINITY
    const failures = new FailedStores({ clock, log })
    const receiver = createReceiver({
      sink: async (blocks) => {
        try {
          const receipt = await store.append(blocks)
          refusedAtMs = Number.NEGATIVE_INFINITY
          return receipt
        } catch (error) {
          refusedAtMs = clock.now()
          failures.add(error)
          throw error
        }
      },
      clock,
      limits: { bodyBytes: config.maximumBodyBytes, ageMs: oldestPointMs(config) },
      token: config.ingestToken,
    })

    const firing = async () => (await store.alerts({ state: 'firing' })).length
    const derived =
      influx === null
        ? null
        : new DerivedLayer({
            store: influx,
            clock,
            collector: config.name,
            received: () => receiver.counters,
            evaluator,
            firing,
            otherCollector: lookForCollectors(config, clock),
            log,
          })

    const app = express()
    app.disable('x-powered-by')
    app.set('etag', false)
    app.use(receiver.router)
    app.use(
      createHealthRoutes({
        store,
        adminToken: config.adminToken,
        ready: () => clock.now() - refusedAtMs >= unreadyMs,
        received: () => receiver.counters,
        evaluator: evaluator.counters,
        notifications: () => ({ ...alerts.deliveries }),
        firing,
        sending: () => influx?.sending() ?? null,
      }),
    )
    app.use(
      '/api/v1',
      createApi({
        store,
        adminToken: config.adminToken,
        ingestToken: config.ingestToken,
        learner,
        clock,
        log,
        rulesFor: (model, version) => rules.rulesFor(model, version),
        onModelChanged: (model, version) => evaluator.forget(model, version),
      }),
    )
    app.get('/', (_request, response) => {
      response.json({
        name: 'driftline collector',
        api: '/api/v1/models',
        alerts: '/api/v1/alerts',
        health: '/healthz',
        metrics: '/metrics',
      })
    })

    const server = createServer(config, app)
    await listen(server, config)
    // Not before the port is ours: a start that fails tells nobody of alerts.
    await alerts.recover()
    const failed = (what: string) => (error: unknown) => {
      log(`${what} failed and will be tried again: ${error instanceof Error ? error.message : String(error)}`)
    }
    const evaluation = repeat(clock, evaluationIntervalMs, () => evaluator.tick(), failed('evaluation'))
    const learning = repeat(clock, learnIntervalMs, () => learner.tick(), failed('learning'))
    const prune = async () => {
      const now = clock.now()
      await store.prune(now - config.keepBlocksDays * dayMs, now - config.keepResultsDays * dayMs)
    }
    const report = async () => derived?.report()
    const reporting = repeat(clock, reportIntervalMs, report, failed('reporting on the collector'))
    // Counters begin at 0, and alert rules look at how they grow.
    void reporting.now()
    const reading = startReading(config, clock, log, store)
    const pruning = repeat(clock, pruneIntervalMs, prune, failed('deleting what is older than it is kept'))

    return {
      url: urlOf(server, config),
      evaluate: () => evaluation.now(),
      learn: () => learning.now(),
      report: () => reporting.now(),
      async close() {
        await closeServer(server, clock)
        await Promise.all(reading.map((one) => one.stop()))
        await evaluation.stop()
        await learning.stop()
        await pruning.stop()
        await reporting.stop()
        await Promise.race([
          alerts.close(),
          new Promise<void>((resolve) => clock.after(notificationDeadlineMs, resolve)),
        ])
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

function openEmbedded({ dataDirectory }: CollectorConfig): Promise<Store> {
  requireNoInfluxBlocks(dataDirectory)
  return openSqliteStore({ directory: dataDirectory })
}

/** InfluxDB refuses points that are older than it keeps them: better said to their sender than to nobody. */
function oldestPointMs({ store, influx }: CollectorConfig): number {
  const keptDays = store === 'influx' ? (influx?.keepRawDays ?? null) : null
  return keptDays === null ? defaultLimits.ageMs : Math.min(defaultLimits.ageMs, keptDays * dayMs)
}

function openInflux(
  { influx, dataDirectory }: CollectorConfig,
  clock: Clock,
  log: (line: string) => void,
): Promise<InfluxStore> {
  if (influx === null) throw new ConfigError(['influx: the store influx needs an address'])
  return openInfluxStore({ directory: dataDirectory, influx, clock, log })
}

function lookForCollectors(
  { influx }: CollectorConfig,
  clock: Clock,
): (evaluated: Evaluated, sinceMs: number) => Promise<string | null> {
  if (influx === null) throw new ConfigError(['influx: the store influx needs an address'])
  const server = new InfluxServer(influx, clock)
  return (evaluated, sinceMs) => otherCollector(server, evaluated, sinceMs)
}

/** What others wrote to InfluxDB comes in as if it were received; it works with either store. */
function startReading(
  { influx }: CollectorConfig,
  clock: Clock,
  log: (line: string) => void,
  store: Store,
): { stop(): Promise<void> }[] {
  if (influx === null || influx.read.length === 0) return []
  const server = new InfluxServer(influx, clock)
  const sink = (blocks: Parameters<Store['append']>[0]) => store.append(blocks)
  return influx.read.map((source) => createTelegrafReader({ server, source, clock, sink, log }).start())
}

/** Refuses rules that name a notifier or a feature that there is not; every problem of a file at once. */
function checkRules(rules: RuleSet, notifiers: readonly Notifier[], baselines: readonly Baseline[]): void {
  const names = notifiers.map(({ name }) => name)
  for (const file of rules.files) {
    const problems = checkNotifiers(file, names)
    for (const baseline of baselines) {
      if (rules.rulesFor(baseline.model.name, baseline.model.version) === file)
        problems.push(...checkAgainstBaseline(file, baseline))
    }
    if (problems.length > 0) throw new RuleFileError(file.source, problems)
  }
}

/** An evaluated slice as alert rules look at it. */
function alertSliceOf({ slice, baseline, manifest, baselineDigest, detectorId, ...rest }: EvaluatedSlice): AlertSlice {
  const units = new Map(
    manifest?.manifest.features.flatMap(({ name, unit }) => (unit === undefined ? [] : [[name, unit]])),
  )
  return {
    ...rest,
    startMs: slice.startMs,
    endMs: slice.endMs,
    units,
    comparedWith: { baselineDigest, manifestDigest: manifest?.digest ?? null, baselineRows: baseline.rows, detectorId },
  }
}

/** Reads all baselines and manifests, and reports every problem of all files at once. */
async function readDocuments(config: CollectorConfig): Promise<{ manifests: Manifest[]; baselines: Baseline[] }> {
  const problems: string[] = []
  const readAll = async <Document>(
    paths: readonly string[],
    read: (path: string) => Promise<Document>,
  ): Promise<Document[]> => {
    const documents: Document[] = []
    for (const path of paths) {
      try {
        documents.push(await read(path))
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error))
      }
    }
    return documents
  }
  const manifests = await readAll(config.manifests, readManifest)
  const baselines = await readAll(config.baselines, readUsableBaseline)
  if (problems.length > 0) throw new ConfigError(problems)
  return { manifests, baselines }
}

async function readUsableBaseline(path: string): Promise<Baseline> {
  const baseline = await readBaseline(path)
  try {
    requireCompilable(baseline)
  } catch (error) {
    throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  return baseline
}

function createServer(config: CollectorConfig, app: Express): Server {
  if (config.tls === null) return createHttpServer(app)
  try {
    return createHttpsServer({ cert: readFileSync(config.tls.certificate), key: readFileSync(config.tls.key) }, app)
  } catch (error) {
    throw new ConfigError([`tls: ${error instanceof Error ? error.message : String(error)}`])
  }
}

async function listen(server: Server, { host, port }: CollectorConfig): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'the port is in use' : error.message
      reject(new ConfigError([`cannot listen on ${host}:${port}: ${reason}`]))
    })
    server.listen(port, host, () => resolve())
  })
}

function urlOf(server: Server, { host, tls }: CollectorConfig): string {
  const { port } = server.address() as AddressInfo
  const name = host.includes(':') ? `[${host}]` : host
  return `${tls === null ? 'http' : 'https'}://${name}:${port}`
}

/** Lets requests under way finish, for a while; idle keep-alive connections are closed at once. */
async function closeServer(server: Server, clock: Clock): Promise<void> {
  const cancel = clock.after(requestDeadlineMs, () => server.closeAllConnections())
  await new Promise<void>((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })
  cancel()
}
