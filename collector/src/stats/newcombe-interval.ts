import { wilsonInterval, z95 } from './wilson-interval.ts'

/**
 * Newcombe's hybrid score interval of the difference of two rates, second minus first.
 *
 * Joins the Wilson intervals of both rates, so it has a sensible width when a rate is 0 or 1.
 * Formula: d - sqrt((p2 - l2)^2 + (u1 - p1)^2) to d + sqrt((u2 - p2)^2 + (p1 - l1)^2), d = p2 - p1.
 * Variant: method 10 of the paper, without continuity correction. Null when one of them has no rows. Constant cost.
 *
 * @see Newcombe (1998), https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I
 * @example newcombeInterval({ hits: 30, rows: 100 }, { hits: 8, rows: 20 }) // [-0.104983, 0.3282909]
 */
export function newcombeInterval(
  first: RateCount,
  second: RateCount,
  z: number = z95,
): readonly [number, number] | null {
  const one = wilsonInterval(first.hits, first.rows, z)
  const two = wilsonInterval(second.hits, second.rows, z)
  if (one === null || two === null) return null
  const firstRate = first.hits / first.rows
  const secondRate = second.hits / second.rows
  const difference = secondRate - firstRate
  return [
    difference - Math.hypot(secondRate - two[0], one[1] - firstRate),
    difference + Math.hypot(two[1] - secondRate, firstRate - one[0]),
  ]
}

export interface RateCount {
  readonly hits: number
  readonly rows: number
}
