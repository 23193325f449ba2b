import type { Clock } from '../clock.ts'
import { Child, packageScript } from './child.ts'
import type { Example } from './example.ts'

export interface Processes {
  readonly collector: { readonly child: Child; readonly origin: string }
  readonly server: { readonly child: Child; readonly origin: string }
}

/** The wire between the two is the shortest that keeps a slice of five seconds fresh. */
const exportIntervalMs = 1000
/** The server sends what it still holds; the collector evaluates and closes its store. */
const serverPatienceMs = 8_000
const collectorPatienceMs = 10_000

/** Starts the collector on its own data. */
export async function startCollector(
  example: Example,
  port: number,
  dataDirectory: string,
  clock: Clock,
): Promise<Processes['collector']> {
  const { child, ready } = await Child.start({
    name: 'collector',
    script: packageScript('@driftline/collector', 'main'),
    arguments: [
      'collector',
      '--data-dir',
      dataDirectory,
      '--port',
      String(port),
      '--baseline',
      example.baselineFile,
      '--manifest',
      example.manifestFile,
      '--rules',
      example.rulesFile,
    ],
    environment: {},
    ready: /collector listening on (http:\/\/[^\s/,]+)/,
    clock,
  })
  return { child, origin: ready }
}

/** Starts the inference server, which sends its metrics to the collector. */
export async function startServer(
  example: Example,
  collectorOrigin: string,
  clock: Clock,
): Promise<Processes['server']> {
  const { child, ready } = await Child.start({
    name: 'model server',
    script: example.server,
    arguments: [],
    environment: {
      PORT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: collectorOrigin,
      OTEL_METRIC_EXPORT_INTERVAL: String(exportIntervalMs),
      OTEL_SERVICE_NAME: `${example.manifest.model.name}-server`,
    },
    ready: /listening on (http:\/\/[^\s/,]+)/,
    clock,
  })
  return { child, origin: ready }
}

/** Ends the server before the collector, so that its last interval arrives. */
export async function stopProcesses({ collector, server }: Partial<Processes>): Promise<void> {
  await server?.child.stop(serverPatienceMs)
  await collector?.child.stop(collectorPatienceMs)
}
