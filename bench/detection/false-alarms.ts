import { initialState, step } from '../../collector/src/evaluate/evidence/model-detector.ts'
import { budgetSteps, compileModelOf, drawFeature, drawWindow, type FeatureKind } from './features.ts'
import { createRandom } from './random.ts'

/** Windows of each simulated model: two budget periods. */
const windowsPerModel = 2 * budgetSteps
export const periodsPerModel: number = windowsPerModel / budgetSteps

export interface FalseAlarmTask {
  readonly task: 'false-alarms'
  readonly seed: string
  readonly kind: FeatureKind
  readonly features: number
  readonly baselineRows: number
  readonly windowRows: number
  /** Numbers of the models to simulate: a model is the same whatever the others are. */
  readonly from: number
  readonly to: number
}

export interface FalseAlarmCounts {
  /** Alarms that opened an incident, per model. */
  readonly alarms: readonly number[]
  /** Steps in which a monitor that was in an incident reached the threshold again. */
  readonly renewals: number
}

/** Models in which nothing changes: every alarm is a false one. */
export function simulateFalseAlarms(task: FalseAlarmTask): FalseAlarmCounts {
  const { kind, features: featureCount, baselineRows, windowRows } = task
  const alarms: number[] = []
  let renewals = 0
  for (let model = task.from; model < task.to; model++) {
    const random = createRandom(
      `${task.seed} false alarms ${kind} ${featureCount} ${baselineRows} ${windowRows} ${model}`,
    )
    const features = Array.from({ length: featureCount }, () => drawFeature(kind, baselineRows, random))
    const detector = compileModelOf(features.map(({ definition }) => definition))
    let state = initialState(detector)
    let raised = 0
    for (let window = 0; window < windowsPerModel; window++) {
      const inputs = features.map(({ probabilities }) => drawWindow(probabilities, windowRows, random))
      const result = step(detector, state, inputs, window)
      state = result.state
      if (result.alarm) raised++
      else if (result.monitors.some((monitor) => monitor.alarm)) renewals++
    }
    alarms.push(raised)
  }
  return { alarms, renewals }
}
