/**
 * The panels that alerts lead to. `dashboards/` builds panels with these numbers and a test holds both sides together.
 */
export const panelLinks = {
  model: { dashboardUid: 'driftline-model', rulesPanelId: 1, windowsPanelId: 2 },
  collector: { dashboardUid: 'driftline-collector', journalPanelId: 1 },
} as const

/** Uid of the data source that provisioning makes, and the default of the dashboards' variable. */
export const dataSourceUid = 'driftline-influxdb'

export const folderTitle = 'Driftline'
export const folderUid = 'driftline'
