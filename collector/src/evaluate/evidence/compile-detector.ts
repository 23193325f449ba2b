import { sumOf } from '../../stats/histogram-cells.ts'
import { categoricalRows } from './categorical-rows.ts'
import { credibilityMultiplier, defaultEta, directionsPerFlag, valueDirections } from './credibility.ts'
import { monitorWeights, partWeights, type MonitorFamily } from './detector-weights.ts'
import { learnCategoricalDispersion, learnNumericDispersion, rateDispersion, type Chunks } from './dispersion.ts'
import { flagRows } from './flag-rows.ts'
import { numericRows } from './numeric-rows.ts'
import { rateBounds } from './rate-bounds.ts'
import { statisticCount, type RowSet } from './row-set.ts'
import type { RateBounds } from '../../stats/clopper-pearson-bounds.ts'

/** A segment with fewer baseline rows is shown, not monitored. */
const fewestSegmentRows = 200

/** Steps within which a shift should be found, for what is reported as the smallest detectable one. */
const defaultHorizonSteps = 24

/** One histogram that is watched, with its flags. */
export interface MonitorDefinition {
  /** Unique within its segment. */
  readonly id: string
  /** Empty for the whole model. */
  readonly segment: string
  readonly family: MonitorFamily
  readonly kind: 'numeric' | 'categorical'
  /** Numeric: first cell below, last cell above anything seen. Categorical: last cell `_OTHER`. */
  readonly baselineCounts: ArrayLike<number>
  /** The same counts in time-ordered chunks; without them no dispersion is learned. */
  readonly chunkCounts?: Chunks
  /** Rows of the baseline, missing and invalid ones included; the sum of the counts when not given. */
  readonly baselineRows?: number
  readonly missing?: FlagDefinition
  readonly invalid?: FlagDefinition
  /** Bounds or categories of the cells: only to name rows. */
  readonly bounds?: readonly number[]
  readonly categories?: readonly string[]
}

interface FlagDefinition {
  readonly count: number
  readonly rows: number
  /** Flagged rows, and all rows, of each time-ordered chunk; both are needed to learn the dispersion. */
  readonly chunkCounts?: ArrayLike<number>
  readonly chunkRows?: ArrayLike<number>
}

export interface DetectorDefinition {
  readonly monitors: readonly MonitorDefinition[]
  /** Evidence that raises an alarm: the number of steps in which one false alarm is accepted. */
  readonly budgetSteps: number
  /** Relative weights of monitors inside their family, by id; 1 where not given, 0 for a monitor that is only shown. */
  readonly weights?: Readonly<Record<string, number>>
  /** Accepted probability of an unlucky baseline; default 0.01. */
  readonly eta?: number
  /** Changes below this many standard deviations do not matter; default 0. */
  readonly tau?: number
  /** Default 24. */
  readonly horizonSteps?: number
}

/** A compiled detector. Immutable; what changes over time is a `DetectorState`. */
export interface CompiledDetector {
  /** Changes whenever a number that the evidence depends on changes: a state belongs to one fingerprint. */
  readonly fingerprint: string
  readonly monitors: readonly Monitor[]
  /** Evidence that raises an alarm: the number of steps in which one false alarm is accepted. */
  readonly budgetSteps: number
  readonly zEta: number
  readonly tolerance: number
  /** Directions watched in the whole model, over which the credibility is split. */
  readonly directions: number
  readonly horizonSteps: number
  /** Rows of all parts of all monitors: the length of the state's evidence. */
  readonly rowCount: number
  /** The largest number of statistics of a part: the scratch space a step needs. */
  readonly statisticLimit: number
}

export interface Monitor {
  readonly id: string
  readonly segment: string
  readonly family: MonitorFamily
  readonly kind: 'numeric' | 'categorical'
  /** Weight in the model's evidence; 0 when it is not monitored. */
  readonly weight: number
  /** Why the weight is 0, or null. */
  readonly unmonitored: 'segment-too-small' | 'weight-zero' | 'no-rows' | null
  /** Values of the baseline. */
  readonly baselineSize: number
  readonly dispersionLearned: boolean
  readonly values: Part
  readonly missing: Part | null
  readonly invalid: Part | null
  /** The direction that the smallest detectable change is stated for. */
  readonly detectable: DetectableDirection | null
}

/** Rows that share a size n: the values of a monitor, or one of its flags. */
export interface Part {
  readonly rows: RowSet
  /** Where the part's rows begin in the state. */
  readonly offset: number
  /** Weights of the rows within the monitor. */
  readonly weight: Float64Array
  /** Rows of a baseline chunk on average; Infinity when no dispersion was learned. */
  readonly chunkSize: number
  /** Largest learned factor of a row. */
  readonly dispersion: number
}

