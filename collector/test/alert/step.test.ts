import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlertEvent, AlertRecord } from '../../src/alert/alert.ts'
import { stepAlert } from '../../src/alert/step.ts'
import type { Result } from '../../src/evaluate/result.ts'
import { evidence, result } from '../diagnose/planted-results.ts'
import { explanation } from './sample-alert.ts'

const hour = 3_600_000

interface Hold {
  readonly forMs?: number
  readonly keepFiringForMs?: number
}

/** What one slice said: '+' the condition holds, '-' it does not, '?' it is not known. */
type Word = '+' | '-' | '?'

interface Step {
  readonly word: Word
  readonly atMs: number
  readonly feature?: string
}

function take(
  previous: AlertRecord | null,
  { word, atMs, feature = 'age' }: Step,
  { forMs = 0, keepFiringForMs = 0 }: Hold,
) {
  const broken: Result = result({ feature, evidence: evidence() })
  return stepAlert({
    previous,
    rule: { name: 'inputs moved', severity: 'warning', forMs, keepFiringForMs },
    model: 'employment',
    version: '1',
    segment: '',
    condition: { holds: word === '+', known: word !== '?', atMs, fresh: word === '+' ? [broken] : [] },
    explain: () =>
      explanation({
        onsetMs: atMs - hour,
        moved: [{ signal: 'feature-drift', feature, change: 'moved', effect: 1, log10Evidence: 9 }],
      }),
    notify: ['console'],
  })
}

/** Runs slices of an hour, the first of which ends at hour 1. Returns every alert by id, in its last state, and all events. */
function run(words: string, hold: Hold = {}) {
  let record: AlertRecord | null = null
  const alerts = new Map<string, AlertRecord>()
  const events: AlertEvent[] = []
  for (const [index, word] of words.split('').entries()) {
    const out = take(record, { word: word as Word, atMs: (index + 1) * hour }, hold)
    record = out.record
    if (record !== null) alerts.set(record.id, record)
    events.push(...out.events)
  }
  return {
    record,
    alerts: [...alerts.values()],
    events,
    story: events.map((event) => `${event.kind}@${event.atMs / hour}`).join(' '),
  }
}

