import { describe, expect, it } from 'vitest'
import type { AlertEvent, AlertRecord } from '../../src/alert/alert.ts'
import { createAlertManager, type AlertSlice } from '../../src/alert/manager.ts'
import type { Notifier, NotifyResult } from '../../src/alert/notify/notifier.ts'
import type { Result } from '../../src/evaluate/result.ts'
import { parseRules } from '../../src/rules/parse.ts'
import { ages, evidence, plantedNumeric } from '../diagnose/planted-results.ts'
import { manualClock } from './manual-clock.ts'
import { memoryAlerts } from './sample-alert.ts'

const hour = 3_600_000
const baseline = ages(5000, 1)
const incident = { sinceMs: hour, alarmedAtMs: 2 * hour }
const moved: Result = {
  ...plantedNumeric({ baseline, window: baseline.slice(0, 1000).map((age) => age * 12), feature: 'age' }),
  evidence: evidence({ leadingGroup: 'range', incident }),
}
const calm: Result = { ...plantedNumeric({ baseline, window: baseline.slice(0, 1000), feature: 'age', status: 'ok' }) }
const income: Result = { ...moved, feature: 'income' }

const rulesWith = (more: object = {}, file: object = {}) =>
  parseRules(
    {
      model: 'employment',
      window: { size: '1h' },
      falseAlarmBudget: '1 per 30d',
      rules: [{ name: 'inputs moved', signal: 'feature-drift', severity: 'warning', ...more }],
      ...file,
    },
    'test',
  )
const rules = rulesWith()

function slice(index: number, results: readonly Result[], more: Partial<AlertSlice> = {}): AlertSlice {
  return {
    model: 'employment',
    version: '1',
    startMs: (index - 1) * hour,
    endMs: index * hour,
    revision: 1,
    rows: 1000,
    results,
    comparedWith: { baselineDigest: 'sha256:b', manifestDigest: null, baselineRows: 5000, detectorId: 'sha256:d' },
    ...more,
  }
}

function setUp(
  answer: (event: AlertEvent) => NotifyResult = () => ({ delivered: true }),
  store = memoryAlerts(),
  names = ['console'],
) {
  const told: { readonly notifier: string; readonly alert: AlertRecord; readonly event: AlertEvent }[] = []
  const clock = manualClock()
  const notifiers = names.map((name): Notifier => ({
    name,
    notify(alert, event) {
      told.push({ notifier: name, alert, event })
      return Promise.resolve(answer(event))
    },
  }))
  const manager = createAlertManager({ store, notifiers, clock, log: () => {}, random: () => 0 })
  return { manager, store, told, clock }
}

