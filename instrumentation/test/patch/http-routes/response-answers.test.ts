import { describe, expect, it } from 'vitest'
import { compileResponse } from '../../../src/patch/http-routes/response-answers.ts'

describe('compileResponse', () => {
  it('reads nothing when no answer is named', () => {
    expect(compileResponse()).toBeNull()
    expect(compileResponse({ rows: '$.x[*]' })).toBeNull()
  })

  it('reads one answer, or one per element', () => {
    const read = compileResponse({ class: '$.label', confidence: '$.p', value: '$.y', id: '$.id' })!
    const one = { label: 'yes', p: 0.9, y: 3, id: 'a' }
    expect(read(one, 1)).toEqual({ classes: ['yes'], confidences: [0.9], values: [3], ids: ['a'] })
    expect(read([one, {}], 2)).toEqual({
      classes: ['yes', undefined],
      confidences: [0.9, undefined],
      values: [3, undefined],
      ids: ['a', undefined],
    })
  })

  it('reads answers that are plain values', () => {
    expect(compileResponse({ score: '$' })!([0.1, 0.2], 2)).toEqual({ scores: [0.1, 0.2] })
    expect(compileResponse({ rows: '$.scores', score: '$' })!({ scores: [0.1, 0.2] }, 2)).toEqual({
      scores: [0.1, 0.2],
    })
    expect(compileResponse({ rows: '$.scores[*]', score: '$' })!({ scores: [0.1] }, 1)).toEqual({ scores: [0.1] })
  })

  it('reads columns of the whole body', () => {
    const read = compileResponse({ class: '$.labels[*]', score: '$.probabilities[*][1]' })!
    const body = { labels: ['a', 'b'], probabilities: [[0.8, 0.2], [0.4, 0.6]] } // prettier-ignore
    expect(read(body, 2)).toEqual({ classes: ['a', 'b'], scores: [0.2, 0.6] })
    expect(read(body, 3)).toEqual({ mismatch: '3 rows but 2 answers at $.labels[*]' })
    expect(read({}, 1)).toEqual({ mismatch: '1 row but 0 answers at $.labels[*]' })
  })

  it('names classes by what stands in the body', () => {
    const read = compileResponse({ class: '$.c', classes: { true: 'employed', 0: 'no', null: 'none' } })!
    expect(read([{ c: true }, { c: 0 }, { c: null }, { c: 'toString' }, { c: {} }, {}], 6)).toEqual({
      classes: ['employed', 'no', 'none', 'toString', {}, undefined],
    })
  })

  it.each([
    [{ predictions: [{ p: 1 }] }, 2, '2 rows but 1 answer at $.predictions[*]'],
    [{}, 1, 'nothing is at $.predictions[*], where the answers should be'],
    [null, 1, 'nothing is at $.predictions[*], where the answers should be'],
    [{ predictions: [{ q: 1 }] }, 1, 'nothing is at $.p in any answer'],
  ])('says why %j does not fit', (body, rows, mismatch) => {
    expect(compileResponse({ rows: '$.predictions[*]', score: '$.p' })!(body, rows)).toEqual({ mismatch })
  })
})
