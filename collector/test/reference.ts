import { readFileSync } from 'node:fs'

/** Reads a file of test/fixtures/reference; the scripts that made the numbers lie beside it. */
export function reference<Case>(name: string): { readonly cases: readonly Case[] } {
  const url = new URL(`../../test/fixtures/reference/${name}.json`, import.meta.url)
  return JSON.parse(readFileSync(url, 'utf8')) as { cases: Case[] }
}

export interface Tolerance {
  readonly relative: number
  readonly absolute: number
}

/** The first way in which a value differs from what is expected by more than the tolerance; null when it does not. */
export function deviation(actual: unknown, expected: unknown, tolerance: Tolerance, path = ''): string | null {
  if (typeof expected === 'number') {
    const close =
      typeof actual === 'number' &&
      Math.abs(actual - expected) <= Math.max(tolerance.relative * Math.abs(expected), tolerance.absolute)
    return close ? null : `${path}: expected ${expected}, got ${String(actual)}`
  }
  if (expected !== null && typeof expected === 'object') {
    if (actual === null || typeof actual !== 'object') return `${path}: expected an object, got ${String(actual)}`
    for (const [key, value] of Object.entries(expected)) {
      const found = deviation((actual as Record<string, unknown>)[key], value, tolerance, `${path}.${key}`)
      if (found !== null) return found
    }
    return null
  }
  return actual === expected ? null : `${path}: expected ${String(expected)}, got ${String(actual)}`
}
