import { describe, expect, it } from 'vitest'
import { AlarmBook } from '../../src/demo/alarms.ts'
import type { CollectorAlert } from '../../src/demo/collector-api.ts'

type Moved = CollectorAlert['explanation']['moved']

function alert(id: string, state: string, firedAtMs: number | null = 1, moved: Moved = []): CollectorAlert {
  const explanation = {
    summary: '',
    moved,
    onsetMs: 0,
    confidence: '',
    comparedWith: { baselineDigest: '', baselineRows: 0 },
    diagnosis: [],
    lookFirst: '',
  }
  return { id, rule: id, severity: 'warning', state, firedAtMs, resolvedAtMs: null, explanation }
}
const ids = (alerts: readonly CollectorAlert[]): string[] => alerts.map(({ id }) => id)

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
    const moved = (log10Evidence: number | null): Moved => [{ feature: 'f', change: '', log10Evidence }]
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
