import type { Result } from '../evaluate/result.ts'
import type { Explanation, Moved } from './alert.ts'

/** Things that one explanation names; a person reads the first few, and the results hold all of them. */
export const maximumMoved = 20

/** An effect must grow by this factor before the text follows it: the largest of many slices is a little larger by chance. */
const minimumGrowth = 1.1

/**
 * The explanation that stays with an open alert after another slice that broke its rule.
 *
 * Threshold rules take the latest. Budget rules keep the slice with the strongest evidence: after an alarm the evidence starts again
 * from nothing, and an explanation from a later slice would say that there is hardly any. But a change is often deployed in the middle
 * of the slice that raises the alarm, which then shows a mixture. So what a later slice says of a thing that moved replaces what
 * was said, once its effect is larger by the factor {@link minimumGrowth}; and when that thing is the one that the summary leads
 * with, summary, causes and window follow too. How sure it is stays with the evidence. The onset never moves later.
 */
export function strongerExplanation(kept: Explanation, latest: Explanation): Explanation {
  const onsetMs = Math.min(kept.onsetMs, latest.onsetMs)
  if (kept.evidence === null || latest.evidence === null || latest.evidence > kept.evidence)
    return { ...latest, moved: withOthers(latest, kept), onsetMs }
  const isLarger = (one: Moved) => {
    const before = kept.moved.find((moved) => isSame(moved, one))
    return before !== undefined && hasGrown(before, one)
  }
  const larger = latest.moved.filter(isLarger)
  if (larger.length === 0) return kept
  const moved = kept.moved.map((one) => larger.find((grown) => isSame(grown, one)) ?? one)
  const [lead] = kept.moved
  if (!larger.some((one) => isSame(one, lead!))) return { ...kept, moved, onsetMs }
  const { diagnosis, lookFirst } = latest.diagnosis.length > 0 ? latest : kept
  return { ...kept, summary: latest.summary, moved, window: latest.window, diagnosis, lookFirst, onsetMs }
}

function withOthers(latest: Explanation, kept: Explanation): Moved[] {
  return [...latest.moved, ...kept.moved.filter((one) => !names(latest, one))].slice(0, maximumMoved)
}

function hasGrown(before: Moved, after: Moved): boolean {
  if (before.effect === null || after.effect === null || before.effectUnit !== after.effectUnit) return false
  return Math.abs(after.effect) > minimumGrowth * Math.abs(before.effect)
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
