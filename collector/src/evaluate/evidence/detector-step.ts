import { exponential } from '../../stats/exponential.ts'
import { startOfStep, withSliceStart, type DetectorState, type Incident } from './detector-state.ts'
import { dispersionForWindow } from './dispersion.ts'
import type { CompiledDetector, Monitor, Part } from './compile-detector.ts'
import { packedRows, type PackedRows } from './packed-rows.ts'
import { windowStatistics } from './row-set.ts'
import { evidenceCap, log10OfEvidence } from './shiryaev-roberts.ts'
import { smallestDetectableRise, smallestDetectableShift } from './smallest-detectable.ts'

/** What one monitor saw in a slice. */
export interface MonitorInput {
  /** In the cells of the baseline. */
  readonly counts: ArrayLike<number>
  /** Of `rows`; needed only where the monitor has the flag. */
  readonly missing: number
  readonly invalid: number
  /** All rows, with missing and invalid ones. */
  readonly rows: number
}

export interface MonitorStep {
  /** log10 of the monitor's own mixture of rows. */
  readonly log10Evidence: number
  /** log10 of the mean evidence over the monitors that were in no incident: what is compared with the threshold. */
  readonly log10ModelEvidence: number
  /** log10 of this slice's e-value alone, for the leading row; 0 when it had no data. */
  readonly log10Step: number
  /** Empty when nothing has been seen yet. */
  readonly leadingGroup: string
  readonly leadingRow: string
  /** Values in the slice, and in the baseline. */
  readonly windowSize: number
  readonly baselineSize: number
  /** The largest dispersion factor in use, for the size of this window. */
  readonly dispersion: number
  readonly zEta: number
  /** In the unit of the effect: standard deviations, or a difference of shares. Null when it can not be said. */
  readonly smallestDetectable: number | null
  /** This step's alarm was of this monitor: it opened an incident or renewed its own. */
  readonly alarm: boolean
  readonly incident: { readonly sinceMs: number; readonly alarmedAtMs: number } | null
  /** False when it has no weight in the model's evidence: its segment is too small, for one. */
  readonly monitored: boolean
  /** Why data of this slice was left out, or null. */
  readonly problem: 'layout-mismatch' | 'contradictory-counts' | null
}

export interface StepResult {
  readonly state: DetectorState
  /** In the order of the detector's monitors. */
  readonly monitors: readonly MonitorStep[]
  /** log10 of the mean evidence over the monitors that were in no incident: what is compared with the threshold. */
  readonly log10ModelEvidence: number
  /** The mean evidence reached the threshold. */
  readonly alarm: boolean
  /** Monitors (by index) whose incident opened or closed in this step. */
  readonly opened: readonly number[]
  readonly closed: readonly number[]
}

/** An incident stays open at least this many steps, and this many times the delay of its alarm. */
const shortestIncident = 6
const incidentPerDelay = 3

/**
 * Advances the evidence of a model by one slice of event time.
 *
 * Slices must be disjoint: overlapping windows would count the same rows twice and void the budget. A monitor without data
 * (null, or no rows) keeps its evidence. When the mean evidence reaches the threshold, the monitors that carry it open an
 * incident, and all evidence starts again from 0; while a monitor is in an incident it is left out of the mean, but keeps its
 * weight, so a lasting change raises one alarm and the others are still watched.
 *
 * @param inputs one per monitor of the detector.
 * @param startMs start of the slice, to report since when.
 * @see STATISTICS.md 6.1 and 6.5.
 */
export function step(
  detector: CompiledDetector,
  state: DetectorState,
  inputs: readonly (MonitorInput | null)[],
  startMs: number,
): StepResult {
  if (inputs.length !== detector.monitors.length) {
    throw new RangeError(`${inputs.length} inputs for a detector of ${detector.monitors.length} monitors`)
  }
  if (state.fingerprint !== detector.fingerprint) throw new RangeError('the state belongs to another detector')
  const next: NextState = {
    fingerprint: state.fingerprint,
    step: state.step + 1,
    evidence: state.evidence.slice(),
    since: state.since.slice(),
    sliceStarts: withSliceStart(state.sliceStarts, startMs),
  }
  const scratch = new Float64Array(detector.statisticLimit)
  const rows = packedRows(detector)
  const seen = newSeen(detector.monitors.length)
  detector.monitors.forEach((monitor, i) => advance(monitor, i, inputs[i]!, rows, next, scratch, seen))
  const decision = decide(detector, state, seen, next, startMs)
  const log10ModelEvidence = log10OfEvidence(decision.mean)
  const monitors = detector.monitors.map((monitor, i): MonitorStep => {
    const incident = decision.incidents[i]!
    const size = seen.size[i]!
    const leading = seen.leadingAt[i]!
    return {
      log10Evidence: log10OfEvidence(seen.own[i]!),
      log10ModelEvidence,
      log10Step: seen.leadingLogE[i]! / Math.LN10,
      leadingGroup: leading < 0 ? '' : rows.groups[leading]!,
      leadingRow: leading < 0 ? '' : rows.names[leading]!,
      windowSize: size,
      baselineSize: monitor.baselineSize,
      dispersion: seen.dispersion[i]!,
      zEta: detector.zEta,
      smallestDetectable: smallestDetectable(detector, monitor, size),
      alarm: decision.alarmed.has(i),
      incident: incident === null ? null : { sinceMs: incident.sinceMs, alarmedAtMs: incident.alarmedAtMs },
      monitored: monitor.weight > 0,
      problem: seen.problem[i]!,
    }
  })
  return {
    state: { ...next, incidents: decision.incidents },
    monitors,
    log10ModelEvidence,
    alarm: decision.alarm,
    opened: decision.opened,
    closed: decision.closed,
  }
}

