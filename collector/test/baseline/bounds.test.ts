import { explicitCell, nextDown } from '@driftline/instrumentation/contract'
import { expect, it } from 'vitest'
import { decisionBound, equalPercentages, quantileBounds, unitBounds } from '../../src/baseline/bounds.ts'

it('starts just below the minimum and ends at the maximum, without repeated quantiles', () => {
  expect(quantileBounds({ min: 1, max: 4, quantiles: [1, 2, 2, 3] })).toEqual([nextDown(1), 1, 2, 3, 4])
})

it('gives one value two bounds and three cells', () => {
  expect(quantileBounds({ min: 7, max: 7, quantiles: [7, 7] })).toEqual([nextDown(7), 7])
})

it('puts the ends of a declared range inside it', () => {
  const bounds = quantileBounds({ min: 5, max: 20, quantiles: [10], range: { min: 0, max: 15 } })
  expect(bounds).toEqual([nextDown(0), nextDown(5), 10, 15, 20])
  const cell = (value: number) => explicitCell(bounds, value)
  expect(cell(nextDown(0))).toBeLessThan(cell(0))
  expect(cell(15)).toBeLessThan(cell(15.000001))
})

it('cuts a score into 50 equal buckets with 0 and 1 inside and a bound at the threshold', () => {
  const bounds = unitBounds(0, [decisionBound(0.37, '>=')])
  expect(bounds.length).toBe(52)
  expect([bounds[0], bounds[1], bounds.at(-1)]).toEqual([-Number.MIN_VALUE, 0.02, 1])
  const cell = (value: number) => explicitCell(bounds, value)
  expect(cell(0)).toBe(1)
  expect(cell(1)).toBe(51)
  expect(cell(0.37)).toBe(cell(nextDown(0.37)) + 1)
})

it('starts a confidence where it can start', () => {
  const bounds = unitBounds(0.5)
  expect([bounds.length, bounds[0], bounds[1], bounds[50]]).toEqual([51, nextDown(0.5), 0.51, 1])
})

it('lets a score equal to the threshold fall on the side that the rule says', () => {
  expect(explicitCell([decisionBound(0.5, '>')], 0.5)).toBe(0)
  expect(explicitCell([decisionBound(0.5, '>=')], 0.5)).toBe(1)
})

it('cuts rows into bins of equal share', () => {
  expect(equalPercentages(4)).toEqual([25, 50, 75])
})
