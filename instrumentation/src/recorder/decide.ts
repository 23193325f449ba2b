import type { Decision } from '../contract/index.ts'

/** Whether a score means the positive class. */
export function isPositive({ threshold, rule }: Decision, score: number): boolean {
  return rule === '>' ? score > threshold : score >= threshold
}