type DetectableDirection =
  | { readonly kind: 'location-shift'; readonly rowWeight: number; readonly dispersion: number }
  | {
      readonly kind: 'rate-difference'
      readonly rowWeight: number
      readonly dispersion: number
      readonly rate: number
      readonly bounds: RateBounds
    }

/**
 * Compiles the detector of one model version: rows, credibility, dispersion and weights of everything it watches.
 *
 * @throws RangeError listing every monitor whose numbers contradict each other.
 * @see STATISTICS.md 6.
 */
export function compileDetector(spec: DetectorDefinition): CompiledDetector {
  requireConsistent(spec)
  const { eta = defaultEta, tau = 0, horizonSteps = defaultHorizonSteps } = spec
  const rowsOfSegment = segmentRows(spec.monitors)
  const watched = spec.monitors.filter(
    (monitor) =>
      (monitor.segment === '' || rowsOfSegment.get(monitor.segment)! >= fewestSegmentRows) &&
      (spec.weights?.[monitor.id] ?? 1) > 0,
  )
  let directions = 0
  for (const monitor of watched) {
    if (hasValues(monitor)) directions += valueDirections(monitor.kind, monitor.baselineCounts)
    if (monitor.missing !== undefined) directions += directionsPerFlag
    if (monitor.invalid !== undefined) directions += directionsPerFlag
  }
  const zEta = credibilityMultiplier(directions, eta)
  const parts = new Map(watched.map((monitor) => [monitor, compileParts(monitor, zEta, tau)]))
  const weighed = watched.filter((monitor) => parts.get(monitor)!.some((part) => part !== null && rowsIn(part) > 0))
  const weights = monitorWeights(weighed, spec.weights)
  const weightOf = new Map(weighed.map((monitor, i) => [monitor, weights[i]!]))

  let rowCount = 0
  let statisticLimit = 0
  const place = (part: UnplacedPart | null): Part | null => {
    if (part === null) return null
    const placed = { ...part, offset: rowCount }
    rowCount += rowsIn(part)
    statisticLimit = Math.max(statisticLimit, statisticCount(part.rows))
    return placed
  }
  const monitors = spec.monitors.map((monitor): Monitor => {
    const compiled = parts.get(monitor)
    const [values, missing, invalid] = compiled ?? [emptyPart(monitor.baselineCounts.length), null, null]
    const weight = weightOf.get(monitor) ?? 0
    return {
      id: monitor.id,
      segment: monitor.segment,
      family: monitor.family,
      kind: monitor.kind,
      weight,
      unmonitored: weight > 0 ? null : reasonOf(spec, monitor, compiled !== undefined),
      baselineSize: sumOf(monitor.baselineCounts),
      dispersionLearned: monitor.chunkCounts !== undefined && monitor.chunkCounts.length > 0,
      values: place(values)!,
      missing: place(missing),
      invalid: place(invalid),
      detectable: weight > 0 ? detectableDirection(monitor, values, weight, tau, zEta) : null,
    }
  })
  const detector = {
    monitors,
    budgetSteps: spec.budgetSteps,
    zEta,
    tolerance: tau,
    directions,
    horizonSteps,
    rowCount,
    statisticLimit,
  }
  return { ...detector, fingerprint: fingerprintOf(detector) }
}

/** A feature that was missing in every row of the baseline has nothing to compare values with; its flags are watched all the same. */
function hasValues({ baselineCounts }: MonitorDefinition): boolean {
  return sumOf(baselineCounts) > 0
}

type UnplacedPart = Omit<Part, 'offset'>

const rowsIn = (part: UnplacedPart): number => part.rows.slope.length

function emptyPart(cells: number): UnplacedPart {
  const rows = categoricalRows(new Float64Array(cells), { zEta: 0 })
  return { rows, weight: rows.weight, chunkSize: Number.POSITIVE_INFINITY, dispersion: 1 }
}

