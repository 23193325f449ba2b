import { describe, expect, it } from 'vitest'
import { chiSquareUpperQuantile, chiSquareUpperTail } from '../../src/stats/chi-square-distribution.ts'
import { clopperPearsonBounds } from '../../src/stats/clopper-pearson-bounds.ts'
import { cramerVonMisesUpperTail } from '../../src/stats/cramer-von-mises-distribution.ts'
import { fUpperTail } from '../../src/stats/f-distribution.ts'
import { betaInverse, lowerBeta } from '../../src/stats/incomplete-functions.ts'
import { kolmogorovUpperTail } from '../../src/stats/kolmogorov-distribution.ts'
import { logGamma } from '../../src/stats/log-gamma.ts'
import {
  noncentralChiSquareUpperQuantile,
  noncentralChiSquareUpperTail,
} from '../../src/stats/noncentral-chi-square-distribution.ts'
import { normalLogUpperTail, normalQuantile, normalUpperTail } from '../../src/stats/normal-distribution.ts'
import { studentUpperTail } from '../../src/stats/student-distribution.ts'
import { wilsonInterval } from '../../src/stats/wilson-interval.ts'
import { deviation, reference, type Tolerance } from '../reference.ts'

interface Case {
  readonly fn: string
  readonly params: Record<string, number>
  readonly value: unknown
}

const functions: Record<string, (p: Record<string, number>) => unknown> = {
  normalSf: (p) => normalUpperTail(p['z']!),
  normalLogSf: (p) => normalLogUpperTail(p['z']!),
  normalQuantile: (p) => normalQuantile(p['p']!),
  chi2Sf: (p) => chiSquareUpperTail(p['x']!, p['df']!),
  chi2Isf: (p) => chiSquareUpperQuantile(p['p']!, p['df']!),
  ncx2Sf: (p) => noncentralChiSquareUpperTail(p['x']!, p['df']!, p['nc']!),
  ncx2Isf: (p) => noncentralChiSquareUpperQuantile(p['p']!, p['df']!, p['nc']!),
  kolmogorovSf: (p) => kolmogorovUpperTail(p['x']!),
  cvmLimitSf: (p) => cramerVonMisesUpperTail(p['x']!),
  studentSf: (p) => studentUpperTail(p['t']!, p['df']!),
  fSf: (p) => fUpperTail(p['f']!, p['d1']!, p['d2']!),
  betaIncInv: (p) => betaInverse(p['a']!, p['b']!, p['p']!, 1 - p['p']!)[0],
  betaInc: (p) => lowerBeta(p['x']!, p['a']!, p['b']!),
  logGamma: (p) => logGamma(p['x']!),
  proportionInterval: (p) => {
    const z = normalQuantile(0.5 + p['confidence']! / 2)
    const { lower, upper } = clopperPearsonBounds(p['x']!, p['n']!, z)
    return { clopperPearson: [lower, upper], wilson: wilsonInterval(p['x']!, p['n']!, z) }
  },
}

/** The tolerances stated in the file; an interval's bound of 0 is compared absolutely, and so is ln Gamma at its roots. */
const tolerances: Record<string, Tolerance> = {
  normalLogSf: { relative: 1e-9, absolute: 1e-15 },
  normalQuantile: { relative: 1e-9, absolute: 1e-12 },
  ncx2Sf: { relative: 1e-8, absolute: 1e-14 },
  ncx2Isf: { relative: 1e-7, absolute: 0 },
  cvmLimitSf: { relative: 0, absolute: 1e-9 },
  betaIncInv: { relative: 1e-8, absolute: 0 },
  kolmogorovSf: { relative: 1e-8, absolute: 1e-300 },
  proportionInterval: { relative: 1e-9, absolute: 1e-15 },
  logGamma: { relative: 1e-9, absolute: 1e-15 },
}

const cases = reference<Case>('special-functions').cases

describe('distribution functions against scipy', () => {
  for (const name of new Set(cases.map((one) => one.fn))) {
    it(`${name} keeps its digits, tails included`, () => {
      const compute = functions[name]!
      const tolerance = tolerances[name] ?? { relative: 1e-9, absolute: 1e-300 }
      const wrong = cases
        .filter((one) => one.fn === name)
        .map((one) => deviation(compute(one.params), one.value, tolerance, JSON.stringify(one.params)))
        .filter((text) => text !== null)
      expect(wrong).toEqual([])
    })
  }
})
