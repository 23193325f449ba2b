import { simulateDelays, type DelayOutcome, type DelayTask } from './delays.ts'
import { simulateDependentData, type DependentOutcome, type DependentTask } from './dependent-data.ts'
import { simulateFalseAlarms, type FalseAlarmCounts, type FalseAlarmTask } from './false-alarms.ts'
import { simulateNull, type NullOutcome, type NullTask } from './null-distribution.ts'
import { replayEmployment, type RealDataOutcome, type RealDataTask } from './real-data.ts'

/** A piece of the benchmark that depends on nothing but itself: it may run in any process, in any order. */
export type Task = FalseAlarmTask | DependentTask | NullTask | DelayTask | RealDataTask

export type Outcome<T extends Task> = T extends FalseAlarmTask
  ? FalseAlarmCounts
  : T extends DependentTask
    ? DependentOutcome
    : T extends NullTask
      ? NullOutcome
      : T extends DelayTask
        ? DelayOutcome
        : RealDataOutcome

export async function runTask(task: Task): Promise<Outcome<Task>> {
  switch (task.task) {
    case 'false-alarms':
      return simulateFalseAlarms(task)
    case 'dependent':
      return simulateDependentData(task)
    case 'null':
      return simulateNull(task)
    case 'delays':
      return simulateDelays(task)
    case 'real-data':
      return replayEmployment(task)
  }
}
