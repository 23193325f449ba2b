import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard'
import { attributions } from './attributions.ts'
import { collector } from './collector.ts'
import { dataHealth } from './data-health.ts'
import { feature } from './feature.ts'
import { fleet } from './fleet.ts'
import { lineage } from './lineage.ts'
import { model } from './model.ts'
import { serving } from './serving.ts'

/** Every dashboard by the name of its file. */
export function allDashboards(): ReadonlyMap<string, Dashboard> {
  return new Map(
    [fleet(), model(), feature(), attributions(), serving(), dataHealth(), lineage(), collector()].map((one) => [
      `${one.uid}.json`,
      one,
    ]),
  )
}

/** As it lies in the repository: keys sorted as they were built, so that a difference shows what changed. */
export function dashboardText(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`
}
