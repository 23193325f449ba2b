import type { CompiledDetector } from './compile-detector.ts'

/** Starts of this many last slices are remembered, to say since when a change has been seen: 42 days of hours. */
const rememberedSlices = 1024

/** What the detector knows about the past. A value: a step returns a new one. */
export interface DetectorState {
  /** The detector it belongs to. */
  readonly fingerprint: string
  /** Steps taken. */
  readonly step: number
  /** Evidence M of every row. */
  readonly evidence: Float64Array
  /** Per row, the step since which its evidence has been at least 1 without a break; 0 when it is below. */
  readonly since: Uint32Array
  /** Start of the last slices in ms, the newest last. */
  readonly sliceStarts: Float64Array
  /** Per monitor, the incident it is in. */
  readonly incidents: readonly (Incident | null)[]
}

/** A monitor's change that has raised an alarm and is not over. */
export interface Incident {
  readonly alarmStep: number
  readonly alarmedAtMs: number
  /** The step in which the change probably began. */
  readonly onsetStep: number
  readonly sinceMs: number
  /** Steps with data since the last alarm of this monitor. */
  readonly quietSteps: number
  /** It ends after this many of them. */
  readonly closeAfter: number
  /** Alarms since it opened, the first one included. */
  readonly alarms: number
}

/** Nothing seen yet. */
export function initialState(detector: CompiledDetector): DetectorState {
  return {
    fingerprint: detector.fingerprint,
    step: 0,
    evidence: new Float64Array(detector.rowCount),
    since: new Uint32Array(detector.rowCount),
    sliceStarts: new Float64Array(0),
    incidents: detector.monitors.map(() => null),
  }
}

/** The slice starts with one more; the oldest is forgotten. */
export function withSliceStart(starts: Float64Array, startMs: number): Float64Array {
  const kept = starts.length < rememberedSlices ? starts : starts.subarray(1)
  const extended = new Float64Array(kept.length + 1)
  extended.set(kept)
  extended[kept.length] = startMs
  return extended
}

/** Start of a step's slice in ms; of the oldest remembered one when it is older. */
export function startOfStep(state: Pick<DetectorState, 'step' | 'sliceStarts'>, step: number): number {
  const newest = state.sliceStarts.length - 1
  return state.sliceStarts[Math.max(0, newest - (state.step - step))]!
}

/** First bytes of an encoded state: the letters DLEV. */
const magic = 0x444c4556
const version = 1
const headerBytes = 40
const incidentFields = 7
const incidentBytes = incidentFields * 8

/**
 * A state as bytes, little-endian: magic and version (u32), fingerprint (16 ASCII), rows, monitors, slice starts, open
 * incidents (u32), then step (f64 at 40), evidence (f64), slice starts (f64), incidents (index and seven f64), since (u32).
 */
export function encodeState(state: DetectorState): Uint8Array<ArrayBuffer> {
  const open = state.incidents.flatMap((incident, monitor) => (incident === null ? [] : [{ monitor, incident }]))
  const counts = [state.evidence.length, state.incidents.length, state.sliceStarts.length, open.length] as const
  const bytes = new Uint8Array(byteLength(counts))
  const view = new DataView(bytes.buffer)
  view.setUint32(0, magic, true)
  view.setUint32(4, version, true)
  for (let i = 0; i < 16; i++) view.setUint8(8 + i, state.fingerprint.charCodeAt(i))
  counts.forEach((count, i) => view.setUint32(24 + 4 * i, count, true))
  let at = headerBytes
  const number = (value: number): void => {
    view.setFloat64(at, value, true)
    at += 8
  }
  number(state.step)
  for (const value of state.evidence) number(value)
  for (const value of state.sliceStarts) number(value)
  for (const { monitor, incident } of open) {
    number(monitor)
    const { alarmStep, alarmedAtMs, onsetStep, sinceMs, quietSteps, closeAfter, alarms } = incident
    for (const value of [alarmStep, alarmedAtMs, onsetStep, sinceMs, quietSteps, closeAfter, alarms]) number(value)
  }
  for (const value of state.since) {
    view.setUint32(at, value, true)
    at += 4
  }
  return bytes
}

function byteLength([rows, , slices, open]: readonly [number, number, number, number]): number {
  return headerBytes + 8 * (1 + rows + slices) + open * (8 + incidentBytes) + 4 * rows
}

/**
 * The state that was encoded, bit for bit.
 *
 * @throws RangeError when the bytes are no state, of another version, cut short, or of another detector.
 */
export function decodeState(detector: CompiledDetector, bytes: Uint8Array): DetectorState {
  if (bytes.byteLength < headerBytes + 8)
    throw new RangeError(`a detector state of ${bytes.byteLength} bytes is cut short`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (view.getUint32(0, true) !== magic) throw new RangeError('these bytes are no detector state')
  if (view.getUint32(4, true) !== version) {
    throw new RangeError(`detector state of version ${view.getUint32(4, true)}, this program reads version ${version}`)
  }
  const fingerprint = String.fromCharCode(...bytes.subarray(8, 24))
  const counts = [24, 28, 32, 36].map((at) => view.getUint32(at, true)) as [number, number, number, number]
  const [rows, monitors, slices, open] = counts
  if (fingerprint !== detector.fingerprint || rows !== detector.rowCount || monitors !== detector.monitors.length) {
    throw new RangeError(`the state belongs to detector ${fingerprint}, not to ${detector.fingerprint}`)
  }
  if (bytes.byteLength !== byteLength(counts)) {
    throw new RangeError(
      `a detector state of ${bytes.byteLength} bytes where its header announces ${byteLength(counts)}`,
    )
  }
  let at = headerBytes
  const number = (): number => {
    at += 8
    return view.getFloat64(at - 8, true)
  }
  const step = number()
  const evidence = Float64Array.from({ length: rows }, number)
  const sliceStarts = Float64Array.from({ length: slices }, number)
  const incidents: (Incident | null)[] = detector.monitors.map(() => null)
  for (let i = 0; i < open; i++) {
    const monitor = number()
    if (!(monitor in incidents)) throw new RangeError(`the state has an incident of monitor ${monitor}, of ${monitors}`)
    incidents[monitor] = {
      alarmStep: number(),
      alarmedAtMs: number(),
      onsetStep: number(),
      sinceMs: number(),
      quietSteps: number(),
      closeAfter: number(),
      alarms: number(),
    }
  }
  const since = Uint32Array.from({ length: rows }, () => {
    at += 4
    return view.getUint32(at - 4, true)
  })
  return { fingerprint, step, evidence, since, sliceStarts, incidents }
}
