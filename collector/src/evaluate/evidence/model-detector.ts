/** The detector of one model version, as the rest of the collector uses it. */
export { compileDetector, type CompiledDetector, type MonitorDefinition } from './compile-detector.ts'
export { decodeState, encodeState, initialState, type DetectorState } from './detector-state.ts'
export { step, type MonitorInput, type MonitorStep, type StepResult } from './detector-step.ts'
