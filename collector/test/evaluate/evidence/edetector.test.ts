import { describe, expect, it } from 'vitest'
import { categoricalRows } from '../../../src/evaluate/evidence/categorical-rows.ts'
import { conceptLogEValues } from '../../../src/evaluate/evidence/concept-rows.ts'
import { credibilityMultiplier, valueDirections } from '../../../src/evaluate/evidence/credibility.ts'
import {
  learnCategoricalDispersion,
  learnNumericDispersion,
  type CategoricalDispersion,
  type NumericDispersion,
} from '../../../src/evaluate/evidence/dispersion.ts'
import { flagRows } from '../../../src/evaluate/evidence/flag-rows.ts'
import { compileDetector, initialState, step } from '../../../src/evaluate/evidence/model-detector.ts'
import { numericRows } from '../../../src/evaluate/evidence/numeric-rows.ts'
import { rateBounds } from '../../../src/evaluate/evidence/rate-bounds.ts'
import { logEValues, rowCoefficients, type RowSet } from '../../../src/evaluate/evidence/row-set.ts'
import { shiryaevRoberts } from '../../../src/evaluate/evidence/shiryaev-roberts.ts'
import { smallestDetectableShift } from '../../../src/evaluate/evidence/smallest-detectable.ts'
import { normalUpperTail } from '../../../src/stats/normal-distribution.ts'
import { calibratePValue } from '../../../src/stats/p-value-calibrator.ts'
import { deviation, reference } from '../../reference.ts'

interface RowCase {
  readonly group?: string
  readonly weight: number
  readonly coefficients: number[]
}
interface TraceStep {
  readonly evidence: number
  readonly leadingGroup?: string
  readonly alarm: boolean
  readonly skipped?: true
}
interface FeatureCase {
  name: string
  kind: 'numeric' | 'categorical'
  baseline: number[]
  zEta: number
  tau: Record<string, number>
  threshold: number
  rows: RowCase[]
  windows: number[][]
  firstLogE: number[]
  trace: TraceStep[]
}
interface FlagCase {
  name: string
  kind: 'flag'
  baseline: { x: number; n: number }
  zEta: number
  tau: number
  bounds: number[]
  rows: RowCase[]
  windows: { x: number; n: number }[]
  evidence: number[]
}
interface LearnCase {
  name: string
  kind: 'learnDispersion'
  featureKind: 'numeric' | 'categorical'
  chunks: number[][]
  zEta: number
  expected: { phi: Record<string, number | Record<string, number>>; evidenceOfReplay: number[] }
  rows: RowCase[]
}
interface ConceptCase {
  name: string
  kind: 'concept'
  baselinePositives: number[]
  baselineNegatives: number[]
  zEta: number
  windows: { positives: number[]; negatives: number[] }[]
  trace: { logE: number[]; evidence: number }[]
}
interface ModelCase {
  name: string
  kind: 'model'
  budgetWindows: number
  features: { baseline: number[]; zEta: number; windows: number[][] }[]
  trace: { featureEvidence: number[]; evidence: number; alarm: boolean }[]
}
interface NumberCase {
  name: string
  kind: 'zEta' | 'calibrator' | 'smallestDetectableShift'
  params: Record<string, number>
  expected: number
}
type Case = FeatureCase | FlagCase | LearnCase | ConceptCase | ModelCase | NumberCase

const { cases } = reference<Case>('edetector')
const tolerance = { relative: 1e-8, absolute: 1e-12 }

const logged = (evidence: number): number => Math.log1p(evidence)

function expectRows(set: RowSet, expected: readonly RowCase[]): void {
  const actual = Array.from(set.slope, (_, row) => ({
    group: set.groups[row]!,
    weight: set.weight[row]!,
    coefficients: [...rowCoefficients(set, row)],
  }))
  expect(actual.length).toBe(expected.length)
  expect(deviation(actual, expected, tolerance)).toBeNull()
}

