import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compileRoutePattern,
  maxRouteLength,
  RoutePatternError,
  RouteTable,
} from '../../../src/patch/http-routes/route-pattern.ts'

const fuzzCases = Number(process.env['FUZZ_CASES'] ?? 5_000)

function tableOf(...routes: string[]): RouteTable<string> {
  return new RouteTable(routes.map((route) => ({ pattern: compileRoutePattern(route), value: route })))
}

describe('compileRoutePattern', () => {
  it.each([
    ['', 0],
    ['/predict', 0],
    ['post /predict', 0],
    ['FETCH /predict', 0],
    ['POST', 5],
    ['POST predict', 5],
    ['POST  /predict', 5],
    ['POST /predict?x=1', 13],
    ['POST /a b', 7],
    ['POST /files/*path', 12],
    ['POST /a{/b}', 7],
    ['POST /a/:', 8],
    ['POST /a/:1', 8],
    ['POST /a/:b-c', 8],
    ['POST /a/x:b', 8],
    ['POST /a/%ff', 8],
    [`POST /${'a'.repeat(maxRouteLength)}`, maxRouteLength],
  ])('refuses %j and says where', (route, position) => {
    const compile = () => compileRoutePattern(route)
    expect(compile).toThrow(RoutePatternError)
    expect(compile).toThrow(`at position ${position} of the route`)
  })
})

describe('RouteTable', () => {
  const table = tableOf(
    'POST /predict',
    'POST /models/:name/predict',
    'POST /models/special/predict',
    'GET /',
    'PUT /ü/a%2Fb',
  )

  it.each([
    ['POST', '/predict', 'POST /predict'],
    ['POST', '/predict/', 'POST /predict'],
    ['POST', '/Predict?a=/x', 'POST /predict'],
    ['POST', '/predict?', 'POST /predict'],
    ['POST', '/predict#x', 'POST /predict'],
    ['POST', '/%70redict', 'POST /predict'],
    ['POST', 'http://host:80/predict?x', 'POST /predict'],
    ['POST', '/models/a%2Fb/predict', 'POST /models/:name/predict'],
    ['POST', '/models/special/predict', 'POST /models/:name/predict'],
    ['GET', '/', 'GET /'],
    ['GET', '/?x', 'GET /'],
    ['GET', 'http://host', 'GET /'],
    ['PUT', '/%C3%BC/a%2fb', 'PUT /ü/a%2Fb'],
    ['GET', '/predict', undefined],
    ['HEAD', '/', undefined],
    ['POST', '/predict//', undefined],
    ['POST', '//predict', undefined],
    ['POST', '/predict/x', undefined],
    ['POST', '/models//predict', undefined],
    ['POST', '/models/a/b/predict', undefined],
    ['POST', '/models/%ff/predict', undefined],
    ['POST', '/predict%', undefined],
    ['PUT', '/%C3%BC/a/b', undefined],
    ['OPTIONS', '*', undefined],
    ['POST', '', undefined],
    [undefined, undefined, undefined],
    ['POST', `/${'a/'.repeat(100_000)}`, undefined],
  ])('%s %s', (method, url, expected) => {
    expect(table.find(method, url)).toBe(expected)
  })

  it('takes the first of several routes that match', () => {
    expect(tableOf('POST /a/b', 'POST /a/:x').find('POST', '/a/b')).toBe('POST /a/b')
    expect(tableOf('POST /a/:x', 'POST /a/b').find('POST', '/a/b')).toBe('POST /a/:x')
  })

  it('does not know the members that every object has', () => {
    expect(table.find('constructor', '/predict')).toBeUndefined()
    expect(table.find('__proto__', '/')).toBeUndefined()
  })

  it('finds a route by any way to write its path, and by nothing else', () => {
    const segment = fc.stringMatching(/^[a-z0-9._~-]{1,8}$/)
    fc.assert(
      fc.property(
        fc.array(segment, { maxLength: 5 }),
        fc.nat(),
        fc.boolean(),
        fc.webQueryParameters(),
        (path, at, slash, query) => {
          const literal = `/${path.join('/')}`
          const written = path.map((part, i) =>
            i === at % (path.length || 1) ? `%${part.charCodeAt(0).toString(16)}${part.slice(1).toUpperCase()}` : part,
          )
          const url = `/${written.join('/')}${slash && path.length > 0 ? '/' : ''}?${query}`
          const opened = path.map((part, i) => (i === at % (path.length || 1) ? ':x' : part))
          expect(tableOf(`POST ${literal}`).find('POST', url)).toBe(`POST ${literal}`)
          expect(tableOf(`POST /${opened.join('/')}`).find('POST', url)).toBe(`POST /${opened.join('/')}`)
          expect(tableOf(`POST ${literal}`).find('POST', `/x${url}`)).toBeUndefined()
        },
      ),
      { numRuns: fuzzCases },
    )
  })

  it('never throws on what a client sends', () => {
    const pieces = fc.constantFrom(
      '/',
      '%',
      '%2f',
      '%ff',
      '%C3%BC',
      '?',
      '#',
      ':',
      '\\',
      '..',
      'predict',
      'models',
      'http://',
      '\u0000',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 10 }), (parts) => {
        table.find('POST', parts.join(''))
      }),
      { numRuns: fuzzCases },
    )
  })
})
