import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  compileDetector,
  decodeState,
  encodeState,
  initialState,
  step,
  type CompiledDetector,
  type DetectorState,
  type MonitorDefinition,
  type MonitorInput,
  type StepResult,
} from '../../../src/evaluate/evidence/model-detector.ts'

const hour = 3_600_000
const baseline = [0, 100, 400, ...Array.from({ length: 18 }, () => 500), 400, 100, 0]
const rowsOfBaseline = 10_000
/** The baseline's own shares: nothing has changed. */
const calm = baseline.map((count) => count / 25)
/** Shares tilted towards the upper cells: a location shift within the known range. */
const shifted = calm.map((count, i) => count * (1 + 0.06 * (i - 11.5)))

function numeric(id: string, more: Partial<MonitorDefinition> = {}): MonitorDefinition {
  return { id, segment: '', family: 'features', kind: 'numeric', baselineCounts: baseline, ...more }
}

function input(counts: readonly number[], missing = 0, invalid = 0): MonitorInput {
  return { counts, missing, invalid, rows: counts.reduce((a, b) => a + b, 0) + missing + invalid }
}

/** Steps through slices of one hour each; `at` makes the inputs of slice t. */
function run(
  detector: CompiledDetector,
  steps: number,
  at: (t: number) => (MonitorInput | null)[],
  state: DetectorState = initialState(detector),
): { readonly results: StepResult[]; readonly state: DetectorState } {
  const results: StepResult[] = []
  for (let t = 0; t < steps; t++) {
    const result = step(detector, state, at(t), (state.step + 1) * hour)
    results.push(result)
    state = result.state
  }
  return { results, state }
}

const three = compileDetector({ monitors: [numeric('a'), numeric('b'), numeric('c')], budgetSteps: 720 })

describe('a slice without change', () => {
  it('leaves the evidence of calm data below 1 and reports sizes', () => {
    const { results } = run(three, 48, () => [input(calm), input(calm), input(calm)])
    expect(results.every(({ alarm }) => !alarm)).toBe(true)
    const last = results.at(-1)!.monitors[0]!
    expect(last.log10Evidence).toBeLessThan(1)
    expect(last).toMatchObject({
      windowSize: 400,
      baselineSize: rowsOfBaseline,
      dispersion: 1,
      monitored: true,
      alarm: false,
      incident: null,
      problem: null,
    })
    expect(last.zEta).toBe(three.zEta)
    expect(last.smallestDetectable).toBeGreaterThan(three.zEta / 100)
    expect(last.smallestDetectable).toBeLessThan(0.2)
  })

  it('does not change the evidence when it is empty or there is no data', () => {
    const before = run(three, 3, () => [input(shifted), input(calm), input(calm)]).state
    const empty = input(calm.map(() => 0))
    for (const nothing of [null, empty]) {
      const { state, monitors } = step(three, before, [nothing, nothing, nothing], 4 * hour)
      expect(state.evidence).toEqual(before.evidence)
      expect(state.since).toEqual(before.since)
      expect(state.step).toBe(before.step + 1)
      expect(monitors[0]!.log10Step).toBe(0)
      expect(monitors[0]!.smallestDetectable).toBeNull()
    }
  })

  it('reports the floor, not an infinity, before anything was seen', () => {
    const { monitors, log10ModelEvidence } = step(three, initialState(three), [null, null, null], hour)
    expect(log10ModelEvidence).toBe(-300)
    expect(monitors[0]!).toMatchObject({ log10Evidence: -300, leadingGroup: '', leadingRow: '' })
  })

  it('leaves the state it was given as it was', () => {
    const before = initialState(three)
    step(three, before, [input(shifted), input(shifted), input(shifted)], hour)
    expect(before).toEqual(initialState(three))
  })
})

