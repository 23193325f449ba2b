import type { AlertEvent, AlertRecord, Explanation } from '../../src/alert/alert.ts'
import type { AlertQuery } from '../../src/store/store.ts'

export function explanation(fields: Partial<Explanation> = {}): Explanation {
  return {
    summary: 'employment 1: inputs moved: age: mean 38.9 -> 467 years (x12.0)',
    moved: [
      {
        signal: 'feature-drift',
        feature: 'age',
        change: 'mean 38.9 -> 467 years (x12.0)',
        effect: 5.2,
        log10Evidence: 14,
      },
    ],
    onsetMs: 0,
    confidence: 'Evidence 10^12.0 where 10^2.9 raises the alarm that may happen falsely once in 30 days.',
    evidence: 12,
    threshold: 2.857,
    comparedWith: {
      baselineDigest: 'sha256:1111111111111111',
      manifestDigest: null,
      baselineRows: 20_000,
      rulesDigest: 'sha256:2222222222222222',
      detectorId: 'sha256:3333333333333333',
    },
    window: { startMs: 0, endMs: 3_600_000, rows: 4000 },
    diagnosis: [],
    lookFirst: 'The unit of age where it is produced.',
    ...fields,
  }
}

export function alert(fields: Partial<AlertRecord> = {}): AlertRecord {
  return {
    id: 'sha256:alert',
    rule: 'inputs moved',
    model: 'employment',
    version: '1',
    segment: '',
    severity: 'warning',
    state: 'firing',
    activeSinceMs: 3_600_000,
    firedAtMs: 3_600_000,
    resolvedAtMs: null,
    lastTrueMs: 3_600_000,
    explanation: explanation(),
    ...fields,
  }
}

/** The part of a store that alerts need, in memory; `fail` makes the next calls of saveAlerts reject. */
export function memoryAlerts() {
  const records = new Map<string, AlertRecord>()
  const events: AlertEvent[] = []
  const store = {
    fail: 0,
    records,
    events,
    saveAlerts(changed: readonly AlertRecord[], added: readonly AlertEvent[]): Promise<void> {
      if (store.fail > 0) {
        store.fail--
        return Promise.reject(new Error('the disk is full'))
      }
      // A store gives back copies, so nothing may rest on identity.
      for (const record of changed) records.set(record.id, structuredClone(record))
      events.push(...structuredClone(added))
      return Promise.resolve()
    },
    alerts({ model, version, state, limit = 100 }: AlertQuery): Promise<AlertRecord[]> {
      const found = [...records.values()].filter(
        (record) =>
          (model === undefined || record.model === model) &&
          (version === undefined || record.version === version) &&
          (state === undefined || record.state === state),
      )
      return Promise.resolve(structuredClone(found.sort((a, b) => b.activeSinceMs - a.activeSinceMs).slice(0, limit)))
    },
    alertEvents: (id: string): Promise<AlertEvent[]> =>
      Promise.resolve(structuredClone(events.filter((event) => event.alertId === id))),
  }
  return store
}
