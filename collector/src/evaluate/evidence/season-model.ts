import { sumOf } from '../../stats/histogram-cells.ts'
import { compileDetector, type CompiledDetector, type MonitorDefinition } from './compile-detector.ts'
import { initialState, type DetectorState } from './detector-state.ts'
import { step, type MonitorInput, type StepResult } from './detector-step.ts'
import { adjustCategorical, adjustNumeric } from './season-adjust.ts'
import {
  isUsable,
  seasonReferences,
  type SeasonHistory,
  type SeasonReference,
  type SeasonSource,
} from './season-reference.ts'
import type { SeasonPlan } from './season-plan.ts'

/** A monitor needs adjusted windows in this share of the learning time; with fewer it stays with the baseline. */
const fewestLearningShare = 0.5

/** A detector of seasonally adjusted windows. Immutable. */
export interface SeasonModel {
  readonly plan: SeasonPlan
  readonly detector: CompiledDetector
  /** Per monitor; null for those that stay with the baseline, for want of rows. */
  readonly monitors: readonly (SeasonMonitor | null)[]
}

export interface SeasonMonitor {
  readonly kind: 'numeric' | 'categorical'
  /** What windows are adjusted to: the sum over all phases of the learning time. */
  readonly target: TargetCounts
  readonly source: SeasonSource
  /** Adjusted windows that it was learned from. */
  readonly windows: number
}

interface TargetCounts {
  readonly counts: Float64Array
  readonly missing: number
  readonly invalid: number
  readonly rows: number
}

export interface SeasonOptions {
  readonly plan: SeasonPlan
  /** What the baseline's detector is made of; monitors that cannot be compared by season keep this. */
  readonly definitions: readonly MonitorDefinition[]
  readonly budgetSteps: number
  /** Weights of monitors, as of the baseline's detector. */
  readonly weights?: Readonly<Record<string, number>>
}

/**
 * Learns a detector from the learning cycles that end at `untilMs`: every window is adjusted by the reference that it would have
 * been judged with, and the adjusted windows are the baseline, with their dispersion, as time-ordered chunks. What a reference
 * is off by (few rows, a trend, a changing season) is thereby in what the detector takes for usual.
 *
 * Null while no monitor of the whole model has enough windows.
 *
 * @see STATISTICS.md 13.1.
 */
export async function learnSeason(
  options: SeasonOptions,
  history: SeasonHistory,
  untilMs: number,
): Promise<SeasonModel | null> {
  const { plan, definitions } = options
  const starts: number[] = []
  for (let at = untilMs - plan.learningCycles * plan.cycleMs; at < untilMs; at += plan.phaseMs) starts.push(at)

  const learned: (Learned | null)[] = definitions.map(() => null)
  for (const source of ['no-drift', 'no-season-drift'] as const) {
    const sources = learned.map((one) => (one === null ? source : null))
    const windows = await learningWindows(plan, history, starts, sources)
    definitions.forEach((definition, i) => {
      learned[i] ??= learnMonitor(definition, i, windows, source, fewestLearningShare * starts.length)
    })
    if (learned.every((one) => one !== null)) break
  }
  if (!learned.some((one, i) => one !== null && definitions[i]!.segment === '')) return null
  const detector = compileDetector({
    monitors: definitions.map((definition, i) => learned[i]?.definition ?? definition),
    budgetSteps: options.budgetSteps,
    ...(options.weights === undefined ? {} : { weights: options.weights }),
  })
  return { plan, detector, monitors: learned.map((one) => one?.monitor ?? null) }
}

/** The windows of the learning time that have a reference, adjusted by nothing yet. */
async function learningWindows(
  plan: SeasonPlan,
  history: SeasonHistory,
  starts: readonly number[],
  sources: readonly (SeasonSource | null)[],
): Promise<LearningWindow[]> {
  const windows: LearningWindow[] = []
  for (const startMs of starts) {
    const unit = await history.unit(startMs)
    if (unit === null) continue
    const references = await seasonReferences(plan, history, startMs, sources)
    const inputs = unit.inputs.map((input, i) =>
      references[i] !== null && isUsable(sources[i]!, unit.drift[i]) ? input : null,
    )
    windows.push({ inputs, references })
  }
  return windows
}

interface Learned {
  readonly definition: MonitorDefinition
  readonly monitor: SeasonMonitor
}

interface LearningWindow {
  readonly inputs: readonly (MonitorInput | null)[]
  readonly references: readonly (SeasonReference | null)[]
}

