import type { Result } from '../evaluate/result.ts'
import type { Explanation, Moved } from './alert.ts'

/** Things that one explanation names; a person reads the first few, and the results hold all of them. */
export const maximumMoved = 20

/**
 * The explanation that stays with an open alert after another slice that broke its rule.
 *
 * Budget rules keep the slice with the strongest evidence: after an alarm the evidence starts again from nothing, and an explanation
 * from a later slice would say that there is hardly any. Threshold rules take the latest. The onset never moves later.
 */
export function strongerExplanation(kept: Explanation, latest: Explanation): Explanation {
  if (kept.evidence !== null && latest.evidence !== null && latest.evidence <= kept.evidence) return kept
  const moved = [...latest.moved, ...kept.moved.filter((one) => !names(latest, one))].slice(0, maximumMoved)
  return { ...latest, moved, onsetMs: Math.min(kept.onsetMs, latest.onsetMs) }
}

/** Results that broke the rule and that the explanation does not name. None when it names as many as it can hold. */
export function newlyMoved(explanation: Explanation, fresh: readonly Result[]): Result[] {
  if (explanation.moved.length >= maximumMoved) return []
  return fresh.filter((result) => !names(explanation, result)).slice(0, maximumMoved - explanation.moved.length)
}

/** The explanation with what the latest one says about results that it did not name. */
export function addMoved(explanation: Explanation, latest: Explanation, added: readonly Result[]): Explanation {
  const more = latest.moved.filter((one) => !names(explanation, one) && added.some((result) => isSame(one, result)))
  return more.length === 0
    ? explanation
    : { ...explanation, moved: [...explanation.moved, ...more].slice(0, maximumMoved) }
}

function names(explanation: Explanation, thing: Pick<Moved, 'signal' | 'feature'>): boolean {
  return explanation.moved.some((moved) => isSame(moved, thing))
}

function isSame(a: Pick<Moved, 'signal' | 'feature'>, b: Pick<Moved, 'signal' | 'feature'>): boolean {
  return a.signal === b.signal && a.feature === b.feature
}
