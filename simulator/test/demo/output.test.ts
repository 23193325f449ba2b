import { describe, expect, it } from 'vitest'
import { ageInMonths } from '../../src/drift/age-in-months.ts'
import type { AlertRecord } from '@driftline/collector'
import type { DemoEvent, DemoStatus } from '../../src/demo/event.ts'
import { blockOutput, jsonOutput, lineOutput } from '../../src/demo/output.ts'
import { duration } from '../../src/demo/text.ts'

const status = (elapsedSeconds: number, more: Partial<DemoStatus> = {}): DemoEvent => ({
  event: 'status',
  status: {
    elapsedSeconds,
    traffic: { sent: 12_345, answered: 12_345, failed: 0, skipped: 0, lastFailure: null },
    outcomes: { told: 9_500, failed: 0, refused: false },
    windows: 7,
    evidence: { log10: 84.2, threshold: 518_400 },
    accuracy: { value: 0.8312, outcomes: 1_604, offline: 0.83027 },
    firing: 1,
    fromBefore: 0,
    drift: { name: 'age-in-months', planted: true, inSeconds: 0 },
    api: 'http://127.0.0.1:4318',
    ...more,
  },
})

const alert: AlertRecord = {
  id: 'a',
  rule: 'inputs moved',
  model: 'employment',
  version: '1',
  segment: '',
  activeSinceMs: 0,
  lastTrueMs: 5,
  severity: 'warning',
  state: 'firing',
  firedAtMs: 5,
  resolvedAtMs: null,
  explanation: {
    summary: 'AGEP moved by 3.1 sd',
    moved: [{ signal: 'feature-drift', feature: 'AGEP', change: 'mean 40 a -> 480 a', effect: 3.1, log10Evidence: 84 }],
    onsetMs: 0,
    confidence: 'one false alarm in 30 days',
    evidence: 84,
    threshold: 5.7,
    window: { startMs: 0, endMs: 5000, rows: 2000 },
    comparedWith: {
      baselineDigest: `sha256:${'0123456789abcdef'.repeat(4)}`,
      manifestDigest: null,
      baselineRows: 7000,
      rulesDigest: '',
      detectorId: '',
    },
    diagnosis: [
      { score: 0.9, cause: 'unit-or-scale-change', features: ['AGEP'], evidence: 'a factor of 12', lookAt: 'the unit' },
    ],
    lookFirst: 'the unit of AGEP',
  },
}
const alarm: Extract<DemoEvent, { event: 'alarm' }> = {
  event: 'alarm',
  elapsedSeconds: 38,
  secondsSinceDrift: 8.2,
  alert,
}

function recorded(): { text: () => string; write: (text: string) => void } {
  let all = ''
  return { text: () => all, write: (text) => (all += text) }
}

/** What a terminal shows after the given output: understands newline, cursor up and erase below. */
function screen(output: string): string[] {
  const lines: string[] = ['']
  let row = 0
  // oxlint-disable-next-line no-control-regex
  for (const [token, up] of output.matchAll(/\u001B\[(\d+)[AJ]|\n|[^\u001B\n]+/g)) {
    if (token === '\n') lines[++row] ??= ''
    else if (token.endsWith('A') && up !== undefined) row -= Number(up)
    else if (token.endsWith('J') && up !== undefined) lines.splice(row, lines.length, '')
    else lines[row] += token
  }
  return lines
}

describe('blockOutput', () => {
  it('writes the status over itself and leaves alarms standing above it', () => {
    const { write, text } = recorded()
    const output = blockOutput({ write, columns: () => 80, truth: ageInMonths.truth })
    output(status(1))
    output(status(2))
    output(alarm)
    output(status(83))
    const shown = screen(text())
    expect(shown.filter((line) => line.includes('elapsed'))).toEqual(['  elapsed       1:23'])
    expect(shown.filter((line) => line.startsWith('ALARM'))).toHaveLength(1)
    expect(shown.findIndex((line) => line.startsWith('ALARM'))).toBeLessThan(
      shown.findIndex((line) => line.includes('elapsed')),
    )
  })

  it('cuts lines at the width of the terminal', () => {
    const { write, text } = recorded()
    blockOutput({ write, columns: () => 20, truth: null })(status(1))
    for (const line of screen(text())) expect(line.length).toBeLessThan(20)
  })
})

describe('lineOutput', () => {
  it('prints a status every five seconds and alarms at once, with all of their explanation', () => {
    const { write, text } = recorded()
    const output = lineOutput({ write, truth: ageInMonths.truth })
    for (let second = 0; second < 12; second++) output(status(second))
    output(alarm)
    const lines = text().split('\n')
    expect(lines.filter((line) => line.includes('12,345 predictions'))).toHaveLength(3)
    expect(lines[0]).toContain('accuracy 0.831 in 1,604 outcomes, offline 0.830')
    for (const part of [
      'ALARM  warning  inputs moved  (8 s after the drift was planted)',
      'AGEP moved by 3.1 sd',
      'AGEP: mean 40 a -> 480 a',
      'one false alarm in 30 days',
      'sha256:0123456789ab of 7,000 rows',
      '1. unit-or-scale-change (AGEP): a factor of 12',
      'the unit of AGEP',
      ageInMonths.truth!.explanation,
    ]) {
      expect(text()).toContain(part)
    }
  })

  it('calls an alarm before the drift a false one, and does not give the truth away', () => {
    const { write, text } = recorded()
    lineOutput({ write, truth: ageInMonths.truth })({ ...alarm, secondsSinceDrift: null })
    expect(text()).toContain('a false alarm')
    expect(text()).not.toContain(ageInMonths.truth!.explanation)
  })

  it('shows what goes wrong with the traffic', () => {
    const { write, text } = recorded()
    const traffic = { sent: 10, answered: 4, failed: 6, skipped: 3, lastFailure: 'HTTP 503' }
    const outcomes = { told: 0, failed: 2, refused: false }
    lineOutput({ write, truth: null })(status(0, { traffic, outcomes, evidence: null, accuracy: null, firing: 0 }))
    expect(text()).toContain('6 failed: HTTP 503')
    expect(text()).toContain('3 skipped')
    expect(text()).toContain('accuracy unknown without outcomes (2 outcomes failed)')
    expect(text()).toContain('evidence none yet')
    expect(text()).toContain('none firing')
  })
})

describe('jsonOutput', () => {
  it('prints one document a line', () => {
    const { write, text } = recorded()
    const output = jsonOutput({ write })
    output(status(1))
    output(alarm)
    expect(
      text()
        .trimEnd()
        .split('\n')
        .map((line) => (JSON.parse(line) as DemoEvent).event),
    ).toEqual(['status', 'alarm'])
  })
})

describe('duration', () => {
  it.each([
    [0, '0:00'],
    [83.9, '1:23'],
    [3_661, '1:01:01'],
  ])('%d seconds is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })
})