describe('the alert manager', () => {
  it('stores, explains, diagnoses and tells an alert, and its end', async () => {
    const { manager, store, told } = setUp()
    expect(await manager.apply(rules, slice(1, [calm]))).toEqual([])
    const [firing] = await manager.apply(rules, slice(2, [moved]))
    expect(firing).toMatchObject({
      state: 'firing',
      rule: 'inputs moved',
      model: 'employment',
      version: '1',
      segment: '',
      severity: 'warning',
      firedAtMs: 2 * hour,
    })
    expect(firing?.explanation).toMatchObject({ onsetMs: hour, lookFirst: expect.stringContaining('The unit of age') })
    expect(firing?.explanation.diagnosis[0]?.cause).toBe('unit-or-scale-change')
    const [resolved] = await manager.apply(rules, slice(3, [calm]))
    expect(resolved).toMatchObject({ id: firing?.id, state: 'resolved', resolvedAtMs: 3 * hour })
    await manager.settled()
    expect(told.map(({ event }) => event.kind)).toEqual(['firing', 'resolved'])
    expect(told[0]?.alert).toEqual(firing)
    expect([...store.records.values()]).toEqual([resolved])
    expect(store.events.map(({ kind }) => kind).toSorted()).toEqual(['firing', 'notified', 'notified', 'resolved'])
    expect(manager.deliveries).toMatchObject({ delivered: 2 })
  })

  it('does not wait for notifiers', async () => {
    const { manager } = setUp(() => ({ delivered: false, retryable: true, error: 'answered 503' }))
    expect(await manager.apply(rules, slice(1, [moved]))).toHaveLength(1)
    await manager.settled()
    expect(manager.queued).toBe(1)
  })

  it('changes and tells nothing when a slice is applied again, in this life or the next', async () => {
    const first = setUp()
    await first.manager.apply(rules, slice(1, [moved]))
    await first.manager.apply(rules, slice(1, [moved]))
    await first.manager.settled()
    const second = setUp(undefined, first.store)
    await second.manager.recover()
    await second.manager.apply(rules, slice(1, [moved]))
    await second.manager.settled()
    expect(first.store.records.size).toBe(1)
    expect([...first.told, ...second.told]).toHaveLength(1)
    expect(first.store.events.map(({ kind }) => kind)).toEqual(['firing', 'notified'])
  })

  it('goes on after a restart where it stopped', async () => {
    const first = setUp()
    const held = rulesWith({ for: '2h' })
    await first.manager.apply(held, slice(1, [moved]))
    const second = setUp(undefined, first.store)
    await second.manager.apply(held, slice(2, [moved]))
    const third = setUp(undefined, first.store)
    expect(await third.manager.apply(held, slice(3, [moved]))).toMatchObject([
      { state: 'firing', activeSinceMs: hour, firedAtMs: 3 * hour },
    ])
    expect(first.store.records.size).toBe(1)
  })

  it('goes by the newest of several alerts after a restart', async () => {
    const first = setUp()
    for (const [index, one] of [moved, calm, moved, calm].entries())
      await first.manager.apply(rules, slice(index + 1, [one]))
    expect(first.store.records.size).toBe(2)
    const second = setUp(undefined, first.store)
    expect(await second.manager.apply(rules, slice(3, [moved]))).toEqual([])
    expect(first.store.records.size).toBe(2)
  })

  it('tells after a restart what was not told before, and only that', async () => {
    const first = setUp((event) =>
      event.kind === 'firing' ? { delivered: true } : { delivered: false, retryable: true, error: 'down' },
    )
    await first.manager.apply(rules, slice(1, [moved]))
    await first.manager.settled()
    await first.manager.apply(rules, slice(2, [calm]))
    await first.manager.close()
    expect(first.told.map(({ event }) => event.kind)).toEqual(['firing', 'resolved'])

    const second = setUp(undefined, first.store)
    expect(await second.manager.recover()).toBe(1)
    await second.manager.settled()
    expect(second.told.map(({ event, alert }) => `${event.kind} ${alert.state}`)).toEqual(['resolved resolved'])
    const third = setUp(undefined, first.store)
    expect(await third.manager.recover()).toBe(0)
  })

  it('does not tell a notifier that was added later of old alerts', async () => {
    const first = setUp()
    await first.manager.apply(rules, slice(1, [moved]))
    await first.manager.settled()
    const second = setUp(undefined, first.store, ['console', 'pager'])
    expect(await second.manager.recover()).toBe(0)
  })

  it('tells only the notifiers that a rule names', async () => {
    const { manager, told } = setUp(undefined, undefined, ['console', 'pager'])
    await manager.apply(rulesWith({ notify: ['pager'] }), slice(1, [moved]))
    await manager.apply(rulesWith({ name: 'everybody' }), slice(1, [moved]))
    await manager.apply(rulesWith({ name: 'nobody', notify: [] }), slice(1, [moved]))
    await manager.settled()
    expect(told.map(({ notifier, alert }) => `${alert.rule}: ${notifier}`)).toEqual([
      'inputs moved: pager',
      'everybody: console',
      'everybody: pager',
    ])
  })

  it('keeps an alert per segment', async () => {
    const { manager } = setUp()
    const results = [moved, { ...moved, segment: 'MA' }, { ...calm, segment: 'NY' }]
    expect((await manager.apply(rules, slice(1, results))).map(({ segment }) => segment)).toEqual(['', 'MA'])
    const only = rulesWith({ name: 'in MA', segment: 'MA' })
    expect((await manager.apply(only, slice(2, results))).map(({ segment }) => segment)).toEqual(['MA'])
    expect(
      (await manager.apply(rulesWith({ name: 'whole', segment: '' }), slice(2, results))).map(({ segment }) => segment),
    ).toEqual([''])
  })

  it('applies rules only to the model and version they are for', async () => {
    const { manager } = setUp()
    expect(await manager.apply(rulesWith({}, { model: 'other' }), slice(1, [moved]))).toEqual([])
    expect(await manager.apply(rulesWith({}, { version: '2' }), slice(1, [moved]))).toEqual([])
    expect(await manager.apply(rulesWith({}, { model: '*', version: '1' }), slice(1, [moved]))).toHaveLength(1)
  })

  it('does not resolve while the moved feature sends nothing, though others do', async () => {
    const { manager } = setUp()
    await manager.apply(rules, slice(1, [moved, { ...calm, feature: 'b' }]))
    const absent = {
      ...calm,
      status: 'error',
      reason: 'feature-absent',
      sizes: { ...calm.sizes, window: 0, windowRows: 0 },
    } as const
    expect(await manager.apply(rules, slice(2, [absent, { ...calm, feature: 'b' }]))).toEqual([])
    expect(await manager.apply(rules, slice(3, [calm, { ...calm, feature: 'b' }]))).toMatchObject([
      { state: 'resolved' },
    ])
  })

  it('tells again when another feature joins a firing alert', async () => {
    const { manager, told, store } = setUp()
    await manager.apply(rules, slice(1, [moved]))
    await manager.apply(rules, slice(2, [moved, income]))
    await manager.settled()
    expect(told.map(({ event }) => event.detail)).toEqual([
      expect.stringContaining('age'),
      'income moved too [notify: console]',
    ])
    expect(store.records.size).toBe(1)
  })

  it('has done nothing when the store refuses, and does it all when applied again', async () => {
    const { manager, store, told } = setUp()
    store.fail = 1
    await expect(manager.apply(rules, slice(1, [moved]))).rejects.toThrow('the disk is full')
    await manager.settled()
    expect(told).toEqual([])
    expect(await manager.apply(rules, slice(1, [moved]))).toHaveLength(1)
    await manager.settled()
    expect(told).toHaveLength(1)
  })

  it('refuses two notifiers of one name, and names that events cannot carry', () => {
    expect(() => setUp(undefined, undefined, ['a', 'a'])).toThrow('two notifiers are named a')
    for (const name of ['', 'a b', 'a,b', 'a]', 'a:b'])
      expect(() => setUp(undefined, undefined, [name])).toThrow(TypeError)
  })
})