type NextState = Pick<DetectorState, 'fingerprint' | 'step' | 'evidence' | 'since' | 'sliceStarts'>

/** What a step saw, by monitor. Columns, because objects of ten thousand monitors would be most of a step's cost. */
interface Seen {
  /** Evidence of the monitor's own mixture. */
  readonly own: Float64Array
  /** Place in the state of the row with the largest weighted evidence; -1 when no row has evidence. */
  readonly leadingAt: Int32Array
  readonly leadingShare: Float64Array
  readonly leadingLogE: Float64Array
  readonly size: Float64Array
  readonly dispersion: Float64Array
  /** 1 when any row of evidence was updated. */
  readonly updated: Uint8Array
  readonly problem: MonitorStep['problem'][]
}

function newSeen(monitors: number): Seen {
  return {
    own: new Float64Array(monitors),
    leadingAt: new Int32Array(monitors).fill(-1),
    leadingShare: new Float64Array(monitors),
    leadingLogE: new Float64Array(monitors),
    size: new Float64Array(monitors),
    dispersion: new Float64Array(monitors).fill(1),
    updated: new Uint8Array(monitors),
    problem: new Array<MonitorStep['problem']>(monitors).fill(null),
  }
}

function advance(
  monitor: Monitor,
  index: number,
  input: MonitorInput | null,
  rowsOfAll: PackedRows,
  next: NextState,
  scratch: Float64Array,
  seen: Seen,
): void {
  const { values, missing, invalid } = monitor
  const layoutMatches = input === null || input.counts.length === values.rows.cells
  const size = input === null || !layoutMatches ? 0 : totalOf(input.counts)
  const rows = input?.rows ?? 0
  const contradictory =
    !isCount(size) ||
    !isCount(rows) ||
    (input !== null && missing !== null && !(input.missing >= 0 && input.missing <= rows)) ||
    (input !== null && invalid !== null && !(input.invalid >= 0 && input.invalid <= rows))
  const problem = !layoutMatches ? 'layout-mismatch' : contradictory ? 'contradictory-counts' : null
  const usable = input !== null && problem === null
  seen.problem[index] = problem
  seen.size[index] = usable ? size : 0
  if (usable && size > 0) windowStatistics(values.rows, input.counts, scratch)
  advancePart(values, rowsOfAll.partRows[3 * index]!, usable ? size : 0, scratch, rowsOfAll, next, seen, index)
  if (missing !== null) {
    if (usable) scratch[0] = input.missing
    advancePart(missing, rowsOfAll.partRows[3 * index + 1]!, usable ? rows : 0, scratch, rowsOfAll, next, seen, index)
  }
  if (invalid !== null) {
    if (usable) scratch[0] = input.invalid
    advancePart(invalid, rowsOfAll.partRows[3 * index + 2]!, usable ? rows : 0, scratch, rowsOfAll, next, seen, index)
  }
}

/** The Shiryaev-Roberts step of all rows of a part; without data (size 0) only their evidence is summed. */
function advancePart(
  part: Part,
  rowCount: number,
  size: number,
  statistics: Float64Array,
  { coefficients, statistic }: PackedRows,
  next: NextState,
  seen: Seen,
  index: number,
): void {
  const { offset, chunkSize } = part
  const { evidence, since, step } = next
  // Rows carry their learned dispersion; a window longer than a chunk is divided by more.
  const longer = size > chunkSize && part.dispersion > 1
  const dispersion = longer ? part.rows.dispersion : null
  const inUse = size > 0 && longer ? dispersionForWindow(part.dispersion, size, chunkSize) : part.dispersion
  seen.dispersion[index] = Math.max(seen.dispersion[index]!, inUse)
  let own = 0
  let leadingAt = -1
  let leadingShare = seen.leadingShare[index]!
  let leadingLogE = 0
  for (let at = offset; at < offset + rowCount; at++) {
    let logE = 0
    let value = evidence[at]!
    if (size > 0) {
      logE = coefficients[3 * at]! * statistics[statistic[at]!]! + coefficients[3 * at + 1]! * size
      if (dispersion !== null) {
        const learned = dispersion[at - offset]!
        logE *= learned / dispersionForWindow(learned, size, chunkSize)
      }
      // As in shiryaevRoberts(), spelled out in the innermost loop.
      value = (value + 1) * exponential(logE)
      if (value > evidenceCap) value = evidenceCap
      evidence[at] = value
      if (value < 1) since[at] = 0
      else if (since[at] === 0) since[at] = step
    }
    const share = coefficients[3 * at + 2]! * value
    own += share
    if (share > leadingShare) {
      leadingAt = at
      leadingShare = share
      leadingLogE = logE
    }
  }
  if (leadingAt >= 0) {
    seen.leadingAt[index] = leadingAt
    seen.leadingShare[index] = leadingShare
    seen.leadingLogE[index] = leadingLogE
  }
  seen.own[index]! += own
  if (size > 0 && rowCount > 0) seen.updated[index] = 1
}

