/** e^690: the largest value kept, so that neither evidence nor a weighted sum of it ever overflows. */
export const evidenceCap: number = Math.exp(690)

/**
 * One step of the Shiryaev-Roberts recursion: M' = (M + 1) e, capped at e^690.
 *
 * M is the evidence that a change has begun at some earlier step: about t after t steps without change, growing
 * exponentially after one. M_t - t is a supermartingale as long as E[e | past] <= 1.
 * M itself is kept, not its logarithm: at the low end only M + 1 matters, so what underflows there is nothing, and the cap
 * guards the high end. That saves a logarithm a row and gives the same values as the recursion in log space.
 *
 * @see Shiryaev (1963), Roberts (1966); Shin, Ramdas, Rinaldo (2022), https://arxiv.org/abs/2203.03532
 * @example shiryaevRoberts(0, Math.log(3)) // 3
 */
export function shiryaevRoberts(evidence: number, logE: number): number {
  return Math.min((evidence + 1) * Math.exp(logE), evidenceCap)
}

/** Below this, evidence is reported as this: log10 of 0 has no number. */
const lowestLog10 = -300

/** log10 of evidence for a report, at least -300. */
export function log10OfEvidence(evidence: number): number {
  return Math.max(Math.log10(evidence), lowestLog10)
}
