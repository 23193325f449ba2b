import type { Result } from '../evaluate/result.ts'

/** Mean reconstruction error before and after; null when one of them is not known. */
export function meanErrors({ summary }: Result): { readonly before: number; readonly after: number } | null {
  if (summary?.kind !== 'numeric' || summary.baseline.mean === null || summary.window.mean === null) return null
  return { before: summary.baseline.mean, after: summary.window.mean }
}

/** Whether rows lie farther from the structure of the baseline than its own rows do; else they lie closer. */
export function liesFarther(result: Result): boolean {
  const means = meanErrors(result)
  return means === null ? (result.effect?.value ?? 0) >= 0 : means.after >= means.before
}