describe('a lasting change of one feature', () => {
  const { results } = run(three, 40, (t) => [input(t < 5 ? calm : shifted), input(calm), input(calm)])
  const alarms = results.flatMap(({ alarm }, t) => (alarm ? [t] : []))

  it('raises one alarm, not one an hour', () => {
    expect(alarms.length).toBe(1)
    expect(alarms[0]).toBeGreaterThanOrEqual(5)
    expect(alarms[0]).toBeLessThanOrEqual(8)
  })

  it('opens an incident of that feature alone, since the slice in which it began', () => {
    const result = results[alarms[0]!]!
    expect(result.opened).toEqual([0])
    const [a, b] = result.monitors
    expect(a).toMatchObject({ alarm: true, leadingGroup: 'location' })
    expect(a!.leadingRow).toMatch(/^location \+/)
    expect(a!.incident).toEqual({ sinceMs: 6 * hour, alarmedAtMs: (alarms[0]! + 1) * hour })
    expect(b).toMatchObject({ alarm: false, incident: null })
  })

  it('prolongs the incident as long as the change lasts', () => {
    expect(results.at(-1)!.monitors[0]!.incident).not.toBeNull()
    expect(results.flatMap(({ closed }) => closed)).toEqual([])
    const renewed = results.filter(({ alarm, monitors }) => !alarm && monitors[0]!.alarm)
    expect(renewed.length).toBeGreaterThan(1)
  })

  it('starts all evidence again from 0 at the alarm', () => {
    expect(results[alarms[0]!]!.state.evidence.every((value) => value === 0)).toBe(true)
  })

  it('ends the incident after six quiet slices, and watches the feature again', () => {
    const { state } = results.at(-1)!
    const calmAgain = run(three, 12, () => [input(calm), input(calm), input(calm)], state).results
    const closing = calmAgain.findIndex(({ closed }) => closed.length > 0)
    expect(closing).toBeGreaterThanOrEqual(4)
    expect(calmAgain[closing]!.closed).toEqual([0])
    const again = run(three, 12, () => [input(shifted), input(calm), input(calm)], calmAgain.at(-1)!.state).results
    expect(again.filter(({ alarm }) => alarm).length).toBe(1)
  })

  it('does not count slices without data as quiet', () => {
    const { state } = results.at(-1)!
    const silent = run(three, 40, () => [null, input(calm), input(calm)], state).results
    expect(silent.at(-1)!.monitors[0]!.incident).not.toBeNull()
  })

  it('still finds a change of another feature meanwhile', () => {
    const { state } = results[alarms[0]! + 1]!
    const second = run(three, 10, () => [input(shifted), input(shifted), input(calm)], state).results
    expect(second.flatMap(({ opened }) => opened)).toEqual([1])
  })
})

describe('an incident stays open longer, the slower its alarm was', () => {
  it('three times the delay from onset to alarm', () => {
    const slightly = calm.map((count, i) => count * (1 + 0.016 * (i - 11.5)))
    const slow = run(three, 60, () => [input(slightly), input(calm), input(calm)])
    const alarm = slow.results.find((result) => result.alarm)!
    const incident = alarm.state.incidents[0]!
    expect(incident.alarmStep - incident.onsetStep).toBeGreaterThan(2)
    expect(incident.closeAfter).toBe(3 * (incident.alarmStep - incident.onsetStep))
  })
})

describe('flags', () => {
  const flags = { missing: { count: 0, rows: rowsOfBaseline }, invalid: { count: 100, rows: rowsOfBaseline } }
  const detector = compileDetector({ monitors: [numeric('a', flags), numeric('b')], budgetSteps: 720 })

  it('carry the evidence when all values are missing', () => {
    const nothing = calm.map(() => 0)
    const { monitors, alarm } = step(detector, initialState(detector), [input(nothing, 400), null], hour)
    expect(alarm).toBe(true)
    expect(monitors[0]!).toMatchObject({
      leadingGroup: 'missing',
      leadingRow: 'missing up',
      windowSize: 0,
      alarm: true,
    })
  })

  it('are watched apart from each other', () => {
    const { monitors } = step(detector, initialState(detector), [input(calm, 0, 60), null], hour)
    expect(monitors[0]!.leadingRow).toBe('invalid up')
  })

  it('leave their weight to the values where there are none', () => {
    const [withFlags, without] = detector.monitors
    expect(withFlags!.values.weight.reduce((x, y) => x + y, 0)).toBeCloseTo(0.8, 12)
    expect(without!.values.weight.reduce((x, y) => x + y, 0)).toBeCloseTo(1, 12)
  })
})