/** Values, missing, invalid; weights of absent or empty parts fall to the others. */
function compileParts(
  monitor: MonitorDefinition,
  zEta: number,
  tau: number,
): readonly [UnplacedPart, UnplacedPart | null, UnplacedPart | null] {
  const { values: valuesWeight, missing: missingWeight, invalid: invalidWeight } = partWeights
  const drafts = [
    { rows: valueRows(monitor, zEta, tau), share: valuesWeight, chunkSize: averageOf(monitor.chunkCounts?.map(sumOf)) },
    flagDraft('missing', monitor.missing, missingWeight, zEta, tau),
    flagDraft('invalid', monitor.invalid, invalidWeight, zEta, tau),
  ] as const
  let present = 0
  for (const draft of drafts) if (draft !== null && draft.rows.slope.length > 0) present += draft.share
  const part = (draft: (typeof drafts)[number]): UnplacedPart | null => {
    if (draft === null) return null
    const { rows, share, chunkSize } = draft
    return {
      rows,
      weight: rows.weight.map((weight) => (weight * share) / present),
      chunkSize,
      dispersion: rows.dispersion.reduce((a, b) => Math.max(a, b), 1),
    }
  }
  return [part(drafts[0])!, part(drafts[1]), part(drafts[2])]
}

function valueRows(monitor: MonitorDefinition, zEta: number, tau: number): RowSet {
  const { kind, baselineCounts, chunkCounts } = monitor
  if (!hasValues(monitor)) return emptyPart(baselineCounts.length).rows
  const learn = chunkCounts !== undefined && chunkCounts.length > 0
  if (kind === 'categorical') {
    return categoricalRows(baselineCounts, {
      zEta,
      tolerance: tau,
      categories: monitor.categories,
      ...(learn && { dispersion: learnCategoricalDispersion(chunkCounts) }),
    })
  }
  return numericRows(baselineCounts, {
    zEta,
    tolerance: { location: tau, scale: tau, tail: tau, range: tau, shape: tau },
    bounds: monitor.bounds,
    ...(learn && { dispersion: learnNumericDispersion(chunkCounts) }),
  })
}

function flagDraft(
  what: 'missing' | 'invalid',
  flag: FlagDefinition | undefined,
  share: number,
  zEta: number,
  tau: number,
): { rows: RowSet; share: number; chunkSize: number } | null {
  if (flag === undefined) return null
  const { chunkCounts, chunkRows } = flag
  const learn = chunkCounts !== undefined && chunkRows !== undefined
  const dispersion = learn ? rateDispersion(chunkCounts, chunkRows) : 1
  return {
    rows: flagRows(what, flag.count, flag.rows, { zEta, tolerance: tau, dispersion }),
    share,
    chunkSize: learn ? averageOf(Array.from(chunkRows)) : Number.POSITIVE_INFINITY,
  }
}

/** Infinity without chunks: a window is then never longer than what was learned from. */
function averageOf(chunkSizes: readonly number[] | undefined): number {
  if (chunkSizes === undefined || chunkSizes.length === 0) return Number.POSITIVE_INFINITY
  const average = sumOf(chunkSizes) / chunkSizes.length
  return average > 0 ? average : Number.POSITIVE_INFINITY
}

function detectableDirection(
  monitor: MonitorDefinition,
  values: UnplacedPart,
  weight: number,
  tau: number,
  zEta: number,
): DetectableDirection | null {
  const { groups, statistic, dispersion } = values.rows
  if (monitor.kind === 'numeric') {
    const row = groups.indexOf('location')
    if (row < 0) return null
    return { kind: 'location-shift', rowWeight: weight * values.weight[row]!, dispersion: dispersion[row]! }
  }
  // The largest category that can still rise: of a rate that is almost 1, no rise can be told.
  const size = sumOf(monitor.baselineCounts)
  let best: { cell: number; row: number } | null = null
  values.rows.names.forEach((name, row) => {
    const cell = statistic[row]!
    if (!name.endsWith(' up') || (best !== null && monitor.baselineCounts[cell]! <= monitor.baselineCounts[best.cell]!))
      return
    best = { cell, row }
  })
  if (best === null) return null
  const { cell, row } = best as { cell: number; row: number }
  const count = monitor.baselineCounts[cell]!
  return {
    kind: 'rate-difference',
    rowWeight: weight * values.weight[row]!,
    dispersion: dispersion[row]!,
    rate: count / size,
    bounds: rateBounds(count / dispersion[row]!, size / dispersion[row]!, tau, zEta),
  }
}

function reasonOf(
  spec: DetectorDefinition,
  monitor: MonitorDefinition,
  compiled: boolean,
): 'segment-too-small' | 'weight-zero' | 'no-rows' {
  if (compiled) return 'no-rows'
  return (spec.weights?.[monitor.id] ?? 1) > 0 ? 'segment-too-small' : 'weight-zero'
}

