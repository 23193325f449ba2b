import type { AlertEvent, AlertRecord } from '../alert/alert.ts'
import type { AlertQuery, Store } from '../store/store.ts'

/** Alerts of one run over a file: they need to outlive nothing. */
export function createMemoryAlerts(): Pick<Store, 'saveAlerts' | 'alerts' | 'alertEvents'> {
  const records = new Map<string, AlertRecord>()
  const events: AlertEvent[] = []
  return {
    async saveAlerts(alerts, added) {
      for (const alert of alerts) records.set(alert.id, alert)
      events.push(...added)
    },
    async alerts({ id, model, version, state, limit }: AlertQuery) {
      const found = [...records.values()].filter(
        (alert) =>
          (id === undefined || alert.id === id) &&
          (model === undefined || alert.model === model) &&
          (version === undefined || alert.version === version) &&
          (state === undefined || alert.state === state),
      )
      return found.slice(0, limit)
    },
    async alertEvents(alertId) {
      return events.filter((event) => event.alertId === alertId)
    },
  }
}
