import type { Monitor } from '@driftline/instrumentation'
import type { Predict } from './app.ts'
import { className } from './predict.ts'

/** Records what goes into a model and comes out of it, and how long that takes. */
export function monitored(predict: Predict, monitor: Pick<Monitor, 'record' | 'observe'>): Predict {
  return async (rows) => {
    const predictions = await monitor.observe(() => predict(rows), { rows: rows.length, runtime: 'onnxruntime' })
    for (const [i, row] of rows.entries()) {
      const { employed, probability } = predictions[i]!
      monitor.record(row, { class: className(employed), score: probability })
    }
    return predictions
  }
}