/** Evidence of rows over windows, restarted after an alarm; windows without rows change nothing. */
function replay(set: RowSet, windows: readonly number[][], threshold: number): TraceStep[] {
  const evidence = new Float64Array(set.slope.length)
  const trace: TraceStep[] = []
  for (const counts of windows) {
    const empty = counts.every((count) => count === 0)
    if (!empty) logEValues(set, counts).forEach((logE, row) => (evidence[row] = shiryaevRoberts(evidence[row]!, logE)))
    const weighted = evidence.map((value, row) => value * set.weight[row]!)
    const sum = weighted.reduce((a, b) => a + b, 0)
    const leading = weighted.indexOf(Math.max(...weighted))
    const alarm = !empty && sum >= threshold
    trace.push({ evidence: sum, leadingGroup: set.groups[leading]!, alarm })
    if (alarm) evidence.fill(0)
  }
  return trace
}

function expectTrace(actual: readonly TraceStep[], expected: readonly TraceStep[]): void {
  expected.forEach((one, t) => {
    expect(deviation(logged(actual[t]!.evidence), logged(one.evidence), tolerance), `step ${t}`).toBeNull()
    expect(actual[t]!.alarm, `step ${t}`).toBe(one.alarm)
    if (one.leadingGroup !== undefined) expect(actual[t]!.leadingGroup, `step ${t}`).toBe(one.leadingGroup)
  })
}

function rowsOf(kind: 'numeric' | 'categorical', counts: number[], zEta: number, tau: Record<string, number>): RowSet {
  return kind === 'numeric'
    ? numericRows(counts, { zEta, tolerance: tau })
    : categoricalRows(counts, { zEta, tolerance: tau['category'] ?? 0 })
}

describe('detector of one feature against the reference', () => {
  for (const one of cases) {
    if (one.kind === 'numeric' || one.kind === 'categorical') {
      it(`${one.kind}: ${one.name}`, () => {
        const set = rowsOf(one.kind, one.baseline, one.zEta, one.tau)
        expectRows(set, one.rows)
        const first = one.windows.find((counts) => counts.some((count) => count > 0))!
        expect(deviation([...logEValues(set, first)], one.firstLogE, tolerance)).toBeNull()
        expectTrace(replay(set, one.windows, one.threshold), one.trace)
      })
    } else if (one.kind === 'flag') {
      it(`flag: ${one.name}`, () => {
        const set = flagRows('missing', one.baseline.x, one.baseline.n, { zEta: one.zEta, tolerance: one.tau })
        expectRows(set, one.rows)
        const { lower, upper } = rateBounds(one.baseline.x, one.baseline.n, one.tau, one.zEta)
        expect(deviation([lower, upper], one.bounds, tolerance)).toBeNull()
        const windows = one.windows.map(({ x, n }) => [x, n - x])
        const trace = replay(set, windows, Number.POSITIVE_INFINITY)
        trace.forEach(({ evidence }, t) => {
          expect(deviation(logged(evidence), logged(one.evidence[t]!), tolerance), `step ${t}`).toBeNull()
        })
      })
    }
  }
})

/** The reference leaves out factors of 1 of categories. */
function named(learned: NumericDispersion | CategoricalDispersion): Record<string, unknown> {
  if ('category' in learned) {
    return { category: Object.fromEntries([...learned.category.entries()].filter(([, factor]) => factor > 1)) }
  }
  return { ...learned, shape: Object.fromEntries(learned.shape.entries()) }
}

describe('learned dispersion against the reference', () => {
  for (const one of cases) {
    if (one.kind !== 'learnDispersion') continue
    it(one.name, () => {
      const counts = one.chunks[0]!.map((_, cell) => one.chunks.reduce((sum, chunk) => sum + chunk[cell]!, 0))
      const { zEta } = one
      let set: RowSet
      if (one.featureKind === 'numeric') {
        const dispersion = learnNumericDispersion(one.chunks)
        expect(deviation(named(dispersion), one.expected.phi, tolerance)).toBeNull()
        set = numericRows(counts, { zEta, dispersion })
      } else {
        const dispersion = learnCategoricalDispersion(one.chunks)
        expect(named(dispersion)).toHaveProperty('category')
        expect(Object.keys(named(dispersion)['category'] as object)).toEqual(Object.keys(one.expected.phi['category']!))
        expect(deviation(named(dispersion), one.expected.phi, tolerance)).toBeNull()
        set = categoricalRows(counts, { zEta, dispersion })
      }
      expectRows(set, one.rows)
      replay(set, one.chunks, Number.POSITIVE_INFINITY).forEach(({ evidence }, t) => {
        const expected = one.expected.evidenceOfReplay[t]!
        expect(deviation(logged(evidence), logged(expected), tolerance), `step ${t}`).toBeNull()
      })
    })
  }
})

