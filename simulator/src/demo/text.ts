import type { PlantedTruth } from '../drift/drift.ts'
import type { DemoEvent, DemoStatus } from './event.ts'

type Alarm = Extract<DemoEvent, { event: 'alarm' }>

/** The living status: one fact a line. */
export function statusBlock(status: DemoStatus): string[] {
  const { traffic } = status
  return [
    `  elapsed       ${duration(status.elapsedSeconds)}`,
    `  predictions   ${count(traffic.sent)} sent${trafficTrouble(status)}`,
    `  windows       ${count(status.windows)} evaluated`,
    `  evidence      ${evidence(status)}`,
    `  accuracy      ${accuracy(status)}`,
    `  alerts        ${alerts(status)}`,
    `  drift         ${driftState(status)}`,
  ]
}

/** The same on one line. */
export function statusLine(status: DemoStatus): string {
  const parts = [
    duration(status.elapsedSeconds),
    `${count(status.traffic.sent)} predictions${trafficTrouble(status)}`,
    `${count(status.windows)} windows`,
    `evidence ${evidence(status)}`,
    `accuracy ${accuracy(status)}`,
    alerts(status),
    `drift ${driftState(status)}`,
  ]
  return parts.join(' · ')
}

/** An alarm with its explanation; the planted truth, when there is one, stands below for comparison. */
export function alarmText({ alert, secondsSinceDrift }: Alarm, truth: PlantedTruth | null): string[] {
  const { explanation } = alert
  const when =
    secondsSinceDrift === null
      ? 'before any drift was planted: a false alarm'
      : `${secondsSinceDrift.toFixed(0)} s after the drift was planted`
  const lines = [
    `ALARM  ${alert.severity}  ${alert.rule}  (${when})`,
    `  ${explanation.summary}`,
    ...explanation.moved.map(({ feature, change }, i) => `  ${label(i, 'moved')}${feature}: ${change}`),
    `  ${label(0, 'since')}${timeOfDay(explanation.onsetMs)}`,
    `  ${label(0, 'how sure')}${explanation.confidence}`,
    `  ${label(0, 'compared')}with baseline ${shortDigest(explanation.comparedWith.baselineDigest)} of ${count(explanation.comparedWith.baselineRows)} rows`,
    ...explanation.diagnosis.map(
      ({ cause, features, evidence }, i) =>
        `  ${label(i, 'causes')}${i + 1}. ${cause}${features.length > 0 ? ` (${features.join(', ')})` : ''}: ${evidence}`,
    ),
    `  ${label(0, 'look first')}${explanation.lookFirst}`,
  ]
  if (truth !== null && secondsSinceDrift !== null) lines.push(`  ${label(0, 'planted')}${truth.explanation}`)
  return lines
}

export function startedText(started: Extract<DemoEvent, { event: 'started' }>): string[] {
  const later =
    started.drift === 'none'
      ? 'no drift will be planted'
      : `drift '${started.drift}' after ${started.driftAfterSeconds} s`
  return [
    `Driftline demo: ${started.rate} predictions a second, ${later}. Ctrl-C ends it.`,
    `  collector     ${started.api}/api/v1/models   /alerts`,
    `  model server  ${started.server}/predict`,
    `  data          ${started.dataDirectory}`,
  ]
}

export function stoppedText(stopped: Extract<DemoEvent, { event: 'stopped' }>): string {
  const failed = stopped.failed > 0 ? `, ${count(stopped.failed)} failed` : ''
  return `Ended after ${duration(stopped.elapsedSeconds)}: ${count(stopped.sent)} predictions${failed}, ${stopped.alarms} ${stopped.alarms === 1 ? 'alarm' : 'alarms'}. The data lies in ${stopped.dataDirectory}`
}

/** 83 -> `1:23`. */
export function duration(seconds: number): string {
  const whole = Math.floor(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const two = (n: number): string => String(n).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

function evidence({ evidence: value, firing }: DemoStatus): string {
  if (value === null) return 'none yet'
  // What has alarmed no longer counts until its incident closes, so that one drift is not reported again and again.
  const left = firing > 0 && 10 ** value.log10 < value.threshold ? ', apart from what has alarmed' : ''
  return `${powerOfTen(value.log10)} of ${count(value.threshold)} needed${left}`
}

function accuracy({ accuracy: known, outcomes }: DemoStatus): string {
  const trouble = outcomes.failed > 0 ? ` (${count(outcomes.failed)} outcomes failed)` : ''
  if (known === null) return `unknown without outcomes${trouble}`
  const { value, outcomes: rows, offline } = known
  const before = offline === null ? '' : `, offline ${offline.toFixed(accuracyDigits)}`
  return `${value.toFixed(accuracyDigits)} in ${count(rows)} outcomes${before}${trouble}`
}

/** A window of the demo has some thousand outcomes. */
const accuracyDigits = 3

/** Evidence runs over hundreds of orders of magnitude. */
function powerOfTen(exponent: number): string {
  if (exponent >= 6) return `10^${exponent.toFixed(0)}`
  const value = 10 ** exponent
  return value >= 100 ? count(Math.round(value)) : value.toPrecision(2)
}

function alerts({ firing, fromBefore }: DemoStatus): string {
  const old = fromBefore > 0 ? ` (${fromBefore} from an earlier run)` : ''
  return firing === 0 ? 'none firing' : `${firing} firing${old}`
}

function driftState({ drift }: DemoStatus): string {
  if (drift.planted) return `${drift.name}, planted`
  return drift.inSeconds === null ? 'none' : `${drift.name} in ${Math.ceil(drift.inSeconds)} s`
}

function trafficTrouble({ traffic }: DemoStatus): string {
  const troubles: string[] = []
  if (traffic.failed > 0) troubles.push(`${count(traffic.failed)} failed: ${traffic.lastFailure}`)
  if (traffic.skipped > 0) troubles.push(`${count(traffic.skipped)} skipped, the machine is too slow for this rate`)
  return troubles.length > 0 ? ` (${troubles.join('; ')})` : ''
}

function count(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

const labelWidth = 12

/** The name of a list stands before its first line only. */
function label(position: number, name: string): string {
  return (position === 0 ? name : '').padEnd(labelWidth)
}

const shownDigits = 12

function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + shownDigits)
}

function timeOfDay(milliseconds: number): string {
  return new Date(milliseconds).toTimeString().slice(0, 8)
}