describe('the alert state machine', () => {
  it('fires at once without `for`, and resolves at the first calm slice without `keepFiringFor`', () => {
    const { record, story } = run('-++-')
    expect(story).toBe('firing@2 resolved@4')
    expect(record).toMatchObject({
      state: 'resolved',
      activeSinceMs: 2 * hour,
      firedAtMs: 2 * hour,
      lastTrueMs: 3 * hour,
      resolvedAtMs: 4 * hour,
    })
  })

  it('waits as pending until the condition has held for long enough', () => {
    expect(run('+++', { forMs: 2 * hour }).story).toBe('pending@1 firing@3')
    expect(run('++', { forMs: 2 * hour }).record?.state).toBe('pending')
  })

  it('forgets a pending alert at a calm slice without telling anybody', () => {
    const { record, story, alerts } = run('++-+', { forMs: 2 * hour })
    expect(story).toBe('pending@1 pending@4')
    expect(alerts.map((alert) => alert.state)).toEqual(['inactive', 'pending'])
    expect(record?.activeSinceMs).toBe(4 * hour)
  })

  it('keeps firing through short calms', () => {
    expect(run('+-+--', { keepFiringForMs: 2 * hour }).story).toBe('firing@1 resolved@5')
    expect(run('+-', { keepFiringForMs: 2 * hour }).record?.state).toBe('firing')
  })

  it('neither fires nor resolves on slices that are not known', () => {
    expect(run('?').record).toBeNull()
    expect(run('+???').record?.state).toBe('firing')
    expect(run('+??', { forMs: hour }).record?.state).toBe('pending')
    expect(run('+?+', { forMs: 2 * hour }).story).toBe('pending@1 firing@3')
  })

  it('opens a new alert with a new id for a new breach', () => {
    const { alerts } = run('+-+-')
    expect(alerts).toHaveLength(2)
    expect(alerts[0]?.id).not.toBe(alerts[1]?.id)
  })

  it('gives an alert the same id whenever it is computed', () => {
    expect(run('-+').record?.id).toBe(run('-+').record?.id)
    expect(run('-+').record?.id).not.toBe(run('+').record?.id)
  })

  it('does not take back a firing alert when its slice is revised to calm', () => {
    const fired = take(null, { word: '+', atMs: hour }, {}).record
    const { record, events } = take(fired, { word: '-', atMs: hour }, {})
    expect(record).toBe(fired)
    expect(events).toEqual([])
    expect(take(record, { word: '-', atMs: 2 * hour }, {}).record?.state).toBe('resolved')
  })

  it('cancels a pending alert when its slice is revised to calm: nobody was told', () => {
    const pending = take(null, { word: '+', atMs: hour }, { forMs: hour }).record
    expect(take(pending, { word: '-', atMs: hour }, { forMs: hour }).record?.state).toBe('inactive')
  })

  it('opens a new alert when the slice that closed the last one is revised to a breach', () => {
    const { record: resolved } = run('+-')
    const { record, events } = take(resolved, { word: '+', atMs: 2 * hour }, {})
    expect(record).toMatchObject({ state: 'firing', activeSinceMs: 2 * hour })
    expect(record?.id).not.toBe(resolved?.id)
    expect(events).toMatchObject([{ kind: 'firing', alertId: record?.id }])
    expect(take(resolved, { word: '+', atMs: hour }, {}).record).toBe(resolved)
  })

  it('takes up what a revision of its own slice adds', () => {
    const first = take(null, { word: '+', atMs: hour }, {}).record
    const revised = take(first, { word: '+', atMs: hour, feature: 'income' }, {})
    expect(revised.record).toMatchObject({ id: first?.id, activeSinceMs: hour, lastTrueMs: hour })
    expect(revised.events).toMatchObject([{ kind: 'firing', detail: 'income moved too [notify: console]' }])
  })

  it('tells again, once, when something else breaks the rule of a firing alert', () => {
    const first = take(null, { word: '+', atMs: hour }, {}).record
    const second = take(first, { word: '+', atMs: 2 * hour, feature: 'income' }, {})
    expect(second.events).toMatchObject([
      { kind: 'firing', atMs: 2 * hour, detail: 'income moved too [notify: console]' },
    ])
    expect(second.record?.explanation.moved.map(({ feature }) => feature).toSorted()).toEqual(['age', 'income'])
    expect(take(second.record, { word: '+', atMs: 3 * hour, feature: 'income' }, {}).events).toEqual([])
    expect(take(second.record, { word: '+', atMs: 2 * hour, feature: 'income' }, {}).events).toEqual([])
  })

  it('keeps the explanation of the strongest slice and the earliest onset', () => {
    const explained = (evidenceOf: number, onsetMs: number) => () =>
      explanation({ evidence: evidenceOf, onsetMs, summary: `evidence ${evidenceOf}` })
    const step = (previous: AlertRecord | null, atMs: number, explain: () => ReturnType<typeof explanation>) =>
      stepAlert({
        previous,
        rule: { name: 'r', severity: 'info', forMs: 0, keepFiringForMs: 0 },
        model: 'm',
        version: '1',
        segment: '',
        condition: { holds: true, known: true, atMs, fresh: [] },
        explain,
        notify: [],
      }).record
    const first = step(null, hour, explained(5, 0))
    const weaker = step(first, 2 * hour, explained(1, hour))
    expect(weaker?.explanation.summary).toBe('evidence 5')
    const stronger = step(weaker, 3 * hour, explained(9, 2 * hour))
    expect(stronger?.explanation).toMatchObject({ summary: 'evidence 9', onsetMs: 0 })
  })
})

describe('what an open alert says', () => {
  interface Slice {
    readonly effect: number
    readonly evidenceOf?: number
    readonly feature?: string
    readonly unit?: 'sd' | 'share'
  }
  const rule = { name: 'r', severity: 'info', forMs: 0, keepFiringForMs: 0 } as const
  function step(previous: AlertRecord | null, atMs: number, slice: Slice) {
    const { effect, evidenceOf = 0.1, feature = 'age', unit = 'sd' } = slice
    const explain = () =>
      explanation({
        evidence: evidenceOf,
        confidence: `evidence ${evidenceOf}`,
        summary: `${feature} ${effect}`,
        lookFirst: `cause at ${effect}`,
        diagnosis: [{ cause: 'shifted-mean', score: effect / 10, features: [feature], evidence: '', lookAt: '' }],
        moved: [
          { signal: 'feature-drift', feature, change: `by ${effect}`, effect, effectUnit: unit, log10Evidence: 1 },
        ],
      })
    const condition = { holds: true, known: true, atMs, fresh: [] }
    return stepAlert({ previous, rule, model: 'm', version: '1', segment: '', condition, explain, notify: ['console'] })
  }
  const first = step(null, hour, { effect: 1, evidenceOf: 9 }).record

  it('stayed at the first, mixed slice though a later one shows all of the change', () => {
    const { record, events } = step(first, 2 * hour, { effect: 4 })
    expect(record?.explanation).toMatchObject({
      summary: 'age 4',
      lookFirst: 'cause at 4',
      moved: [{ change: 'by 4', effect: 4 }],
      diagnosis: [{ score: 0.4 }],
      evidence: 9,
      confidence: 'evidence 9',
      onsetMs: 0,
    })
    expect(events).toEqual([])
    expect(step(record, 3 * hour, { effect: 2 }).record?.explanation).toEqual(record?.explanation)
  })

  it('does not follow chance, another unit or another thing', () => {
    for (const slice of [{ effect: 1.05 }, { effect: 4, unit: 'share' as const }, { effect: 4, feature: 'income' }])
      expect(step(first, 2 * hour, slice).record?.explanation).toEqual(first?.explanation)
  })
})

