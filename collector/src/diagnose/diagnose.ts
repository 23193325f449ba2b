import { driftSignals, type Result } from '../evaluate/result.ts'
import { categoryMix } from './causes/category-mix.ts'
import { changedCorrelation } from './causes/changed-correlation.ts'
import { changedSpread } from './causes/changed-spread.ts'
import { defaultValueSurge } from './causes/default-value-surge.ts'
import { invalidValues } from './causes/invalid-values.ts'
import { missingSurge } from './causes/missing-surge.ts'
import { newCategory } from './causes/new-category.ts'
import { outOfRange } from './causes/out-of-range.ts'
import { permutedCategories } from './causes/permuted-categories.ts'
import { predictionShiftWithoutInputShift } from './causes/prediction-shift-without-input-shift.ts'
import { shiftedMean } from './causes/shifted-mean.ts'
import { stuckValue } from './causes/stuck-value.ts'
import { unitOrScaleChange } from './causes/unit-or-scale-change.ts'
import type { Diagnosis } from './diagnosis.ts'
import type { Candidate, Suspect } from './suspect.ts'

/** Causes that a list holds; what ranks lower explains nothing. */
export const maximumDiagnoses = 20
/** Features whose sentences are written out when several tell one story. */
const maximumSentences = 3
/** Outputs move when inputs do: their own causes step back then. */
const consequenceWeight = 0.5

const causes: readonly ((suspect: Suspect) => Candidate | null)[] = [
  stuckValue,
  unitOrScaleChange,
  missingSurge,
  invalidValues,
  newCategory,
  defaultValueSurge,
  permutedCategories,
  categoryMix,
  shiftedMean,
  changedSpread,
  outOfRange,
]

export interface DiagnoseOptions {
  /** The results to be explained; default: those with status `drift`. */
  readonly suspects?: readonly Result[]
}

/**
 * Possible causes of what the results of a slice show, the likeliest first; empty when nothing drifted. Pure and deterministic.
 *
 * A score is the weight of the cause times how much of the change it explains, both between 0 and 1; it ranks, and is no
 * probability. Causes that say more weigh more, so that a vague one wins only where no sharp one fits:
 *
 * | cause | weight | explains |
 * | --- | --- | --- |
 * | stuck-value | 1, or 0.95 for a number that is not quite constant | always all |
 * | unit-or-scale-change | 0.97 common conversion, 0.94 other known one, 0.7 any factor | histogram, mean and spread after the conversion, against the window; 0.6 of it when the extremes contradict |
 * | missing-surge, invalid-values | 0.95, 0.94 | all, or 0.8 when the values that are left moved too |
 * | new-category, default-value-surge | 0.92, 0.9 | the baseline's histogram with one more or larger cell, against the window |
 * | prediction-shift-without-input-shift | 0.85 | all, or 0.5 when most inputs could not be judged |
 * | changed-correlation | 0.85 | all, or 0.5 when most inputs could not be judged |
 * | permuted-categories | 0.8 | the baseline's shares, handed to other categories rank by rank, against the window; only where all but chance is explained |
 * | category-mix | 0.6 | the move that did not go into new categories |
 * | shifted-mean, changed-spread | 0.6 | the baseline's histogram moved or stretched, against the window; at least 0.3 when the evidence points there |
 * | out-of-range | 0.55 | the mass that went beyond the baseline's range |
 *
 * Outputs that moved together with inputs count half: theirs is a consequence.
 */
export function diagnose(all: readonly Result[], options: DiagnoseOptions = {}): Diagnosis[] {
  // Quality, attributions and calls have other causes, or are no cause.
  const results = all.filter(({ signal }) => signal === 'data-health' || driftSignals.includes(signal))
  const suspected = options.suspects ?? results.filter((result) => result.status === 'drift')
  // What happened to reconstruction errors, which are no quantity of the world, is told by a cause of its own.
  const suspects = suspectsOf(
    results,
    suspected.filter((result) => result.signal !== 'multivariate-drift'),
  )
  const inputsMoved =
    suspects.some((suspect) => suspect.role === 'input') ||
    suspected.some((result) => result.signal === 'multivariate-drift')
  const candidates: Candidate[] = []
  for (const suspect of suspects) {
    const weight = suspect.role === 'output' && inputsMoved ? consequenceWeight : 1
    for (const cause of causes) {
      const candidate = cause(suspect)
      if (candidate !== null) candidates.push({ ...candidate, score: candidate.score * weight })
    }
  }
  const unexplained = predictionShiftWithoutInputShift(results, suspected)
  if (unexplained !== null) candidates.push(unexplained)
  const correlation = changedCorrelation(results, suspected)
  if (correlation !== null) candidates.push(correlation)
  return merged(candidates)
    .sort((a, b) => b.score - a.score || (a.cause < b.cause ? -1 : a.cause > b.cause ? 1 : 0))
    .slice(0, maximumDiagnoses)
}

/** One suspect per feature or output: its drift result joined with its data-health result. */
function suspectsOf(results: readonly Result[], suspected: readonly Result[]): Suspect[] {
  const keyOf = (result: Result) => JSON.stringify([result.segment, roleOf(result), result.feature])
  const wanted = new Set(suspected.map(keyOf))
  const groups = new Map<string, Result[]>()
  for (const result of new Set([...results, ...suspected])) {
    const key = keyOf(result)
    if (!wanted.has(key)) continue
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [result])
    else group.push(result)
  }
  return [...groups.values()].map((group) => {
    const drift = group.find((result) => result.signal !== 'data-health') ?? group[0]!
    return {
      feature: drift.feature,
      segment: drift.segment,
      role: roleOf(drift),
      rates: Object.assign({}, ...group.map((result) => result.rates)) as Result['rates'],
      findings: group.flatMap((result) => result.findings),
      summary: drift.summary,
      sizes: drift.sizes,
      leadingGroup: drift.evidence?.leadingGroup ?? '',
    }
  })
}

function roleOf({ signal }: Result): Suspect['role'] {
  return signal === 'feature-drift' || signal === 'data-health' ? 'input' : 'output'
}

/** Tells candidates of one cause and group as one diagnosis, the strongest feature first. */
function merged(candidates: readonly Candidate[]): Diagnosis[] {
  const groups = new Map<string, Candidate[]>()
  for (const candidate of candidates) {
    const key = JSON.stringify([candidate.cause, candidate.group])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [candidate])
    else group.push(candidate)
  }
  return [...groups.values()].map((group) => {
    const ranked = group.sort((a, b) => b.score - a.score)
    const [first] = ranked
    const sentences = [...new Set(ranked.map((candidate) => candidate.evidence))]
    const more = sentences.length - maximumSentences
    return {
      cause: first!.cause,
      score: Math.round(first!.score * 1000) / 1000,
      features: [...new Set(ranked.flatMap((candidate) => candidate.features))],
      evidence: sentences.slice(0, maximumSentences).join('; ') + (more > 0 ? `; and ${more} more` : ''),
      lookAt: first!.lookAt,
    }
  })
}
