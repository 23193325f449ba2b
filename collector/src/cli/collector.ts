import { parseArgs } from 'node:util'
import { startCollector } from '../app.ts'
import { systemClock } from '../clock.ts'
import { loadConfig, type CollectorConfig } from '../config.ts'
import { InfluxServer } from '../store/influx/influx-server.ts'
import { initInflux } from '../store/influx/init-influx.ts'
import { UsageError, type Command, type Io } from './command.ts'

export const collectorCommand: Command = {
  name: 'collector',
  summary: 'receive metrics, evaluate drift and raise alerts',
  usage: `Usage: driftline collector [options]

Receives OpenTelemetry metrics on POST /v1/metrics, keeps them, and evaluates every window against the baseline.

Options:
  --data-dir DIR        where the embedded store lives (default ./driftline-data)
  --port PORT           default 4318; 0 takes a free one
  --host HOST           default 127.0.0.1; other addresses need DRIFTLINE_INGEST_TOKEN and DRIFTLINE_ADMIN_TOKEN
  --baseline FILE       baseline.json to register; repeatable
  --manifest FILE       manifest.json to register; repeatable
  --rules FILE          alert rules (.ts, .js, .json, .yaml); repeatable; default: built-in rules
  --learn-rows N        rows from which a model without a baseline gets one frozen (default 10000)
  --learn-hours H       hours after which fewer are enough (default 24), but at least --learn-minimum-rows (default 500)
  --no-learn            freeze no baseline unless 'driftline baseline freeze' asks for it
  --store STORE         where numbers are kept: sqlite (default), or influx, at DRIFTLINE_INFLUX_URL
  --init-influx         make database, retention policies or buckets in InfluxDB, say what was done, and end
  --config FILE         configuration file (.ts, .js, .json, .yaml) for all of the above and more
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        'data-dir': { type: 'string' },
        port: { type: 'string' },
        host: { type: 'string' },
        config: { type: 'string' },
        baseline: { type: 'string', multiple: true },
        manifest: { type: 'string', multiple: true },
        rules: { type: 'string', multiple: true },
        'learn-rows': { type: 'string' },
        'learn-hours': { type: 'string' },
        'learn-minimum-rows': { type: 'string' },
        'no-learn': { type: 'boolean' },
        store: { type: 'string' },
        'init-influx': { type: 'boolean' },
      },
    })
    const config = await loadConfig(values, io.environment, io.directory)
    if (values['init-influx'] === true) return initialise(config, io)
    const collector = await startCollector({
      config,
      clock: systemClock,
      environment: io.environment,
      log: (line) => io.stdout(`${line}\n`),
    })
    io.stdout(`driftline collector listening on ${collector.url}, data in ${config.dataDirectory}\n`)
    await io.untilStopped()
    await collector.close()
    return 0
  },
}

async function initialise({ influx }: CollectorConfig, io: Io): Promise<number> {
  if (influx === null)
    throw new UsageError('--init-influx needs DRIFTLINE_INFLUX_URL, or influx.url in the configuration file')
  const server = new InfluxServer(influx, io.clock)
  const version = await server.detect()
  io.stdout(`InfluxDB ${version.text} at ${influx.url}\n`)
  for (const { name, keeps, done } of await initInflux(server)) io.stdout(`${name}: ${done}, kept ${keeps}\n`)
  return 0
}
