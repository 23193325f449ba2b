import type { Drift } from './drift.ts'

/** Nothing ever changes: every alarm is a false one. */
export const noDrift: Drift = {
  name: 'none',
  description: 'nothing changes',
  truth: null,
  plant: (row) => row,
}
