import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { allDashboards, dashboardText } from '../src/all-dashboards.ts'
import { lintDashboard, type DashboardJson } from './dashboard-lint.ts'

const directory = new URL('../grafana/dashboards/', import.meta.url)
const shipped = new Map(
  readdirSync(directory).map((name) => [name, readFileSync(new URL(name, directory), 'utf8')] as const),
)
const uids = new Set([...shipped.keys()].map((name) => name.replace('.json', '')))

describe('the shipped dashboards', () => {
  it('are what the code makes (npm run dashboards writes them anew)', () => {
    expect([...shipped.keys()].toSorted()).toEqual([...allDashboards().keys()].toSorted())
    for (const [name, dashboard] of allDashboards()) expect(shipped.get(name)).toBe(dashboardText(dashboard))
  })

  it.each([...shipped])('%s has nothing that the linter minds', (_name, text) => {
    expect(lintDashboard(JSON.parse(text) as DashboardJson, uids)).toEqual([])
  })

  it('have the panels that alert rules lead to', async () => {
    const { panelLinks } = await import('../../collector/src/grafana/panel-links.ts')
    const titles = Object.fromEntries(
      [...shipped.values()].map((text) => {
        const { uid, panels } = JSON.parse(text) as DashboardJson
        return [uid, new Map(panels.map(({ id, title }) => [id, title]))]
      }),
    )
    const { model, collector } = panelLinks
    expect(titles[model.dashboardUid]?.get(model.rulesPanelId)).toBe('Alert rules')
    expect(titles[model.dashboardUid]?.get(model.windowsPanelId)).toBe('Rows in a window')
    expect(titles[collector.dashboardUid]?.get(collector.journalPanelId)).toBe('Waiting for InfluxDB')
  })
})

describe('the linter', () => {
  const sound = JSON.parse(shipped.get('driftline-feature.json')!) as DashboardJson
  const [first, ...others] = sound.panels
  const withFirst = (change: object): DashboardJson => ({ ...sound, panels: [{ ...first!, ...change }, ...others] })
  const target = first!.targets![0]!
  const fleet = JSON.parse(shipped.get('driftline-fleet.json')!) as DashboardJson
  const withPanel = (title: string, change: object): DashboardJson => ({
    ...sound,
    panels: sound.panels.map((panel) => (panel.title === title ? { ...panel, ...change } : panel)),
  })
  const linking = (url: string) => ({ defaults: { unit: 's', noValue: 'x', links: [{ url }] } })

  it.each([
    ['a data source by name', withFirst({ datasource: { type: 'influxdb', uid: 'abc' } }), 'data source'],
    ['no title', withFirst({ title: ' ' }), 'no title'],
    ['an id twice', withFirst({ id: others[0]!.id }), 'stands twice'],
    ['no unit', withFirst({ fieldConfig: { defaults: { noValue: 'x' } } }), 'no unit'],
    ['no text for no data', withFirst({ fieldConfig: { defaults: { unit: 's' } } }), 'no data'],
    [
      'a field that nobody writes',
      withFirst({ targets: [{ ...target, query: target.query.replace('("status")', '("state")') }] }),
      'no field state',
    ],
    [
      'a variable that is not there',
      withFirst({ targets: [{ ...target, query: `${target.query} AND $nothing` }] }),
      'nothing: is used and not defined',
    ],
    [
      'a variable that nothing uses',
      { ...sound, templating: { list: [...sound.templating!.list!, { name: 'idle', type: 'custom', label: 'Idle' }] } },
      'idle: is defined and not used',
    ],
    [
      'a link that loses a name with an ampersand',
      withFirst({ fieldConfig: linking('/d/driftline-model?var-model=${__field.labels.model}&${__url_time_range}') }),
      'percentencode',
    ],
    [
      'a link that hands several versions on as one',
      withFirst({ fieldConfig: linking('/d/driftline-model?var-version=${version}&${__url_time_range}') }),
      'percentencode',
    ],
    [
      'a link with a bare variable',
      withFirst({ fieldConfig: linking('/d/driftline-model?${version}&${__url_time_range}') }),
      'queryparam',
    ],
    ['cells in order of text', withPanel('Baseline against newest window', { transformations: [] }), 'order of text'],
    [
      'versions taken for one',
      withFirst({ targets: [{ ...target, query: target.query.replace(', "version"', '') }] }),
      'several versions for one',
    ],
    ['versions that look the same', withFirst({ targets: [{ ...target, alias: '$col' }] }), 'which version'],
    [
      'a figure of a collector that may be dead',
      { ...fleet, panels: fleet.panels.map(({ timeFrom: _gone, ...panel }) => panel) },
      'a collector that died',
    ],
    ['panels over each other', withFirst({ gridPos: others[0]!.gridPos }), 'over another'],
    ['a board that can be edited', { ...sound, editable: true }, 'editable'],
  ] as const)('minds %s', (_name, dashboard, problem) => {
    expect(lintDashboard(dashboard, uids).join('\n')).toContain(problem)
  })
})
