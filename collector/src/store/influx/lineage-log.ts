import type { Lineage } from './derived/lineage-points.ts'

const dayMs = 86_400_000

/**
 * Remembers what was last written of the lineage of each model version, so that it is written when it changes and once a day: a
 * dashboard that looks back a week finds it. After a restart it is written once more.
 * As many versions as the receiver takes, some hundred bytes each.
 */
export class LineageLog {
  readonly #written = new Map<string, { readonly lineage: Lineage; readonly atMs: number }>()
  readonly #stale = new Set<string>()

  /** Documents of the version changed: what is remembered of them does not count any more. */
  forget(model: string, version: string): void {
    this.#stale.add(keyOf(model, version))
  }

  /** What was last written, null when the documents have to be read again. */
  known(model: string, version: string): Lineage | null {
    const key = keyOf(model, version)
    return this.#stale.has(key) ? null : (this.#written.get(key)?.lineage ?? null)
  }

  isDue(lineage: Lineage, nowMs: number): boolean {
    const before = this.#written.get(keyOf(lineage.model, lineage.version))
    return before === undefined || textOf(before.lineage) !== textOf(lineage) || nowMs - before.atMs >= dayMs
  }

  note(lineage: Lineage, nowMs: number): void {
    const key = keyOf(lineage.model, lineage.version)
    this.#stale.delete(key)
    this.#written.set(key, { lineage, atMs: nowMs })
  }
}

function keyOf(model: string, version: string): string {
  return `${model}\u0000${version}`
}

function textOf(lineage: Lineage): string {
  return JSON.stringify(Object.values(lineage))
}