function learnMonitor(
  definition: MonitorDefinition,
  index: number,
  windows: readonly LearningWindow[],
  source: SeasonSource,
  fewest: number,
): Learned | null {
  const own = windows.filter(({ inputs }) => (inputs[index]?.rows ?? 0) > 0)
  if (own.length < fewest) return null
  const target = sumOfInputs(own.map(({ inputs }) => inputs[index]!))
  if (!(sumOf(target.counts) > 0)) return null
  const monitor: SeasonMonitor = { kind: definition.kind, target, source, windows: own.length }
  const adjusted = own.map(({ inputs, references }) => adjustInput(monitor, references[index]!, inputs[index]!))
  const sum = sumOfInputs(adjusted)
  const chunkRows = adjusted.map((one) => one.rows)
  const flag = (count: number, chunkCounts: readonly number[]) => ({ count, rows: sum.rows, chunkCounts, chunkRows })
  // An adjusted cell is a run of ranks, not of values: the layout's bounds do not name it.
  const { bounds: _, ...rest } = definition
  return {
    monitor,
    definition: {
      ...rest,
      baselineCounts: sum.counts,
      baselineRows: sum.rows,
      chunkCounts: adjusted.map(({ counts }) => counts),
      ...(definition.missing === undefined
        ? {}
        : {
            missing: flag(
              sum.missing,
              adjusted.map((one) => one.missing),
            ),
          }),
      ...(definition.invalid === undefined
        ? {}
        : {
            invalid: flag(
              sum.invalid,
              adjusted.map((one) => one.invalid),
            ),
          }),
    },
  }
}

function sumOfInputs(inputs: readonly MonitorInput[]): TargetCounts {
  const counts = new Float64Array(inputs[0]?.counts.length ?? 0)
  let missing = 0
  let invalid = 0
  let rows = 0
  for (const input of inputs) {
    for (let i = 0; i < counts.length; i++) counts[i]! += input.counts[i]!
    missing += input.missing
    invalid += input.invalid
    rows += input.rows
  }
  return { counts, missing, invalid, rows }
}

/** A window as it would look were its phase like the average of all. */
function adjustInput(
  { kind, target }: SeasonMonitor,
  reference: SeasonReference,
  input: MonitorInput,
): MonitorInput & { readonly counts: Float64Array } {
  const { missing, invalid, rows } = input
  const flag = (hits: number, usual: number, due: number) =>
    adjustCategorical([usual, reference.rows - usual], [due, target.rows - due], [hits, rows - hits])[0]!
  return {
    counts: (kind === 'categorical' ? adjustCategorical : adjustNumeric)(reference.counts, target.counts, input.counts),
    missing: Math.min(flag(missing, reference.missing, target.missing), rows),
    invalid: Math.min(flag(invalid, reference.invalid, target.invalid), rows),
    rows,
  }
}

/**
 * The state with which newly learned rows go on: open incidents stay, evidence begins again from 0, for it belongs to the rows it was
 * gathered with.
 */
export function carrySeasonState(model: SeasonModel, before: DetectorState): DetectorState {
  const { step: steps, sliceStarts, incidents } = before
  return { ...initialState(model.detector), step: steps, sliceStarts, incidents }
}

/**
 * Advances the evidence by one slice, each seasonal monitor adjusted by its reference. A monitor without a reference for this phase
 * keeps its evidence.
 *
 * @param inputs the slice as it came, in the order of the monitors.
 * @param references as `seasonReferences` gives them for the slice.
 */
export function stepSeason(
  model: SeasonModel,
  state: DetectorState,
  inputs: readonly (MonitorInput | null)[],
  references: readonly (SeasonReference | null)[],
  startMs: number,
): StepResult {
  const adjusted = model.monitors.map((monitor, i) => {
    const input = inputs[i] ?? null
    // What contradicts itself goes on as it is: the step below says what is wrong with it.
    if (monitor === null || input === null || !isSound(monitor, input)) return input
    const reference = references[i] ?? null
    return reference === null ? null : adjustInput(monitor, reference, input)
  })
  return step(model.detector, state, adjusted, startMs)
}

function isSound({ target }: SeasonMonitor, { counts, missing, invalid, rows }: MonitorInput): boolean {
  if (counts.length !== target.counts.length || !(rows >= 0 && missing <= rows && invalid <= rows)) return false
  for (let i = 0; i < counts.length; i++) if (!(counts[i]! >= 0)) return false
  return true
}
