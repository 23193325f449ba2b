import type { Monitor } from '@driftline/instrumentation'
import type { Outcome, Predict } from './app.ts'
import { className } from './predict.ts'

/** Records what goes into a model and comes out of it, and how long that takes. A row with an id waits for its outcome. */
export function monitored(predict: Predict, monitor: Pick<Monitor, 'record' | 'observe'>): Predict {
  return async (rows) => {
    const predictions = await monitor.observe(() => predict(rows), { rows: rows.length, runtime: 'onnxruntime' })
    for (const [i, row] of rows.entries()) {
      const { employed, probability } = predictions[i]!
      monitor.record(row, { id: usableId(row.id), class: className(employed), score: probability })
    }
    return predictions
  }
}

/** Tells what became of predictions. */
export function recordOutcomes(outcomes: readonly Outcome[], monitor: Pick<Monitor, 'outcome'>): void {
  for (const { id, employed } of outcomes) monitor.outcome(id, className(employed))
}

/** A client may send anything as an id and gets it back; outcomes come for a text or a number only. */
function usableId(id: unknown): string | number | undefined {
  return (typeof id === 'string' && id !== '') || typeof id === 'number' ? id : undefined
}
