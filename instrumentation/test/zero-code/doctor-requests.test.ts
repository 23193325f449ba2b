import { describe, expect, it } from 'vitest'
import { describeBody } from '../../src/zero-code/doctor-requests.ts'

describe('describeBody', () => {
  it.each([
    [{ age: 4, share: 0.5 }, '$', ['age', 'share']],
    [[{ age: 4 }], '$[*]', ['age']],
    [{ debug: [], 'all rows': [{ age: 4 }] }, "$['all rows'][*]", ['age']],
    [{ "it's": [{ age: 4 }] }, String.raw`$['it\'s'][*]`, ['age']],
    [{ rows: [{ age: 4 }], more: [{ b: 1 }] }, '$.rows[*]', ['age']],
    [{ scores: [0.1, 0.2] }, '$', ['scores']],
    [[1, 2], '$', null],
    [{ instances: [[1, 2]] }, '$.instances[*]', null],
    [[], '$', null],
    [7, '$', null],
    [null, '$', null],
  ])('finds the rows of %j', (body, rows, members) => {
    const found = describeBody(body)
    expect(found.rows).toBe(rows)
    expect(found.members?.map(({ name }) => name) ?? null).toEqual(members)
  })

  it('tells types, and whether a number may be a probability, but no value', () => {
    const { members } = describeBody({ a: 0.25, b: 7, c: 'secret', d: true, e: null, f: [1], g: {} })
    expect(members).toEqual([
      { name: 'a', type: 'number', withinOne: true },
      { name: 'b', type: 'number', withinOne: false },
      { name: 'c', type: 'string' },
      { name: 'd', type: 'boolean' },
      { name: 'e', type: 'null' },
      { name: 'f', type: 'array' },
      { name: 'g', type: 'object' },
    ])
  })
})
