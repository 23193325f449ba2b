import { expect, it } from 'vitest'
import { formatChange, formatNumber } from '../../src/diagnose/words.ts'

it('named the bound just under 0 as -5e-324, which nobody has ever sent', () => {
  expect(formatNumber(-Number.MIN_VALUE)).toBe('0')
  expect(formatNumber(Number.MIN_VALUE)).toBe('0')
  expect(formatNumber(-0)).toBe('0')
  expect(formatNumber(-1e-300)).toBe('-1e-300')
  expect(formatChange(-Number.MIN_VALUE, 4)).toBe('0 -> 4')
})
