import type { ParseArgsOptionsConfig } from 'node:util'

/** Flags of one benchmark, as node:util's parseArgs takes them. */
export type BenchOptions = ParseArgsOptionsConfig

/** One line of a benchmark's report: a ratio or a per-unit cost measured in this run. */
export interface BenchResult {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** As text, for instance `<= 10`; absent for figures that are only context. */
  readonly goal?: string
}

/** Whether `value` meets a goal such as `<= 10` or `>= 40`. */
export function reaches(value: number, goal: string): boolean {
  const match = /^(<=|>=|<|>)\s*([-+0-9.eE]+)$/.exec(goal)
  if (match === null) throw new Error(`goal '${goal}' is not of the form '<= number'`)
  const limit = Number(match[2])
  if (match[1] === '<=') return value <= limit
  if (match[1] === '>=') return value >= limit
  return match[1] === '<' ? value < limit : value > limit
}