/** Rows of a segment's baseline: those of its best known monitor. */
function segmentRows(monitors: readonly MonitorDefinition[]): Map<string, number> {
  const rows = new Map<string, number>()
  for (const { segment, baselineCounts, baselineRows, missing, invalid } of monitors) {
    const own = Math.max(baselineRows ?? 0, missing?.rows ?? 0, invalid?.rows ?? 0, sumOf(baselineCounts))
    rows.set(segment, Math.max(rows.get(segment) ?? 0, own))
  }
  return rows
}

function requireConsistent(spec: DetectorDefinition): void {
  const problems: string[] = []
  const { budgetSteps, eta = defaultEta, tau = 0, horizonSteps = defaultHorizonSteps } = spec
  if (!(budgetSteps >= 1 && budgetSteps <= 1e12)) problems.push(`budgetSteps is ${budgetSteps}, not between 1 and 1e12`)
  if (!(eta > 0 && eta < 0.5)) problems.push(`eta is ${eta}, not between 0 and 0.5`)
  if (!(tau >= 0 && tau <= 10)) problems.push(`tau is ${tau}, not between 0 and 10`)
  if (!(horizonSteps >= 1)) problems.push(`horizonSteps is ${horizonSteps}, not at least 1`)
  for (const [id, weight] of Object.entries(spec.weights ?? {})) {
    if (!(weight >= 0 && Number.isFinite(weight)))
      problems.push(`weights.${id} is ${weight}, not a finite number from 0`)
  }
  const seen = new Set<string>()
  for (const monitor of spec.monitors) {
    const place =
      monitor.segment === '' ? `monitor '${monitor.id}'` : `monitor '${monitor.id}' of segment '${monitor.segment}'`
    const key = `${monitor.segment}\u0000${monitor.id}`
    if (seen.has(key)) problems.push(`${place} is there twice`)
    seen.add(key)
    const cells = monitor.baselineCounts.length
    if (cells < 1) problems.push(`${place} has no cells`)
    if (!isCounts(monitor.baselineCounts)) problems.push(`${place} has baseline counts that are negative or not finite`)
    monitor.chunkCounts?.forEach((chunk, k) => {
      if (chunk.length !== cells) problems.push(`${place} has ${chunk.length} counts in chunk ${k}, not ${cells}`)
      else if (!isCounts(chunk)) problems.push(`${place} has counts in chunk ${k} that are negative or not finite`)
    })
    for (const [what, flag] of [
      ['missing', monitor.missing],
      ['invalid', monitor.invalid],
    ] as const) {
      if (flag === undefined) continue
      if (!(flag.count >= 0 && flag.count <= flag.rows && Number.isFinite(flag.rows))) {
        problems.push(`${place} has ${flag.count} ${what} of ${flag.rows} rows`)
      }
      const { chunkCounts, chunkRows } = flag
      if (chunkCounts !== undefined && chunkRows !== undefined && chunkCounts.length !== chunkRows.length) {
        problems.push(`${place} has ${chunkCounts.length} ${what} chunks, but rows of ${chunkRows.length}`)
      }
    }
  }
  if (problems.length > 0) throw new RangeError(`the detector can not be compiled:\n${problems.join('\n')}`)
}

function isCounts(counts: ArrayLike<number>): boolean {
  for (let i = 0; i < counts.length; i++) if (!(counts[i]! >= 0 && counts[i]! < Number.POSITIVE_INFINITY)) return false
  return true
}

/** FNV-1a over the bits of every number that the evidence depends on, twice with different seeds: 64 bits as text. */
function fingerprintOf(detector: Omit<CompiledDetector, 'fingerprint'>): string {
  const numbers = [detector.budgetSteps, detector.zEta, detector.horizonSteps, detector.monitors.length]
  const arrays: Float64Array[] = [Float64Array.from(numbers)]
  for (const monitor of detector.monitors) {
    arrays.push(Float64Array.of(monitor.weight))
    for (const part of [monitor.values, monitor.missing, monitor.invalid]) {
      if (part === null) continue
      const { slope, intercept, scores } = part.rows
      arrays.push(
        slope,
        intercept,
        scores,
        part.weight,
        Float64Array.from(part.rows.ranges),
        Float64Array.of(part.chunkSize),
      )
    }
  }
  let first = 0x811c9dc5
  let second = 0x01234567
  for (const array of arrays) {
    for (const word of new Uint32Array(array.buffer, array.byteOffset, array.length * 2)) {
      first = Math.imul(first ^ word, 0x01000193)
      second = Math.imul(second ^ ((word << 13) | (word >>> 19)), 0x01000193)
    }
  }
  return [first, second].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
