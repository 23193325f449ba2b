import { fileURLToPath } from 'node:url'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { encodeRow, features, type PersonRow } from './features.ts'

/** A probability above this means employed; exactly this means not employed. The manifest states the same. */
export const decisionThreshold = 0.5

export const modelPath: string = fileURLToPath(new URL('model.onnx', import.meta.url))

export interface Prediction {
  readonly employed: boolean
  /** Of being employed, between 0 and 1. */
  readonly probability: number
}

/** The classes as the manifest and the baseline name them. */
export const className = (employed: boolean): string => (employed ? 'employed' : 'not_employed')

/** Opens the model on one thread: the rows of a request are few, and the machine has other work. */
export function openModel(): Promise<InferenceSession> {
  return InferenceSession.create(modelPath, { intraOpNumThreads: 1, interOpNumThreads: 1 })
}

/** Runs the model once over all rows. */
export async function predict(session: InferenceSession, rows: readonly PersonRow[]): Promise<Prediction[]> {
  const tensor = new Float32Array(rows.length * features.length)
  for (const [i, row] of rows.entries()) encodeRow(row, tensor, i * features.length)
  const outputs = await session.run({ features: new Tensor('float32', tensor, [rows.length, features.length]) })
  // Two columns: the probability of class 0, not employed, and of class 1, employed.
  const probabilities = outputs['probabilities']?.data as Float32Array
  return rows.map((_, i) => {
    const probability = probabilities[2 * i + 1]!
    return { employed: probability > decisionThreshold, probability }
  })
}
