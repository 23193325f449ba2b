import { describe, expect, it } from 'vitest'
import { compileRequest } from '../../../src/patch/http-routes/body-rows.ts'

describe('compileRequest without paths', () => {
  const read = compileRequest()

  it('takes an object as one row, and keeps the parsed object', () => {
    const body = { age: 3, name: 'x', ok: true, none: null }
    const result = read(body)
    expect(result).toEqual({ rows: [body], ids: undefined, segments: undefined })
    expect('rows' in result && result.rows[0]).toBe(body)
  })

  it('leaves out members that are objects or arrays, and a planted __proto__', () => {
    const body = JSON.parse('{"a":1,"deep":{"b":2},"list":[1],"__proto__":{"polluted":1}}') as unknown
    const result = read(body)
    expect(result).toMatchObject({ rows: [{ a: 1 }] })
    const row = ('rows' in result ? result.rows[0] : null) as Record<string, unknown>
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
    expect(Object.keys(row)).toEqual(['a'])
    expect(read(JSON.parse('{"a":1,"__proto__":5}'))).toEqual({ rows: [{ a: 1 }], ids: undefined, segments: undefined })
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('takes one row per element of an array, and an array of plain values as one row', () => {
    expect(read([{ a: 1 }, { a: 2 }])).toMatchObject({ rows: [{ a: 1 }, { a: 2 }] })
    expect(read([[1, 2], [3, 4]])).toMatchObject({ rows: [[1, 2], [3, 4]] }) // prettier-ignore
    expect(read([1, 'x', null])).toMatchObject({ rows: [[1, 'x', null]] })
    expect(read([])).toMatchObject({ rows: [] })
  })

  it('keeps a row beside its neighbours when nothing is in it', () => {
    expect(read([{ a: 1 }, null, { x: {} }])).toMatchObject({ rows: [{ a: 1 }, {}, {}] })
  })

  it.each([[null], [5], ['text'], [{}], [{ deep: {} }], [[{}, null]], [[[[1]]]]])('finds no row in %j', (body) => {
    expect(read(body)).toEqual({ mismatch: expect.stringMatching(/^no member with a plain value is in .* at \$$/) })
  })
})

describe('compileRequest with paths', () => {
  it('said that "no of the features" is in a row', () => {
    const read = compileRequest({ features: { age: '$.age' } })
    expect(read({})).toEqual({ mismatch: 'none of the features is in the row at $' })
    expect(read([{}, {}])).toEqual({ mismatch: 'none of the features is in any row at $' })
  })

  it('reads features, id and segment inside each row', () => {
    const read = compileRequest({
      rows: '$.data.rows[*]',
      features: { age: '$.person.age', first: '$.list[0]', gone: '$.gone' },
      id: '$.id',
      segment: '$.person.region',
    })
    const body = {
      data: {
        rows: [
          { id: 'a', person: { age: 1, region: 'x' }, list: [9] },
          { id: 2, person: { age: 5 } },
        ],
      },
    }
    expect(read(body)).toEqual({
      rows: [
        { age: 1, first: 9, gone: undefined },
        { age: 5, first: undefined, gone: undefined },
      ],
      ids: ['a', 2],
      segments: ['x', undefined],
    })
    expect(read({ data: {} })).toEqual({ mismatch: 'nothing is at $.data.rows[*], where the rows should be' })
    expect(read({ data: { rows: [{ x: 1 }] } })).toEqual({
      mismatch: 'none of the features is in the row at $.data.rows[*]',
    })
    expect(read({ data: { rows: [] } })).toEqual({ rows: [], ids: [], segments: [] })
  })

  it('does not take the id or the segment for a feature', () => {
    const read = compileRequest({ id: '$.id', segment: "$['region']" })
    expect(read({ id: 'a', region: 'x', age: 4 })).toEqual({ rows: [{ age: 4 }], ids: ['a'], segments: ['x'] })
  })

  it('takes names as members, or as the order of an array', () => {
    const read = compileRequest({ rows: '$[*]', features: ['a', 'constructor'] })
    expect(read([{ a: 1, b: 2 }, [3, 4]])).toMatchObject({
      rows: [
        { a: 1, constructor: undefined },
        { a: 3, constructor: 4 },
      ],
    })
  })

  it('takes the place of an array in feature order', () => {
    const read = compileRequest({ rows: '$.instances[*]', features: '$.input' })
    expect(read({ instances: [{ input: [1, 2] }, {}] })).toMatchObject({ rows: [[1, 2], []] })
    expect(read({ instances: [{ input: 5 }] })).toHaveProperty('mismatch')
  })

  it.each([
    [{ id: '$.ids[*]' }, 'request.id: the path "$.ids[*]" is inside a row, where it must find one value'],
    [{ features: { a: '$[*]' } }, 'request.features.a: the path "$[*]"'],
    [{ features: '$.x[*]' }, 'request.features: the path'],
    [{ features: ['__proto__'] }, 'no feature can have the name "__proto__"'],
    [
      { features: JSON.parse('{"__proto__":"$.a"}') as Record<string, string> },
      'no feature can have the name "__proto__"',
    ],
    [{ rows: 'rows' }, 'a path begins with "$"'],
  ])('refuses %j', (config, message) => {
    expect(() => compileRequest(config)).toThrow(message)
  })
})