describe('weights and segments', () => {
  const categorical: MonitorDefinition = {
    id: 'class',
    segment: '',
    family: 'predictions',
    kind: 'categorical',
    baselineCounts: [7000, 3000, 0],
  }

  it('families share 0.60 to 0.15, absent ones leave their weight', () => {
    const { monitors } = compileDetector({ monitors: [numeric('a'), numeric('b'), categorical], budgetSteps: 720 })
    expect(monitors.map(({ weight }) => weight)).toEqual([0.4, 0.4, 0.2].map((weight) => expect.closeTo(weight, 12)))
  })

  it('half goes to the segments, evenly; small ones are shown, not monitored', () => {
    const small = baseline.map((count) => count / 100)
    const detector = compileDetector({
      monitors: [
        numeric('a'),
        numeric('a', { segment: 'x' }),
        numeric('a', { segment: 'y' }),
        numeric('a', { segment: 'z', baselineCounts: small }),
      ],
      budgetSteps: 720,
    })
    expect(detector.monitors.map(({ weight }) => weight)).toEqual([0.5, 0.25, 0.25, 0])
    expect(detector.monitors[3]!.unmonitored).toBe('segment-too-small')
    const { monitors } = step(detector, initialState(detector), [null, null, null, input(shifted)], hour)
    expect(monitors[3]!).toMatchObject({ monitored: false, alarm: false, problem: null })
  })

  it('a user may weigh features, and leave one out', () => {
    const { monitors } = compileDetector({
      monitors: [numeric('a'), numeric('b'), numeric('c')],
      budgetSteps: 720,
      weights: { a: 3, c: 0 },
    })
    expect(monitors.map(({ weight }) => weight)).toEqual([0.75, 0.25, 0])
    expect(monitors[2]!.unmonitored).toBe('weight-zero')
  })

  it('only monitored directions count for the credibility', () => {
    const all = compileDetector({ monitors: [numeric('a'), numeric('b')], budgetSteps: 720 })
    const one = compileDetector({ monitors: [numeric('a'), numeric('b')], budgetSteps: 720, weights: { b: 0 } })
    expect(all.directions).toBe(2 * one.directions)
    expect(all.zEta).toBeGreaterThan(one.zEta)
  })

  it('states the smallest detectable rise of the largest category', () => {
    const detector = compileDetector({ monitors: [categorical], budgetSteps: 720 })
    const { monitors } = step(detector, initialState(detector), [input([70, 30, 0])], hour)
    expect(monitors[0]!.smallestDetectable).toBeGreaterThan(0.01)
    expect(monitors[0]!.smallestDetectable).toBeLessThan(0.1)
  })
})

describe('dispersion', () => {
  /** 60 chunks of 400 rows whose location wanders by half a cell up and down. */
  const chunks = Array.from({ length: 60 }, (_, t) =>
    calm.map((count, i) => Math.max(0, count * (1 + 0.03 * Math.sin(t / 4) * (i - 11.5)))),
  )
  const counts = baseline.map((_, i) => chunks.reduce((sum, chunk) => sum + chunk[i]!, 0))
  const learned = compileDetector({
    monitors: [numeric('a', { baselineCounts: counts, chunkCounts: chunks })],
    budgetSteps: 720,
  })
  const notLearned = compileDetector({ monitors: [numeric('a', { baselineCounts: counts })], budgetSteps: 720 })

  it('learned from the baseline keeps its own wandering from raising alarms', () => {
    const replayed = (detector: CompiledDetector): number =>
      run(detector, 240, (t) => [input(chunks[t % 60]!)]).results.filter(({ alarm }) => alarm).length
    expect(replayed(notLearned)).toBeGreaterThan(0)
    expect(replayed(learned)).toBe(0)
    expect(learned.monitors[0]!.dispersionLearned).toBe(true)
  })

  it('grows with windows longer than the chunks it was learned on', () => {
    const atChunk = step(learned, initialState(learned), [input(calm)], hour).monitors[0]!
    const longer = step(learned, initialState(learned), [input(calm.map((count) => 5 * count))], hour).monitors[0]!
    expect(atChunk.dispersion).toBeGreaterThan(2)
    expect(longer.dispersion - 1).toBeCloseTo(5 * (atChunk.dispersion - 1), 6)
  })
})

