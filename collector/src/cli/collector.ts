import { parseArgs } from 'node:util'
import { startCollector } from '../app.ts'
import { systemClock } from '../clock.ts'
import { loadConfig } from '../config.ts'
import type { Command } from './command.ts'

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
      },
    })
    const config = await loadConfig(values, io.environment, io.directory)
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
