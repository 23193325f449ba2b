import {
  initialState,
  step,
  type CompiledDetector,
  type MonitorInput,
} from '../../collector/src/evaluate/evidence/model-detector.ts'
import { normalUpperTail } from '../../collector/src/stats/normal-distribution.ts'
import { multinomial } from './counts.ts'
import { layoutShares } from './distributions.ts'
import { budgetSteps, compileModelOf, windowOf, type FeatureDefinition } from './features.ts'
import { createRandom, type Random } from './random.ts'

export type Dependence = 'independent' | 'sine-0.2' | 'sine-0.5' | 'clusters-of-10' | 'ar-0.1' | 'ar-0.3'

export interface DependentTask {
  readonly task: 'dependent'
  readonly seed: string
  readonly dependence: Dependence
  readonly windowRows: number
  /** Time-ordered chunks of the baseline, of `windowRows` rows each. */
  readonly chunks: number
  readonly from: number
  readonly to: number
}

export interface DependentOutcome {
  /** Alarms per model when the dispersion is learned from the chunks, and when it is not. */
  readonly learned: readonly number[]
  readonly notLearned: readonly number[]
  /** Windows to a change of one feature, dispersion learned, per added shift. */
  readonly delays: Readonly<Record<string, readonly number[]>>
}

const featureCount = 5
const windows = 2 * budgetSteps
export const dependentShifts = [0.6, 1] as const
export const dependentHorizon = 200
const clusterSize = 10
const autocorrelation = 0.9

/** Five features whose windows depend on each other or whose rows come in clusters; nothing else changes. */
export function simulateDependentData(task: DependentTask): DependentOutcome {
  const learned: number[] = []
  const notLearned: number[] = []
  const delays: Record<string, number[]> = Object.fromEntries(dependentShifts.map((shift) => [shift, []]))
  for (let model = task.from; model < task.to; model++) {
    const random = createRandom(`${task.seed} dependent ${task.dependence} ${task.windowRows} ${task.chunks} ${model}`)
    const features = Array.from({ length: featureCount }, () => drawDependentFeature(task, random))
    const watching = compileModelOf(features.map(({ definition }) => definition))
    const trusting = compileModelOf(
      features.map(({ definition }) => {
        const { chunkCounts: _, ...rest } = definition
        return rest
      }),
    )
    const played = Array.from({ length: windows }, (_, window) =>
      features.map((feature) => drawDependentWindow(feature, window, 0, task, random)),
    )
    learned.push(alarmsIn(watching, played))
    notLearned.push(alarmsIn(trusting, played))
    for (const shift of dependentShifts) {
      let state = initialState(watching)
      let delay = dependentHorizon + 1
      for (let window = 0; window < dependentHorizon; window++) {
        const inputs = features.map((feature, i) =>
          i === 0 ? drawDependentWindow(feature, window, shift, task, random) : played[window]![i]!,
        )
        const result = step(watching, state, inputs, window)
        state = result.state
        if (!result.alarm) continue
        delay = window + 1
        break
      }
      delays[shift]!.push(delay)
    }
  }
  return { learned, notLearned, delays }
}

function alarmsIn(detector: CompiledDetector, played: readonly (readonly MonitorInput[])[]): number {
  let state = initialState(detector)
  let alarms = 0
  played.forEach((inputs, window) => {
    const result = step(detector, state, inputs, window)
    state = result.state
    if (result.alarm) alarms++
  })
  return alarms
}

interface DependentFeature {
  readonly definition: FeatureDefinition
  readonly bounds: Float64Array
  /** Mean of every window of production. */
  readonly means: Float64Array
}

/** The baseline is drawn row by row: its bounds are quantiles of all chunks together, each with a mean of its own. */
function drawDependentFeature(task: DependentTask, random: Random): DependentFeature {
  const { chunks, windowRows, dependence } = task
  const means = wanderingMeans(dependence, chunks + windows, random)
  const cluster = dependence === 'clusters-of-10' ? clusterSize : 1
  const values = new Float64Array(chunks * windowRows)
  for (let row = 0; row < values.length; row += cluster) {
    values.fill(random.normal() + means[Math.floor(row / windowRows)]!, row, row + cluster)
  }
  const sorted = values.toSorted()
  const smallest = sorted[0]!
  const bounds = Float64Array.from([
    smallest - Math.abs(smallest) * Number.EPSILON,
    ...layoutShares.map((share) => sorted[Math.ceil(share * sorted.length - 1e-9) - 1]!),
    sorted[sorted.length - 1]!,
  ])
  const counts = new Float64Array(bounds.length + 1)
  const chunkCounts = Array.from({ length: chunks }, () => new Float64Array(bounds.length + 1))
  values.forEach((value, row) => {
    let low = 0
    let high = bounds.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (bounds[middle]! < value) low = middle + 1
      else high = middle
    }
    counts[low]!++
    chunkCounts[Math.floor(row / windowRows)]![low]!++
  })
  const flag = { count: 0, rows: values.length }
  return {
    definition: { kind: 'numeric', baselineCounts: counts, chunkCounts, missing: flag, invalid: flag },
    bounds,
    means: means.slice(chunks),
  }
}

function drawDependentWindow(
  { bounds, means }: DependentFeature,
  window: number,
  shift: number,
  { windowRows, dependence }: DependentTask,
  random: Random,
): MonitorInput {
  const mean = means[window]! + shift
  const probabilities = new Float64Array(bounds.length + 1)
  let below = 0
  for (let i = 0; i < bounds.length; i++) {
    const share = normalUpperTail(mean - bounds[i]!)
    probabilities[i] = Math.max(share - below, 0)
    below = share
  }
  probabilities[bounds.length] = 1 - below
  const cluster = dependence === 'clusters-of-10' ? clusterSize : 1
  const counts = multinomial(windowRows / cluster, probabilities, random).map((count) => count * cluster)
  return windowOf(counts, 0, windowRows)
}

/** Mean of every window: still, a daily sine of hourly windows, or a wandering (AR(1)) mean. */
function wanderingMeans(dependence: Dependence, length: number, random: Random): Float64Array {
  const [kind, size] = dependence.split('-') as [string, string]
  if (kind === 'sine') {
    const phase = 2 * Math.PI * random.uniform()
    return Float64Array.from({ length }, (_, hour) => Number(size) * Math.sin((2 * Math.PI * hour) / 24 + phase))
  }
  const means = new Float64Array(length)
  if (kind !== 'ar') return means
  const deviation = Number(size)
  let mean = deviation * random.normal()
  for (let i = 0; i < length; i++) {
    mean = autocorrelation * mean + Math.sqrt(1 - autocorrelation ** 2) * deviation * random.normal()
    means[i] = mean
  }
  return means
}
