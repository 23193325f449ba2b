import { expect, it } from 'vitest'
import { millisecondsPerUnit, readTime } from '../../src/baseline/read-time.ts'

it('reads ISO times as UTC unless they say otherwise, whatever the zone of the machine', () => {
  const noon = Date.UTC(2015, 2, 1, 12)
  for (const text of [
    '2015-03-01T12:00Z',
    '2015-03-01 12:00',
    '2015-03-01T12:00:00.000',
    '2015-03-01T13:00:00+01:00',
    '2015-03-01 07:00:00 -0500',
  ]) {
    expect(readTime(text, true), text).toBe(noon)
  }
  expect(readTime('2015-03-01', false)).toBe(Date.UTC(2015, 2, 1))
  expect(readTime(new Date(noon), false)).toBe(noon)
})

it('reads numbers, and digits only in text', () => {
  expect(readTime(5, false)).toBe(5)
  expect(readTime(5n, false)).toBe(5)
  expect(readTime('5', true)).toBe(5)
  for (const value of ['5', '', 'yesterday 1', '2015-13-01', null, undefined, true])
    expect(readTime(value, false), String(value)).toBeNaN()
  for (const value of ['', '  ', 'foo 1', '01/02/2015']) expect(readTime(value, true), value).toBeNaN()
})

it('tells the unit of a number by its size', () => {
  expect([1.7e9, 1.7e12, 1.7e15, 1.7e18, 2015].map(millisecondsPerUnit)).toEqual([1000, 1, 1e-3, 1e-6, undefined])
})