describe('any sequence of slices', () => {
  const words = fc.array(fc.constantFrom<Word>('+', '-', '?'), { maxLength: 40 }).map((all) => all.join(''))
  const holds = fc.record({
    forMs: fc.integer({ min: 0, max: 4 }).map((n) => n * hour),
    keepFiringForMs: fc.integer({ min: 0, max: 4 }).map((n) => n * hour),
  })
  const runs = { numRuns: 2000 }

  it('fires only after the condition has held for as long as the rule asks', () => {
    fc.assert(
      fc.property(words, holds, (story, hold) => {
        for (const { firedAtMs, activeSinceMs } of run(story, hold).alerts) {
          if (firedAtMs === null) continue
          expect(firedAtMs - activeSinceMs).toBeGreaterThanOrEqual(hold.forMs)
          expect(story.slice(activeSinceMs / hour - 1, firedAtMs / hour)).toMatch(/^\+[+?]*$/)
          expect(story[firedAtMs / hour - 1]).toBe('+')
        }
      }),
      runs,
    )
  })

  it('resolves only what fired, at a calm slice, no sooner than `keepFiringFor` after the last breach', () => {
    fc.assert(
      fc.property(words, holds, (story, hold) => {
        for (const { state, firedAtMs, resolvedAtMs, lastTrueMs } of run(story, hold).alerts) {
          expect(state === 'resolved').toBe(firedAtMs !== null && resolvedAtMs !== null)
          if (state !== 'resolved') continue
          expect(resolvedAtMs! - lastTrueMs).toBeGreaterThanOrEqual(hold.keepFiringForMs)
          expect(story.slice(lastTrueMs / hour, resolvedAtMs! / hour)).toMatch(/^[-?]*-$/)
        }
      }),
      runs,
    )
  })

  it('leaves no breach that lasts long enough untold', () => {
    fc.assert(
      fc.property(words, holds, (story, hold) => {
        const { alerts } = run(story, hold)
        const slices = hold.forMs / hour + 1
        for (const breach of story.matchAll(/\++/g)) {
          if (breach[0].length < slices) continue
          const [from, to] = [(breach.index + 1) * hour, (breach.index + breach[0].length) * hour]
          const covering = alerts.filter(
            (one) => one.firedAtMs !== null && one.firedAtMs <= to && (one.resolvedAtMs ?? Infinity) > from,
          )
          expect(covering).toHaveLength(1)
        }
      }),
      runs,
    )
  })

  it('tells of each alert at most once that it fires and once that it is over', () => {
    fc.assert(
      fc.property(words, holds, (story, hold) => {
        const { alerts, events } = run(story, hold)
        for (const { id, firedAtMs, resolvedAtMs } of alerts) {
          const kinds = events.filter((event) => event.alertId === id).map((event) => event.kind)
          expect(kinds.filter((kind) => kind === 'firing')).toHaveLength(firedAtMs === null ? 0 : 1)
          expect(kinds.filter((kind) => kind === 'resolved')).toHaveLength(
            firedAtMs !== null && resolvedAtMs !== null ? 1 : 0,
          )
        }
      }),
      runs,
    )
  })

  it('is not changed by applying any of its slices again, however old', () => {
    fc.assert(
      fc.property(words, holds, fc.nat(), (story, hold, pick) => {
        fc.pre(story.length > 0)
        const { record } = run(story, hold)
        const index = pick % story.length
        const again = take(record, { word: story[index] as Word, atMs: (index + 1) * hour }, hold)
        expect(again.record).toEqual(record)
        expect(again.events).toEqual([])
      }),
      { numRuns: 5000 },
    )
  })

  it('never takes back what was told, whatever a slice is revised to', () => {
    fc.assert(
      fc.property(words, holds, fc.nat(), fc.constantFrom<Word>('+', '-', '?'), (story, hold, pick, word) => {
        const { record } = run(story, hold)
        fc.pre(record !== null && record.firedAtMs !== null)
        const atMs = ((pick % story.length) + 1) * hour
        const after = take(record, { word, atMs }, hold).record
        // A closed alert stays as it is, beside a new one or not; an open one goes on, unless the slice is later than its last breach.
        const closed = record.state === 'resolved'
        const same = after?.id === record.id
        expect(same || closed).toBe(true)
        expect(same && closed ? after : record).toEqual(record)
        expect(after?.state !== 'resolved' || closed || atMs > record.lastTrueMs).toBe(true)
        expect(['firing', 'resolved'].includes(after?.state ?? '') || !same).toBe(true)
      }),
      { numRuns: 5000 },
    )
  })
})
