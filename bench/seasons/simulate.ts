import type { MonitorDefinition, MonitorInput } from '../../collector/src/evaluate/evidence/model-detector.ts'
import {
  compileDetector,
  initialState,
  step,
  type DetectorState,
} from '../../collector/src/evaluate/evidence/model-detector.ts'
import { learnSeason, stepSeason } from '../../collector/src/evaluate/evidence/season-model.ts'
import { generationStart, seasonPlan, type SeasonPlan } from '../../collector/src/evaluate/evidence/season-plan.ts'
import { seasonReferences, type SeasonUnit } from '../../collector/src/evaluate/evidence/season-reference.ts'

/** Simulated hourly windows of normal features whose mean moves with the time. All amounts in sd of a row. */
export interface SeasonCase {
  readonly name: string
  readonly season: SeasonPlan['kind']
  readonly rowsPerWindow: number
  /** Amplitude of a daily sine; every feature has its own phase. */
  readonly daily: number
  /** Amplitude of a weekly sine, on top of which weekends lie lower by as much. */
  readonly weekly: number
  /** Linear, per 30 days. */
  readonly trend: number
  /** Stationary sd of an AR(1) mean with coefficient 0.9. */
  readonly wandering: number
}

export interface SeasonOutcome {
  /** Alarms, renewals of open incidents included, per 720 windows, for which the budget allows 1. */
  readonly alarms: { readonly baseline: number; readonly season: number }
  /** Windows until an added shift of one feature is found, of every trial; Infinity where it was not within eight days. */
  readonly delays: {
    readonly season: { readonly half: readonly number[]; readonly one: readonly number[] }
    readonly baseline: { readonly half: readonly number[]; readonly one: readonly number[] }
  }
  /** Largest learned dispersion factor of each feature. */
  readonly dispersion: readonly number[]
}

export interface SeasonRun {
  readonly models: number
  /** Windows watched after learning. */
  readonly windows: number
  readonly seed: number
}

const hourMs = 3_600_000
const featureCount = 5
const budgetSteps = 720
const baselineWindows = 168
const baselineRows = 10_000
const missingRate = 0.01
const longestDelay = 192
/** Between two trials of a shift; not a multiple of a day, so that they begin at different hours. */
const trialSteps = 337
const levels = [0.01, ...Array.from({ length: 19 }, (_, i) => (i + 1) / 20), 0.99]

/** Weeks of history that a season needs: references, their lag, and four weeks of learning. */
export function historyWeeks({ season, rowsPerWindow }: SeasonCase): number {
  if (season === 'hour-of-day') return 9
  // Four weeks of references, or as many as hold 1000 rows.
  return 4 + Math.max(4, Math.ceil(1000 / rowsPerWindow))
}

/**
 * Plays models through their history and on: the baseline's detector with the dispersion of its first week, and the season's, on the
 * same windows, without any change but those the case names; and, from states on the way, with a shift added.
 */
export async function simulateSeason(one: SeasonCase, run: SeasonRun): Promise<SeasonOutcome> {
  const alarms = { baseline: 0, season: 0 }
  const delays = {
    season: { half: [] as number[], one: [] as number[] },
    baseline: { half: [] as number[], one: [] as number[] },
  }
  const dispersion: number[] = []
  for (let model = 0; model < run.models; model++) {
    const world = createWorld(one, run, model)
    const plan = seasonPlan(one.season, hourMs)
    // Monday or not does not matter: phases only need to repeat.
    const originMs = generationStart(plan, Date.UTC(2026, 6, 1))
    const at = (window: number) => originMs + window * hourMs
    const units = new Map<number, SeasonUnit>()
    const history = { unit: async (startMs: number) => units.get(startMs) ?? null }
    const sources = world.definitions.map(() => 'no-drift' as const)
    const calm = world.definitions.map(() => 'none' as const)
    const learned = historyWeeks(one) * baselineWindows
    for (let t = 0; t < learned; t++) units.set(at(t), { inputs: world.draw(t, 0), drift: calm })

    const { definitions } = world
    const season = await learnSeason({ plan, definitions, budgetSteps }, history, at(learned))
    if (season === null) throw new Error(`${one.name}: ${learned} windows are not enough for a season`)
    const baseline = compileDetector({ monitors: definitions, budgetSteps })
    for (const { values } of season.detector.monitors) dispersion.push(values.dispersion)
    const advance = {
      season: async (state: DetectorState, inputs: readonly MonitorInput[], t: number) =>
        stepSeason(season, state, inputs, await seasonReferences(plan, history, at(t), sources), at(t)),
      baseline: async (state: DetectorState, inputs: readonly MonitorInput[], t: number) =>
        step(baseline, state, inputs, at(t)),
    }
    const delayOf = async (judge: keyof typeof advance, from: DetectorState, shift: number, t: number) => {
      let state = from
      for (let delay = 1; delay <= longestDelay; delay++) {
        const result = await advance[judge](state, world.draw(t + delay, shift), t + delay)
        if (result.opened.includes(0)) return delay
        state = result.state
      }
      return Number.POSITIVE_INFINITY
    }

    const states = { baseline: initialState(baseline), season: initialState(season.detector) }
    for (let t = learned; t < learned + run.windows; t++) {
      const inputs = world.draw(t, 0)
      const stepped = {
        baseline: await advance.baseline(states.baseline, inputs, t),
        season: await advance.season(states.season, inputs, t),
      }
      for (const judge of ['baseline', 'season'] as const) {
        if (stepped[judge].monitors.some(({ alarm }) => alarm)) alarms[judge]++
        states[judge] = stepped[judge].state
      }
      const drift = stepped.season.monitors.map(({ alarm, incident }) =>
        alarm || incident !== null ? 'by-season' : 'none',
      )
      units.set(at(t), { inputs, drift })
      if ((t - learned) % trialSteps !== trialSteps >> 1) continue
      for (const judge of ['baseline', 'season'] as const) {
        // A monitor in an incident cannot open one.
        if (states[judge].incidents[0] !== null) continue
        delays[judge].half.push(await delayOf(judge, states[judge], 0.5, t))
        delays[judge].one.push(await delayOf(judge, states[judge], 1, t))
      }
    }
  }
  const periods = (run.models * run.windows) / budgetSteps
  return {
    alarms: { baseline: alarms.baseline / periods, season: alarms.season / periods },
    delays,
    dispersion,
  }
}

