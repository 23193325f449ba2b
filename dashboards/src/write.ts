import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { allDashboards, dashboardText } from './all-dashboards.ts'

/** Writes `grafana/dashboards/`, and takes away what no dashboard has that name any more. */
const directory = new URL('../grafana/dashboards/', import.meta.url)
mkdirSync(directory, { recursive: true })
const dashboards = allDashboards()
for (const name of readdirSync(directory)) if (!dashboards.has(name)) rmSync(new URL(name, directory))
for (const [name, dashboard] of dashboards) writeFileSync(new URL(name, directory), dashboardText(dashboard))
process.stdout.write(`wrote ${dashboards.size} dashboards\n`)
