import type { Random } from '../random.ts'

/**
 * Walks the indices 0 ... count-1 in a random order without replacement, then shuffles and begins again, for ever. Every
 * stretch of traffic therefore holds each row about equally often, and long runs are exactly as the rows are.
 *
 * @throws RangeError when there is nothing to walk.
 */
export function* shuffledForever(count: number, random: Random): Generator<number, never, void> {
  requireRows(count)
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  for (;;) {
    // Fisher and Yates: every permutation is equally likely.
    for (let i = count - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1))
      const swapped = order[i]!
      order[i] = order[j]!
      order[j] = swapped
    }
    yield* order
  }
}

/** Walks the indices 0 ... count-1 in their own order, for ever: what happened in time stays in time. */
export function* inOrderForever(count: number): Generator<number, never, void> {
  requireRows(count)
  for (;;) for (let i = 0; i < count; i++) yield i
}

function requireRows(count: number): void {
  if (count < 1) throw new RangeError('there are no rows to walk')
}