describe('concept rows against the reference', () => {
  for (const one of cases) {
    if (one.kind !== 'concept') continue
    it(one.name, () => {
      const baseline = { positives: one.baselinePositives, negatives: one.baselineNegatives }
      const evidence = new Float64Array(20)
      one.windows.forEach((window, t) => {
        const values = conceptLogEValues(window, baseline, one)
        expect(deviation([...values], one.trace[t]!.logE, tolerance)).toBeNull()
        values.forEach((logE, row) => (evidence[row] = shiryaevRoberts(evidence[row]!, logE)))
        const mean = evidence.reduce((a, b) => a + b, 0) / evidence.length
        expect(deviation(logged(mean), logged(one.trace[t]!.evidence), tolerance)).toBeNull()
      })
    })
  }
})

describe('numbers against the reference', () => {
  it('credibility multiplier', () => {
    const wrong = cases.map((one) =>
      one.kind === 'zEta'
        ? deviation(credibilityMultiplier(one.params['directions']!, one.params['eta']), one.expected, tolerance)
        : null,
    )
    expect(wrong.filter((text) => text !== null)).toEqual([])
  })

  it('calibrated p-values', () => {
    const wrong = cases.map((one) =>
      one.kind === 'calibrator' ? deviation(calibratePValue(one.params['p']!), one.expected, tolerance) : null,
    )
    expect(wrong.filter((text) => text !== null)).toEqual([])
  })

  it('smallest detectable shift', () => {
    const wrong = cases.map((one) => {
      if (one.kind !== 'smallestDetectableShift') return null
      const { n, N, features, budgetWindows, rowWeight, horizonWindows, zEta, tau } = one.params
      const value = smallestDetectableShift(
        { window: n!, baseline: N! },
        { zEta: zEta!, tolerance: tau! },
        { baseline: 1, window: 1 },
        { threshold: budgetWindows!, rowWeight: rowWeight! / features!, horizonSteps: horizonWindows! },
      )
      return deviation(value, one.expected, tolerance)
    })
    expect(wrong.filter((text) => text !== null)).toEqual([])
  })
})

describe('model detector against the reference', () => {
  const one = cases.find((candidate) => candidate.kind === 'model')!

  it('gives the same evidence of every feature and the same mean, until the first alarm', () => {
    const monitors = one.features.map(({ baseline }, i) => ({
      id: `f${i}`,
      segment: '',
      family: 'features' as const,
      kind: 'numeric' as const,
      baselineCounts: baseline,
    }))
    // The reference fixes zEta for 32 directions a feature; here eta is chosen so that the real number of directions gives it.
    const directions = one.features.reduce((sum, { baseline }) => sum + valueDirections('numeric', baseline), 0)
    const eta = normalUpperTail(one.features[0]!.zEta) * directions
    const detector = compileDetector({ monitors, budgetSteps: one.budgetWindows, eta })
    expect(detector.zEta).toBeCloseTo(one.features[0]!.zEta, 10)
    let state = initialState(detector)
    const firstAlarm = one.trace.findIndex(({ alarm }) => alarm)
    expect(firstAlarm).toBeGreaterThan(0)
    for (let t = 0; t <= firstAlarm; t++) {
      const inputs = one.features.map(({ windows }) => {
        const counts = windows[t]!
        return { counts, missing: 0, invalid: 0, rows: counts.reduce((a, b) => a + b, 0) }
      })
      const result = step(detector, state, inputs, t * 3_600_000)
      const expected = one.trace[t]!
      expect(result.alarm).toBe(expected.alarm)
      expect(result.log10ModelEvidence).toBeCloseTo(Math.log10(expected.evidence), 8)
      result.monitors.forEach((monitor, i) => {
        expect(monitor.log10Evidence).toBeCloseTo(Math.log10(expected.featureEvidence[i]!), 8)
      })
      state = result.state
    }
    expect([...state.evidence].every((value) => value === 0)).toBe(true)
    expect(state.incidents.map((incident) => incident !== null)).toEqual([false, true, false, false])
  })
})
