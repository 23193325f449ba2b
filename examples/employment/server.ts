import { fileURLToPath } from 'node:url'
import { createMonitor } from '@driftline/instrumentation'
import { createApp } from './app.ts'
import { monitored, recordOutcomes } from './monitored.ts'
import { openModel, predict } from './predict.ts'
import { serve } from './serve.ts'

const beside = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const monitor = createMonitor({ manifest: beside('manifest.json'), baseline: beside('baseline.json') })
const session = await openModel()
serve(
  createApp(
    monitored((rows) => predict(session, rows), monitor),
    (outcomes) => recordOutcomes(outcomes, monitor),
  ),
  // Sends the metrics of the last interval.
  () => monitor.shutdown(),
)
