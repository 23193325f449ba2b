/**
 * The candidate that a mistyped word was probably meant to be: the nearest by edit distance, if at most a third of the longer
 * word has to change. Letter case is ignored.
 *
 * @example closest('treshold', ['threshold', 'test']) // 'threshold'
 */
export function closest(word: string, candidates: readonly string[]): string | null {
  // Bounds the quadratic distance below; no name of ours is that long.
  if (word.length > 100) return null
  let best: string | null = null
  let bestDistance = Infinity
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance && distance <= Math.max(word.length, candidate.length) / 3) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein distance in which swapping two neighbouring letters is one step (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforePrevious: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      let distance = Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforePrevious[j - 2]! + 1)
      }
      current.push(distance)
    }
    beforePrevious = previous
    previous = current
  }
  return previous[b.length]!
}
