/** Kinds of signals that share one budget. */
export type MonitorFamily = 'features' | 'predictions' | 'labels' | 'attribution' | 'multivariate'

const familyWeights: Readonly<Record<MonitorFamily, number>> = {
  features: 0.6,
  predictions: 0.15,
  labels: 0.15,
  attribution: 0.05,
  multivariate: 0.05,
}

/** Parts of one monitor: the distribution of its values and two flags. */
export const partWeights = { values: 0.8, missing: 0.15, invalid: 0.05 } as const

/** Weight of the whole model when there are monitored segments. */
const globalWeight = 0.5

export interface WeighedMonitor {
  readonly id: string
  /** Empty for the whole model. */
  readonly segment: string
  readonly family: MonitorFamily
}

/**
 * Weights of monitors in the model's evidence; they sum to 1.
 *
 * Half goes to the whole model, half evenly to the segments; inside each, families have fixed weights, and inside a family
 * monitors have equal ones or the user's. Who is absent leaves its weight to the others of its level.
 *
 * @param own the user's weights by monitor id, relative to the others of the family; 1 where not given.
 * @see STATISTICS.md 6.7.
 */
export function monitorWeights(
  monitors: readonly WeighedMonitor[],
  own: Readonly<Record<string, number>> = {},
): Float64Array {
  const relative = (monitor: WeighedMonitor): number => Math.max(own[monitor.id] ?? 1, 0)
  const segments = new Map<string, Map<MonitorFamily, number>>()
  for (const monitor of monitors) {
    if (relative(monitor) === 0) continue
    const families = segments.get(monitor.segment) ?? new Map<MonitorFamily, number>()
    segments.set(monitor.segment, families)
    families.set(monitor.family, (families.get(monitor.family) ?? 0) + relative(monitor))
  }
  const declared = segments.size - (segments.has('') ? 1 : 0)
  const ofSegment = (segment: string): number => {
    if (segment === '') return declared === 0 ? 1 : globalWeight
    return (segments.has('') ? 1 - globalWeight : 1) / declared
  }
  return Float64Array.from(monitors, (monitor) => {
    const families = segments.get(monitor.segment)
    const inFamily = families?.get(monitor.family)
    if (families === undefined || inFamily === undefined) return 0
    let present = 0
    for (const family of families.keys()) present += familyWeights[family]
    return ofSegment(monitor.segment) * (familyWeights[monitor.family] / present) * (relative(monitor) / inFamily)
  })
}
