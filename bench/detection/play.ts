import { binomial, multinomial } from './counts.ts'
import type { DetectionCase } from './cases.ts'
import { cellProbabilities, drawExtremes, drawNumericBaseline, unchanged, type NumericChange } from './distributions.ts'
import { missingShare, windowOf, type FeatureDefinition } from './features.ts'
import type { Random } from './random.ts'
import { categoricalStatistics, missingStatistics, numericStatistics, ruleBaseline } from './rules.ts'
import type { MonitorInput } from '../../collector/src/evaluate/evidence/model-detector.ts'

/** A feature whose windows can be drawn before and after a change, and be judged by the other rules. */
export interface Player {
  readonly definition: FeatureDefinition
  /** A window as the detector takes it; `null` is the time before the change. */
  draw(change: DetectionCase | null, rows: number): Played
  /** The statistics of the other rules on windows of this many rows. */
  judge(rows: number): (played: Played) => number[]
}

export interface Played {
  readonly input: MonitorInput
  /** Smallest and largest value, of windows of numbers; drawn only when a rule asks. */
  readonly extremes: () => { readonly min: number; readonly max: number }
}

const noExtremes = (): never => {
  throw new Error('only windows of numbers have a smallest and a largest value')
}

/** Draws the baseline of a feature to which the changes of one group can happen. */
export function drawPlayer(example: DetectionCase, baselineRows: number, random: Random): Player {
  if (example.kind === 'numeric') return numericPlayer(baselineRows, random)
  if (example.kind === 'categorical') return categoricalPlayer(example.before, baselineRows, random)
  return missingPlayer(example.before, baselineRows, random)
}

function flags(rows: number, share: number, random: Random): Pick<FeatureDefinition, 'missing' | 'invalid'> {
  return { missing: { count: binomial(rows, share, random), rows }, invalid: { count: 0, rows } }
}

function numericPlayer(baselineRows: number, random: Random): Player {
  const baseline = drawNumericBaseline(baselineRows, random)
  const definition: FeatureDefinition = {
    kind: 'numeric',
    baselineCounts: baseline.counts,
    ...flags(baselineRows, missingShare, random),
  }
  const cells = new Map<NumericChange, Float64Array>()
  return {
    definition,
    draw(changed, rows) {
      const change = changed?.kind === 'numeric' ? changed.change : unchanged
      const probabilities = cells.get(change) ?? cellProbabilities(baseline, change)
      cells.set(change, probabilities)
      const counts = multinomial(rows, probabilities, random)
      return {
        input: windowOf(counts, binomial(rows, missingShare, random), rows),
        extremes: () => drawExtremes(counts, probabilities, change, random),
      }
    },
    judge(rows) {
      const rules = ruleBaseline(baseline.counts, baseline.bounds, rows, random)
      const closing = { min: baseline.bounds[0]!, max: baseline.bounds[baseline.bounds.length - 1]! }
      return ({ input, extremes }) => numericStatistics(rules, closing, input.counts as Float64Array, extremes())
    },
  }
}

function categoricalPlayer(before: Float64Array, baselineRows: number, random: Random): Player {
  const baselineCounts = multinomial(baselineRows, before, random)
  return {
    definition: { kind: 'categorical', baselineCounts, ...flags(baselineRows, missingShare, random) },
    draw(changed, rows) {
      const counts = multinomial(rows, changed?.kind === 'categorical' ? changed.after : before, random)
      return { input: windowOf(counts, binomial(rows, missingShare, random), rows), extremes: noExtremes }
    },
    judge(rows) {
      const rules = ruleBaseline(baselineCounts, null, rows, random)
      return ({ input }) => categoricalStatistics(rules, input.counts as Float64Array)
    },
  }
}

/** A numeric feature whose values stay as they are, while its rate of missing values changes. */
function missingPlayer(before: number, baselineRows: number, random: Random): Player {
  const baseline = drawNumericBaseline(baselineRows, random)
  const probabilities = cellProbabilities(baseline, unchanged)
  const definition: FeatureDefinition = {
    kind: 'numeric',
    baselineCounts: baseline.counts,
    ...flags(baselineRows, before, random),
  }
  return {
    definition,
    draw(changed, rows) {
      const missing = binomial(rows, changed?.kind === 'missing' ? changed.after : before, random)
      return { input: windowOf(multinomial(rows, probabilities, random), missing, rows), extremes: noExtremes }
    },
    judge() {
      const hits = definition.missing!.count
      return ({ input }) => missingStatistics({ hits, rows: baselineRows }, { hits: input.missing, rows: input.rows })
    },
  }
}
