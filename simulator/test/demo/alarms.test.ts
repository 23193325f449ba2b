import { describe, expect, it } from 'vitest'
import { AlarmBook } from '../../src/demo/alarms.ts'
import type { AlertRecord } from '@driftline/collector'

type Moved = AlertRecord['explanation']['moved']

const identity = { model: 'm', version: '1', segment: '' }

function alert(id: string, state: AlertRecord['state'], firedAtMs: number | null = 1, moved: Moved = []): AlertRecord {
  const explanation = {
    summary: '',
    moved,
    onsetMs: 0,
    confidence: '',
    evidence: null,
    threshold: null,
    window: { startMs: 0, endMs: 1, rows: 0 },
    comparedWith: { baselineDigest: '', manifestDigest: null, baselineRows: 0, rulesDigest: '', detectorId: '' },
    diagnosis: [],
    lookFirst: '',
  }
  return {
    ...identity,
    id,
    rule: id,
    severity: 'warning',
    state,
    activeSinceMs: 0,
    lastTrueMs: 0,
    firedAtMs,
    resolvedAtMs: null,
    explanation,
  }
}
const ids = (alerts: readonly AlertRecord[]): string[] => alerts.map(({ id }) => id)

describe('AlarmBook', () => {
  it('tells each alarm once, and its end once', () => {
    const book = new AlarmBook()
    book.look([])
    expect(ids(book.look([alert('a', 'pending', null)]).raised)).toEqual([])
    expect(ids(book.look([alert('a', 'firing')]).raised)).toEqual(['a'])
    expect(book.look([alert('a', 'firing')])).toMatchObject({ raised: [], resolved: [], firing: 1 })
    expect(ids(book.look([alert('a', 'resolved'), alert('b', 'firing')]).resolved)).toEqual(['a'])
    expect(book.look([alert('a', 'resolved'), alert('b', 'firing')])).toMatchObject({ raised: [], resolved: [] })
    expect(book.raised).toBe(2)
  })

  it('takes what it sees first as left by an earlier run', () => {
    const book = new AlarmBook()
    expect(book.look([alert('old', 'firing')])).toEqual({ raised: [], resolved: [], firing: 1, fromBefore: 1 })
    expect(book.look([alert('old', 'resolved'), alert('new', 'firing')])).toMatchObject({
      resolved: [],
      firing: 1,
      fromBefore: 0,
    })
    expect(book.raised).toBe(1)
  })

  it('tells of alarms raised together the one with the most evidence first', () => {
    const book = new AlarmBook()
    book.look([])
    const moved = (log10Evidence: number | null): Moved => [
      { signal: 'feature-drift', feature: 'f', change: '', effect: null, log10Evidence },
    ]
    const raised = book.look([
      alert('weak', 'firing', 1, moved(7)),
      alert('nothing', 'firing'),
      alert('strong', 'firing', 1, moved(30)),
      alert('rate', 'firing', 1, moved(null)),
    ]).raised
    expect(ids(raised).slice(0, 2)).toEqual(['strong', 'weak'])
    expect(raised).toHaveLength(4)
  })

  it('tells an alarm that came and went between two looks', () => {
    const book = new AlarmBook()
    book.look([])
    const news = book.look([alert('a', 'resolved')])
    expect([ids(news.raised), ids(news.resolved)]).toEqual([['a'], ['a']])
  })
})
