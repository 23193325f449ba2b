import { maxFeatures } from '../contract/parse-limits.ts'
import type { DeclaredFeature } from '../options.ts'
import type { Values } from '../recorder/gather.ts'
import type { TappedRow } from './sighting.ts'

type Kind = DeclaredFeature['kind']

/**
 * The features that rows show, for a model that nobody described: numbers are numeric, texts categorical, truths boolean. Objects name
 * them by their keys, arrays by `input[i]`. A feature that no row had a value for is numeric; one of several types is what most rows had.
 */
export function discoverFeatures(rows: readonly TappedRow[]): readonly DeclaredFeature[] {
  const kinds = new Map<string, Map<Kind, number>>()
  for (const row of rows) {
    if (isArrayRow(row)) {
      const length = Math.min(row.length, maxFeatures)
      for (let i = 0; i < length; i++) note(kinds, inputName(i), row[i])
    } else {
      for (const key of Object.keys(row)) if (key !== '') note(kinds, key, row[key])
    }
  }
  return [...kinds].map(([name, counts]) => ({ name, kind: mostCommon(counts) }))
}

/** Name of an input that has none. */
export function inputName(index: number): string {
  return `input[${index}]`
}

export function isArrayRow(row: TappedRow): row is Values {
  return Array.isArray(row) || ArrayBuffer.isView(row)
}

function note(kinds: Map<string, Map<Kind, number>>, name: string, value: unknown): void {
  const kind = kindOf(value)
  // Nested values are no features.
  if (kind === null) return
  let counts = kinds.get(name)
  if (counts === undefined) {
    if (kinds.size >= maxFeatures) return
    kinds.set(name, (counts = new Map()))
  }
  if (kind !== 'missing') counts.set(kind, (counts.get(kind) ?? 0) + 1)
}

function kindOf(value: unknown): Kind | 'missing' | null {
  if (value === undefined || value === null) return 'missing'
  if (typeof value === 'number' || typeof value === 'bigint') return 'numeric'
  if (typeof value === 'string') return 'categorical'
  return typeof value === 'boolean' ? 'boolean' : null
}

function mostCommon(counts: ReadonlyMap<Kind, number>): Kind {
  let best: Kind = 'numeric'
  for (const [kind, count] of counts) if (count > (counts.get(best) ?? 0)) best = kind
  return best
}
