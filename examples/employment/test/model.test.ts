import { readFileSync } from 'node:fs'
import type { InferenceSession } from 'onnxruntime-node'
import { beforeAll, describe, expect, it } from 'vitest'
import { encodeRow, features } from '../features.ts'
import { decisionThreshold, openModel, predict } from '../predict.ts'
import { readRows } from '../rows.ts'

const fixture = JSON.parse(readFileSync(new URL('fixtures/probabilities.json', import.meta.url), 'utf8')) as {
  probabilities: number[]
}
const report = JSON.parse(readFileSync(new URL('../train/report.json', import.meta.url), 'utf8')) as {
  metrics: { accuracy: number; f1: number; auc: number; log_loss: number }
  imputed: { AGEP: number }
}

let session: InferenceSession
beforeAll(async () => {
  session = await openModel()
})

describe('the committed model', () => {
  it('says what scikit-learn said when it was trained', async () => {
    const rows = readRows('held-out').slice(0, fixture.probabilities.length)
    const predictions = await predict(session, rows)
    expect(rows).toHaveLength(50)
    for (const [i, { probability, employed }] of predictions.entries()) {
      expect(Math.abs(probability - fixture.probabilities[i]!)).toBeLessThan(1e-5)
      expect(employed).toBe(probability > decisionThreshold)
    }
  })

  it('has the offline metrics of its manifest on the held-out rows', async () => {
    const rows = readRows('held-out')
    const predictions = await predict(session, rows)
    const right = predictions.filter(({ employed }, i) => employed === rows[i]!.employed).length
    const both = predictions.filter(({ employed }, i) => employed && rows[i]!.employed).length
    const claimed = predictions.filter(({ employed }) => employed).length
    const actual = rows.filter(({ employed }) => employed).length
    const logLoss = predictions.reduce(
      (sum, { probability }, i) => sum - Math.log(rows[i]!.employed ? probability : 1 - probability),
      0,
    )
    // One row of 15,000 may fall on the other side of the threshold in single precision.
    expect(right / rows.length).toBeCloseTo(report.metrics.accuracy, 4)
    expect((2 * both) / (claimed + actual)).toBeCloseTo(report.metrics.f1, 4)
    expect(logLoss / rows.length).toBeCloseTo(report.metrics.log_loss, 5)
  })

  it('takes the training median for an unknown age and no category for an unknown code', async () => {
    const [row] = readRows('held-out')
    const { AGEP: _age, ...withoutAge } = row!
    const probabilities = async (...rows: object[]): Promise<number[]> =>
      (await predict(session, rows)).map(({ probability }) => probability)
    const [unknown, median, other] = await probabilities(
      { ...withoutAge, AGEP: null },
      { ...row, AGEP: report.imputed.AGEP },
      { ...row, AGEP: 12 },
    )
    expect(unknown).toBe(median)
    expect(unknown).not.toBe(other)
    const [newCode, noCode, wrongCode] = await probabilities(
      { ...row, SCHL: '99' },
      { ...row, SCHL: null },
      { ...row, SCHL: 'doctor' },
    )
    expect([noCode, wrongCode]).toEqual([newCode, newCode])
  })
})

describe('encodeRow', () => {
  it('writes the features in order, from the given place', () => {
    const tensor = new Float32Array(2 * features.length)
    const row = Object.fromEntries(features.map((name, i) => [name, name === 'AGEP' ? 41 : String(i)]))
    encodeRow(row, tensor, features.length)
    expect(Array.from(tensor.subarray(0, features.length))).toEqual(features.map(() => 0))
    expect(Array.from(tensor.subarray(features.length))).toEqual(features.map((name, i) => (name === 'AGEP' ? 41 : i)))
  })
})
