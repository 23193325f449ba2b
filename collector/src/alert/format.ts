import type { AlertRecord } from './alert.ts'
import { formatCount } from '../diagnose/words.ts'
import { instant } from './instant.ts'

/** Things and causes that a text lists; the rest is counted. */
const maximumListed = 5

export interface FormatOptions {
  /** How a point in event time is written; a run over a file cut by rows has row numbers. Default: ISO 8601. */
  readonly at?: (milliseconds: number) => string
}

/**
 * An alert as plain text of several lines: what moved, by how much, since when, how sure, compared with what, and what to look
 * at first. Ends without a line break.
 */
export function formatAlert(alert: AlertRecord, { at = instant }: FormatOptions = {}): string {
  const { explanation } = alert
  const { window, comparedWith, moved, diagnosis } = explanation
  const lines = [`[${alert.state.toUpperCase()}] ${alert.severity}: ${explanation.summary}`]
  for (const one of moved.slice(0, maximumListed)) {
    lines.push(`  moved     ${one.signal} ${one.feature}: ${one.change}`)
  }
  if (moved.length > maximumListed) lines.push(`            and ${moved.length - maximumListed} more`)
  lines.push(
    `  since     ${at(explanation.onsetMs)} (window ${at(window.startMs)} to ${at(window.endMs)}, ${formatCount(window.rows)} rows)`,
  )
  lines.push(`  how sure  ${explanation.confidence}`)
  lines.push(
    `  against   baseline ${short(comparedWith.baselineDigest)} of ${formatCount(comparedWith.baselineRows)} rows, ${othersOf(alert)}`,
  )
  for (const [index, one] of diagnosis.slice(0, maximumListed).entries()) {
    lines.push(
      `  ${index === 0 ? 'cause?    ' : '          '}${one.cause} (score ${one.score.toFixed(2)}): ${one.evidence}`,
    )
  }
  lines.push(`  look at   ${explanation.lookFirst}`)
  if (alert.resolvedAtMs !== null) lines.push(`  over      ${at(alert.resolvedAtMs)}`)
  lines.push(`  alert     ${alert.id}`)
  return lines.join('\n')
}

function othersOf({ explanation: { comparedWith } }: AlertRecord): string {
  const manifest =
    comparedWith.manifestDigest === null ? 'no manifest' : `manifest ${short(comparedWith.manifestDigest)}`
  return `${manifest}, rules ${short(comparedWith.rulesDigest)}`
}

/** Digests are 71 characters; the first 12 hex digits tell two of them apart. The full ones are in the alert's data. */
function short(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12)
}
