import { expect, it } from 'vitest'
import { learningText } from '../../src/learn/learning.ts'

it('said that it had learned 5,054 of 3,000 rows when many came at once, as after an outage', () => {
  expect(learningText({ rows: 5054, neededRows: 3000 })).toBe('learning, 5,054 rows are enough for a baseline')
  expect(learningText({ rows: 3000, neededRows: 3000 })).toBe('learning, 3,000 rows are enough for a baseline')
  expect(learningText({ rows: 2999, neededRows: 3000 })).toBe('learning, 2,999 of 3,000 rows')
})
