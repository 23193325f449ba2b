/**
 * `METHOD /path`, as Express has it: `:name` stands for one segment, upper and lower case of a path are the same, and so is a slash at the
 * end. No wildcards and no optional parts.
 */
export interface RoutePattern {
  readonly text: string
  readonly method: string
  /** Lower-case, decoded; null stands for any segment that is not empty. */
  readonly segments: readonly (string | null)[]
}

/** A route that cannot be read. */
export class RoutePatternError extends Error {
  override readonly name = 'RoutePatternError'
  /** Where in the route, in UTF-16 units from 0. */
  readonly position: number

  constructor(route: string, position: number, problem: string) {
    super(`${problem} at position ${position} of the route ${JSON.stringify(route.slice(0, maxRouteLength))}`)
    this.position = position
  }
}

export const maxRouteLength = 1000

/** Longer paths of requests are no configured route; looking at them would be work without an end. */
const maxRequestPath = 2 * maxRouteLength

/** Throws a RoutePatternError. */
export function compileRoutePattern(route: string): RoutePattern {
  if (route.length > maxRouteLength) {
    throw new RoutePatternError(route, maxRouteLength, `a route is longer than ${maxRouteLength} characters`)
  }
  const method = /^[^ ]*/.exec(route)![0]
  if (!process.getBuiltinModule('node:http').METHODS.includes(method)) {
    throw new RoutePatternError(route, 0, 'expected an HTTP method in capitals, as in "POST /predict",')
  }
  const start = method.length + 1
  if (route[start - 1] !== ' ' || route[start] !== '/') {
    throw new RoutePatternError(route, start, 'expected a path that begins with "/"')
  }
  const wrong = /[\s?#*{}()[\]!+\\]/.exec(route.slice(start))
  if (wrong !== null) {
    throw new RoutePatternError(
      route,
      start + wrong.index,
      `a path has segments and ":name" only: unexpected ${JSON.stringify(wrong[0])}`,
    )
  }
  let at = start
  const segments = withoutLastSlash(route.slice(start))
    .split('/')
    .slice(1)
    .map((segment) => {
      at++
      const position = at
      at += segment.length
      if (segment.startsWith(':')) {
        if (/^:[\p{L}_$][\p{L}\p{N}_$]*$/u.test(segment)) return null
        throw new RoutePatternError(route, position, 'a parameter is a whole segment, ":name": unexpected text')
      }
      if (segment.includes(':')) {
        throw new RoutePatternError(route, position, 'a parameter is a whole segment, ":name": unexpected text')
      }
      const decoded = decode(segment)
      if (decoded === null) throw new RoutePatternError(route, position, 'percent-encoding that is not UTF-8')
      return decoded.toLowerCase()
    })
  return { text: route, method, segments }
}

/** Finds the first of many routes that a request matches. */
export class RouteTable<T> {
  readonly #byMethod = new Map<string, MethodRoutes<T>>()

  constructor(routes: readonly { readonly pattern: RoutePattern; readonly value: T }[]) {
    routes.forEach(({ pattern, value }, order) => {
      const routesOfMethod = this.#byMethod.get(pattern.method) ?? { literal: new Map<string, Route<T>>(), open: [] }
      this.#byMethod.set(pattern.method, routesOfMethod)
      if (pattern.segments.includes(null)) {
        routesOfMethod.open.push({ order, segments: pattern.segments, value })
        return
      }
      const key = segmentKey(pattern.segments)
      if (!routesOfMethod.literal.has(key))
        routesOfMethod.literal.set(key, { order, segments: pattern.segments, value })
    })
  }

  /** `url` as a request carries it, with its query; undefined when no route matches. Never throws. */
  find(method: string | undefined, url: string | undefined): T | undefined {
    if (method === undefined || url === undefined) return undefined
    const routes = this.#byMethod.get(method)
    if (routes === undefined) return undefined
    const path = pathOf(url)
    if (path === null || path.length > maxRequestPath) return undefined
    const plain = !path.includes('%')
    // The way of nearly every request: no copy but the lower-case path.
    if (plain && routes.open.length === 0) return routes.literal.get(withoutLastSlash(path).toLowerCase())?.value
    const segments: string[] = []
    for (const segment of withoutLastSlash(path).split('/').slice(1)) {
      const decoded = plain ? segment : decode(segment)
      if (decoded === null) return undefined
      segments.push(decoded.toLowerCase())
    }
    const literal = routes.literal.get(segmentKey(segments))
    const open = routes.open.find((route) => matches(route.segments, segments))
    if (literal === undefined || open === undefined) return (literal ?? open)?.value
    return (literal.order < open.order ? literal : open).value
  }
}

interface Route<T> {
  readonly order: number
  readonly segments: readonly (string | null)[]
  readonly value: T
}

interface MethodRoutes<T> {
  readonly literal: Map<string, Route<T>>
  readonly open: Route<T>[]
}

function matches(pattern: readonly (string | null)[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((expected, i) => (expected === null ? segments[i] !== '' : expected === segments[i]))
  )
}

/** A decoded segment may hold a slash, which must not look like one between segments. */
function segmentKey(segments: readonly (string | null)[]): string {
  return segments.map((segment) => `/${(segment ?? '').replaceAll('\\', '\\\\').replaceAll('/', '\\/')}`).join('')
}

/** Of `/path?query`, or of `http://host/path?query`, which RFC 9112 3.2.2 allows too. */
function pathOf(url: string): string | null {
  let start = 0
  if (url[0] !== '/') {
    const authority = url.indexOf('://')
    if (authority === -1) return null
    start = url.indexOf('/', authority + 3)
    if (start === -1) return '/'
  }
  const query = url.indexOf('?', start)
  const fragment = url.indexOf('#', start)
  const end = Math.min(query === -1 ? url.length : query, fragment === -1 ? url.length : fragment)
  return start === 0 && end === url.length ? url : url.slice(start, end)
}

function withoutLastSlash(path: string): string {
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment)
  } catch {
    return null
  }
}