interface World {
  readonly definitions: readonly MonitorDefinition[]
  /** Window t, with a shift of the first feature. */
  draw(t: number, shift: number): MonitorInput[]
}

function createWorld(one: SeasonCase, run: SeasonRun, model: number): World {
  const uniform = uniformNumbers(run.seed * 1000 + model)
  const normal = normalNumbers(uniform)
  const length = historyWeeks(one) * baselineWindows + run.windows + longestDelay + 1
  const means = Array.from({ length: featureCount }, () => meansOf(one, length, uniform, normal))
  const layouts = means.map((mean) => layoutOf(mean, normal))
  return {
    definitions: layouts.map(({ counts, chunkCounts }, i) => ({
      id: `feature-${i}`,
      segment: '',
      family: 'features',
      kind: 'numeric',
      baselineCounts: counts,
      chunkCounts,
      missing: { count: Math.round(missingRate * baselineRows), rows: baselineRows },
    })),
    draw: (t, shift) =>
      layouts.map(({ bounds }, i) => {
        const counts = new Float64Array(bounds.length + 1)
        const mean = means[i]![t]! + (i === 0 ? shift : 0)
        let missing = 0
        for (let row = 0; row < one.rowsPerWindow; row++) {
          counts[cellOf(bounds, mean + normal())]!++
          if (uniform() < missingRate) missing++
        }
        return { counts, missing, invalid: 0, rows: one.rowsPerWindow + missing }
      }),
  }
}

function meansOf(one: SeasonCase, length: number, uniform: () => number, normal: () => number): Float64Array {
  const dailyPhase = uniform() * 2 * Math.PI
  const weeklyPhase = uniform() * 2 * Math.PI
  let wandering = one.wandering * normal()
  return Float64Array.from({ length }, (_, t) => {
    wandering = 0.9 * wandering + Math.sqrt(1 - 0.81) * one.wandering * normal()
    const week = Math.sin((2 * Math.PI * t) / 168 + weeklyPhase) - (t % 168 >= 120 ? 1 : 0)
    const day = Math.sin((2 * Math.PI * t) / 24 + dailyPhase)
    return one.daily * day + one.weekly * week + (one.trend * t) / 720 + wandering
  })
}

/** A baseline of the first week: the default quantiles as bounds, its hours as chunks. */
function layoutOf(means: Float64Array, normal: () => number) {
  const perWindow = Math.ceil(baselineRows / baselineWindows)
  const chunks = Array.from({ length: baselineWindows }, (_, t) =>
    Array.from({ length: perWindow }, () => means[t]! + normal()),
  )
  const sorted = chunks.flat().sort((a, b) => a - b)
  const bounds = [
    sorted[0]! - 1e-9,
    ...levels.map((level) => sorted[Math.ceil(level * sorted.length) - 1]!),
    sorted.at(-1)!,
  ]
  const chunkCounts = chunks.map((values) => {
    const counts = new Float64Array(bounds.length + 1)
    for (const value of values) counts[cellOf(bounds, value)]!++
    return counts
  })
  const counts = new Float64Array(bounds.length + 1)
  for (const chunk of chunkCounts) for (let i = 0; i < counts.length; i++) counts[i]! += chunk[i]!
  return { bounds, counts, chunkCounts }
}

/** Number of bounds below the value: its cell. */
function cellOf(bounds: readonly number[], value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (bounds[middle]! < value) low = middle + 1
    else high = middle
  }
  return low
}

/** Mulberry32. */
function uniformNumbers(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** Box-Muller, both numbers used. */
function normalNumbers(uniform: () => number): () => number {
  let spare: number | null = null
  return () => {
    if (spare !== null) {
      const value = spare
      spare = null
      return value
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()))
    const angle = 2 * Math.PI * uniform()
    spare = radius * Math.sin(angle)
    return radius * Math.cos(angle)
  }
}

/** The middle of sorted trials; Infinity when half of them found nothing. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}
