import { describe, expect, it } from 'vitest'
import type { OutcomeCount } from '../../src/evaluate/observations.ts'
import { classifierPerformance, maximumTableClasses, regressionPerformance } from '../../src/evaluate/performance.ts'

const decision = { positiveClass: 'yes', negativeClass: 'no' }
const counts = (...rows: [string, string, number][]): OutcomeCount[] =>
  rows.map(([predicted, actual, count]) => ({ predicted, actual, count }))
const valuesOf = ({ metrics }: { metrics: readonly { name: string; value: number | null }[] }) =>
  Object.fromEntries(metrics.map(({ name, value }) => [name, value]))

describe('classifierPerformance', () => {
  const binary = counts(['yes', 'yes', 40], ['yes', 'no', 10], ['no', 'no', 45], ['no', 'yes', 5])

  it('has the metrics of the positive class, with intervals of those that are proportions and of F1', () => {
    const performance = classifierPerformance(binary, decision)
    expect(performance).toMatchObject({ rows: 100, leftOut: 0 })
    const values = valuesOf(performance)
    expect(values['accuracy']).toBe(0.85)
    expect(values['precision']).toBe(0.8)
    expect(values['recall']).toBeCloseTo(40 / 45, 12)
    expect(values['f1']).toBeCloseTo(80 / 95, 12)
    expect(values['balanced_accuracy']).toBeCloseTo((40 / 45 + 45 / 55) / 2, 12)
    expect(values['mcc']).toBeCloseTo((40 * 45 - 10 * 5) / Math.sqrt(50 * 45 * 55 * 50), 12)
    // Wilson's interval of 85 of 100.
    const [low, high] = performance.metrics[0]!.interval!
    expect(low).toBeCloseTo(0.76718, 4)
    expect(high).toBeCloseTo(0.90694, 4)
    expect(performance.metrics.filter(({ interval }) => interval === null).map(({ name }) => name)).toEqual([
      'balanced_accuracy',
      'mcc',
    ])
  })

  it('leaves out classes that the decision does not know', () => {
    const performance = classifierPerformance(
      [...binary, ...counts(['no', '_OTHER', 3], ['maybe', 'yes', 4])],
      decision,
    )
    expect(performance).toMatchObject({ rows: 100, leftOut: 7 })
    expect(valuesOf(performance)['accuracy']).toBe(0.85)
    expect(classifierPerformance(counts(['a', 'b', 5]), decision)).toEqual({ rows: 0, leftOut: 5, metrics: [] })
  })

  it('takes means over classes without a decision', () => {
    const table = counts(['a', 'a', 10], ['b', 'b', 8], ['a', 'b', 2], ['c', 'b', 4])
    const values = valuesOf(classifierPerformance(table, null))
    expect(values['accuracy']).toBeCloseTo(18 / 24, 12)
    // a: precision 10/12, recall 1; b: 1 and 8/14; c never occurred, and its recall counts as 0.
    expect(values['macro_precision']).toBeCloseTo((10 / 12 + 1 + 0) / 3, 12)
    expect(values['macro_recall']).toBeCloseTo((1 + 8 / 14 + 0) / 3, 12)
    expect(values['weighted_f1']).toBeCloseTo((10 * (20 / 22) + 14 * (16 / 22)) / 24, 12)
  })

  it('takes a miss into _OTHER for a miss, and does not know what two of them are', () => {
    const table = counts(['a', 'a', 6], ['b', 'b', 2], ['_OTHER', 'a', 2], ['_OTHER', '_OTHER', 5])
    const performance = classifierPerformance(table, null)
    expect(performance).toMatchObject({ rows: 10, leftOut: 5 })
    expect(valuesOf(performance)['accuracy']).toBe(0.8)
    expect(valuesOf(performance)['macro_recall']).toBeCloseTo((6 / 8 + 1) / 2, 12)
  })

  it('has accuracy alone for more classes than a table bears', () => {
    const many = Array.from({ length: maximumTableClasses + 1 }, (_, i): [string, string, number] => [
      `c${i}`,
      `c${i}`,
      1,
    ])
    expect(classifierPerformance(counts(...many), null).metrics).toMatchObject([{ name: 'accuracy', value: 1 }])
  })
})

describe('regressionPerformance', () => {
  it('has the errors of residuals in cells', () => {
    const performance = regressionPerformance([
      { low: 1, high: 1, count: 30 },
      { low: -2, high: -2, count: 20 },
    ])!
    const values = valuesOf(performance)
    expect(performance.rows).toBe(50)
    expect(values['mae']).toBeCloseTo(70 / 50, 12)
    expect(values['rmse']).toBeCloseTo(Math.sqrt(110 / 50), 12)
    expect(values['mean_error']).toBeCloseTo(-10 / 50, 12)
    for (const { value, interval } of performance.metrics) {
      expect(interval![0]).toBeLessThan(value!)
      expect(interval![1]).toBeGreaterThan(value!)
    }
  })

  it('is null without residuals', () => {
    expect(regressionPerformance([])).toBeNull()
  })
})