interface Decision {
  readonly mean: number
  readonly alarm: boolean
  readonly alarmed: ReadonlySet<number>
  readonly opened: readonly number[]
  readonly closed: readonly number[]
  readonly incidents: readonly (Incident | null)[]
}

/** Alarm, renewals and closings; resets evidence in `next`. Membership in the mean is that at the start of the step. */
function decide(
  detector: CompiledDetector,
  before: DetectorState,
  seen: Seen,
  next: NextState,
  startMs: number,
): Decision {
  const { monitors, budgetSteps: threshold } = detector
  const incidents = before.incidents.slice()
  const alarmed = new Set<number>()
  const closed: number[] = []
  let mean = 0
  monitors.forEach((monitor, i) => {
    if (before.incidents[i] === null) mean += monitor.weight * seen.own[i]!
  })
  const alarm = mean >= threshold
  const opened = alarm ? carriers(detector, before, seen) : []
  for (const i of opened) {
    alarmed.add(i)
    incidents[i] = openIncident(seen.leadingAt[i]!, next, startMs)
  }
  before.incidents.forEach((incident, i) => {
    if (incident === null || seen.updated[i] === 0) return
    const quietSteps = incident.quietSteps + 1
    if (seen.own[i]! >= threshold) {
      alarmed.add(i)
      incidents[i] = { ...incident, quietSteps: 0, alarms: incident.alarms + 1 }
      if (!alarm) resetMonitor(detector, i, next)
    } else if (quietSteps >= incident.closeAfter) {
      closed.push(i)
      incidents[i] = null
    } else {
      incidents[i] = { ...incident, quietSteps }
    }
  })
  if (alarm) {
    next.evidence.fill(0)
    next.since.fill(0)
  }
  return { mean, alarm, alarmed, opened, closed, incidents }
}

/**
 * The monitors to which an alarm belongs: those with the largest weighted evidence that together reach the threshold, and
 * every other one whose own evidence does.
 */
function carriers(detector: CompiledDetector, before: DetectorState, seen: Seen): number[] {
  const { monitors, budgetSteps: threshold } = detector
  const candidates = monitors
    .map((monitor, i) => ({ i, share: monitor.weight * seen.own[i]! }))
    .filter(({ i, share }) => before.incidents[i] === null && share > 0)
    .sort((a, b) => b.share - a.share || a.i - b.i)
  const chosen: number[] = []
  let sum = 0
  for (const { i, share } of candidates) {
    if (sum < threshold || seen.own[i]! >= threshold) chosen.push(i)
    sum += share
  }
  return chosen.sort((a, b) => a - b)
}

function openIncident(at: number, next: NextState, startMs: number): Incident {
  const since = at < 0 ? 0 : next.since[at]!
  const onsetStep = since === 0 ? next.step : since
  return {
    alarmStep: next.step,
    alarmedAtMs: startMs,
    onsetStep,
    sinceMs: startOfStep(next, onsetStep),
    quietSteps: 0,
    closeAfter: Math.max(shortestIncident, incidentPerDelay * (next.step - onsetStep)),
    alarms: 1,
  }
}

function resetMonitor({ monitors, rowCount }: CompiledDetector, index: number, next: NextState): void {
  // The rows of a monitor's parts lie one after the other, and those of the next monitor follow.
  const end = monitors[index + 1]?.values.offset ?? rowCount
  next.evidence.fill(0, monitors[index]!.values.offset, end)
  next.since.fill(0, monitors[index]!.values.offset, end)
}

function smallestDetectable(detector: CompiledDetector, monitor: Monitor, windowSize: number): number | null {
  const { detectable, values, baselineSize } = monitor
  if (detectable === null || windowSize <= 0) return null
  const { budgetSteps: threshold, horizonSteps, zEta, tolerance } = detector
  const options = { threshold, horizonSteps, rowWeight: detectable.rowWeight }
  const inUse = dispersionForWindow(detectable.dispersion, windowSize, values.chunkSize)
  if (detectable.kind === 'rate-difference') {
    return smallestDetectableRise(windowSize, detectable.rate, detectable.bounds, inUse, options)
  }
  return smallestDetectableShift(
    { window: windowSize, baseline: baselineSize },
    { zEta, tolerance },
    { baseline: detectable.dispersion, window: inUse },
    options,
  )
}

function totalOf(counts: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < counts.length; i++) {
    if (!(counts[i]! >= 0)) return Number.NaN
    sum += counts[i]!
  }
  return sum
}

/** More rows than this in one slice are a fault of the sender; sums of coefficients over them stay far from overflow. */
const countLimit = 1e18

function isCount(value: number): boolean {
  return value >= 0 && value <= countLimit
}
