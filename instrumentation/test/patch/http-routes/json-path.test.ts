import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileJsonPath, JsonPathError, maxPathLength } from '../../../src/patch/http-routes/json-path.ts'

const fuzzCases = Number(process.env['FUZZ_CASES'] ?? 5_000)

const body = { rows: [{ a: 1, 'b c': [10, 20] }, { a: 2 }, null], empty: [], none: null, $x: { y: 3 }, '': 4 }

describe('compileJsonPath', () => {
  it.each([
    ['$', body],
    ['$.rows', body.rows],
    ['$.rows[1].a', 2],
    ["$.rows[0]['b c'][1]", 20],
    ['$["rows"][0]["a"]', 1],
    ['$.$x.y', 3],
    ["$['']", 4],
    ["$['\\u0061']", undefined],
    ['$.none', null],
    ['$.none.a', undefined],
    ['$.rows.a', undefined],
    ['$.rows.length', undefined],
    ['$.rows[3]', undefined],
    ['$.$x[0]', undefined],
    ['$.constructor', undefined],
    ['$.__proto__', undefined],
  ])('%s finds one value', (path, expected) => {
    expect(compileJsonPath(path).one(body)).toEqual(expected)
  })

  it.each([
    ['$.rows[*].a', [1, 2, undefined]],
    ['$.rows[*]', body.rows],
    ['$.rows[*]["b c"][*]', [10, 20]],
    ['$.rows[*].absent', undefined],
    ['$.empty[*]', []],
    ['$.empty[*].a', []],
    ['$.none[*]', undefined],
    ['$.absent[*]', undefined],
    ['$.$x[*]', undefined],
  ])('%s finds every value', (path, expected) => {
    expect(compileJsonPath(path).all(body)).toEqual(expected)
  })

  it('decodes the escapes of names', () => {
    const path = compileJsonPath(String.raw`$['a\'b\"\\\n\u00e9']`)
    expect(path.one({ 'a\'b"\\\né': 7 })).toBe(7)
    expect(path.member).toBe('a\'b"\\\né')
  })

  it('finds an own member of a dangerous name, as JSON.parse makes it', () => {
    expect(compileJsonPath('$.__proto__.x').one(JSON.parse('{"__proto__":{"x":1}}'))).toBe(1)
  })

  it.each([
    ['', 0],
    ['rows', 0],
    [' $', 0],
    ['$rows', 1],
    ['$.', 2],
    ['$..a', 2],
    ['$.a-b', 3],
    ['$.1', 2],
    ['$[', 2],
    ['$[-1]', 2],
    ['$[01]', 3],
    ['$[1', 3],
    ['$[ 1]', 2],
    ['$[1:2]', 3],
    ['$[?@.a]', 2],
    ["$['a]", 2],
    ["$['a\\x']", 4],
    ["$['\\u12']", 3],
    ['$[4294967295]', 2],
    [`$${'.a'.repeat(33)}`, 65],
    [`$.${'a'.repeat(maxPathLength)}`, maxPathLength],
  ])('refuses %j and says where', (path, position) => {
    const compile = () => compileJsonPath(path)
    expect(compile).toThrow(JsonPathError)
    expect(compile).toThrow(`at position ${position} of the path`)
  })

  it('finds in any JSON what the names and indices of the path lead to', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.infiniteStream(fc.nat()), (root, choices) => {
        let path = '$'
        let value: unknown = root
        for (const choice of choices) {
          if (typeof value !== 'object' || value === null || choice % 7 === 0) break
          const keys = Object.keys(value)
          if (keys.length === 0) break
          const key: string = keys[choice % keys.length]!
          path += Array.isArray(value) ? `[${key}]` : `[${JSON.stringify(key)}]`
          value = (value as Record<string, unknown>)[key]
          if (path.length > maxPathLength - 100) return
        }
        if ((path.match(/\[/g)?.length ?? 0) > 30) return
        const compiled = compileJsonPath(path)
        expect(compiled.one(root)).toBe(value)
        expect(compiled.all(root)).toEqual([value])
      }),
      { numRuns: fuzzCases },
    )
  })

  it('either compiles a text or says where it is wrong, and never throws on a value', () => {
    const pieces = fc.constantFrom(
      '$',
      '.',
      '[',
      ']',
      '*',
      "'",
      '"',
      '\\',
      'a',
      'é',
      '0',
      '12',
      '-',
      ' ',
      'u0041',
      '\ud800',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), fc.jsonValue(), (parts, root) => {
        let path
        try {
          path = compileJsonPath(parts.join(''))
        } catch (error) {
          expect(error).toBeInstanceOf(JsonPathError)
          const { position } = error as JsonPathError
          expect(position).toBeGreaterThanOrEqual(0)
          expect(position).toBeLessThanOrEqual(parts.join('').length)
          return
        }
        path.one(root)
        path.all(root)
      }),
      { numRuns: fuzzCases },
    )
  })

  it('never throws where a getter or a proxy does', () => {
    const hostile = {
      get a(): never {
        throw new Error('getter')
      },
    }
    const proxy = new Proxy({}, { getOwnPropertyDescriptor: () => { throw new Error('trap') } }) // prettier-ignore
    for (const root of [hostile, proxy]) {
      expect(compileJsonPath('$.a').one(root)).toBeUndefined()
      expect(compileJsonPath('$.a').all(root)).toBeUndefined()
    }
  })
})