describe('data that cannot be', () => {
  it('is left out, named, and changes nothing', () => {
    const before = run(three, 2, () => [input(shifted), input(calm), input(calm)]).state
    const bad: [MonitorInput, string][] = [
      [{ counts: [1, 2, 3], missing: 0, invalid: 0, rows: 6 }, 'layout-mismatch'],
      [{ counts: calm.map(() => -1), missing: 0, invalid: 0, rows: 6 }, 'contradictory-counts'],
      [{ counts: calm.map(() => Number.NaN), missing: 0, invalid: 0, rows: 6 }, 'contradictory-counts'],
      [{ counts: calm.map(() => Number.POSITIVE_INFINITY), missing: 0, invalid: 0, rows: 6 }, 'contradictory-counts'],
      [{ counts: calm, missing: 0, invalid: 0, rows: -1 }, 'contradictory-counts'],
    ]
    for (const [one, problem] of bad) {
      const result = step(three, before, [one, null, null], 3 * hour)
      expect(result.monitors[0]!.problem).toBe(problem)
      expect(result.state.evidence).toEqual(before.evidence)
    }
  })

  it('more missing rows than rows is a contradiction', () => {
    const detector = compileDetector({
      monitors: [numeric('a', { missing: { count: 1, rows: 100 } })],
      budgetSteps: 720,
    })
    const { monitors } = step(
      detector,
      initialState(detector),
      [{ counts: calm, missing: 500, invalid: 0, rows: 400 }],
      hour,
    )
    expect(monitors[0]!.problem).toBe('contradictory-counts')
  })

  it('is refused when compiled, every problem with its place', () => {
    const compile = (): unknown =>
      compileDetector({
        monitors: [
          numeric('a', { baselineCounts: [1, -2, 3] }),
          numeric('a', { missing: { count: 5, rows: 3 } }),
          numeric('b', { segment: 's', chunkCounts: [[1, 2]] }),
        ],
        budgetSteps: 0,
      })
    expect(compile).toThrow(/budgetSteps is 0/)
    expect(compile).toThrow(/monitor 'a' has baseline counts that are negative/)
    expect(compile).toThrow(/monitor 'a' is there twice/)
    expect(compile).toThrow(/monitor 'a' has 5 missing of 3 rows/)
    expect(compile).toThrow(/monitor 'b' of segment 's' has 2 counts in chunk 0, not 24/)
  })

  it('the wrong number of inputs, or the state of another detector, is a mistake of the caller', () => {
    expect(() => step(three, initialState(three), [null], hour)).toThrow('1 inputs for a detector of 3 monitors')
    const other = compileDetector({ monitors: [numeric('a')], budgetSteps: 720 })
    expect(() => step(three, initialState(other), [null, null, null], hour)).toThrow('another detector')
  })

  it('nothing that is a count ever makes a number that is none', () => {
    const counts = fc.array(fc.oneof(fc.nat(50), fc.constantFrom(0, 1e6, 1e15)), { minLength: 24, maxLength: 24 })
    const detector = compileDetector({
      monitors: [
        numeric('a', { missing: { count: 3, rows: 1000 }, invalid: { count: 0, rows: 1000 } }),
        { id: 'c', segment: '', family: 'features', kind: 'categorical', baselineCounts: baseline },
        numeric('constant', { baselineCounts: [0, 500, 0] }),
        numeric('empty', { baselineCounts: [0, 0, 0] }),
      ],
      budgetSteps: 720,
    })
    const finite = (value: unknown, path: string): void => {
      if (typeof value === 'number') expect(Number.isFinite(value), path).toBe(true)
      else if (value !== null && typeof value === 'object') {
        for (const [key, inside] of Object.entries(value)) finite(inside, `${path}.${key}`)
      }
    }
    fc.assert(
      fc.property(fc.array(counts, { minLength: 1, maxLength: 8 }), (slices) => {
        let state = initialState(detector)
        for (const [t, slice] of slices.entries()) {
          const small = slice.slice(0, 3)
          const inputs = [input(slice, slice[0]), input(slice), input(small), input(small)]
          const { monitors, ...result } = step(detector, state, inputs, t * hour)
          finite(monitors, 'monitors')
          finite(result.log10ModelEvidence, 'model')
          for (const value of result.state.evidence) expect(Number.isFinite(value)).toBe(true)
          state = result.state
        }
      }),
      { numRuns: 60 },
    )
  })
})

describe('a stored state', () => {
  const { state } = run(three, 12, (t) => [input(t < 3 ? calm : shifted), input(calm), input(calm)])

  it('comes back bit for bit', () => {
    const bytes = encodeState(state)
    expect(decodeState(three, bytes)).toEqual(state)
    expect(encodeState(decodeState(three, bytes))).toEqual(bytes)
    // As a store may return it: a view into a larger buffer that is not aligned.
    const inside = new Uint8Array(bytes.length + 3)
    inside.set(bytes, 3)
    expect(decodeState(three, inside.subarray(3))).toEqual(state)
  })

  it('carries an incident', () => {
    expect(state.incidents[0]).not.toBeNull()
    expect(decodeState(three, encodeState(state)).incidents).toEqual(state.incidents)
  })

  it('continues as if it had never been stored', () => {
    const slices = (): MonitorInput[] => [input(shifted), input(calm), input(calm)]
    const straight = run(three, 10, slices, state)
    const restored = run(three, 10, slices, decodeState(three, encodeState(state)))
    expect(restored.results).toEqual(straight.results)
  })

  it('is refused when it is cut, foreign, of another version or of another detector', () => {
    const bytes = encodeState(state)
    expect(() => decodeState(three, bytes.subarray(0, 20))).toThrow('cut short')
    expect(() => decodeState(three, bytes.subarray(0, bytes.length - 1))).toThrow('announces')
    expect(() => decodeState(three, new Uint8Array(200))).toThrow('no detector state')
    const newer = bytes.slice()
    newer[4] = 9
    expect(() => decodeState(three, newer)).toThrow('version 9')
    const other = compileDetector({ monitors: [numeric('a'), numeric('b'), numeric('c')], budgetSteps: 721 })
    expect(() => decodeState(other, bytes)).toThrow('belongs to detector')
  })

  it('remembers since when for 1024 slices', () => {
    const calmInputs = [input(calm), input(calm), input(calm)]
    const { state: old } = run(three, 1030, () => calmInputs)
    expect(old.sliceStarts.length).toBe(1024)
    expect(old.sliceStarts.at(-1)).toBe(1030 * hour)
  })
})
