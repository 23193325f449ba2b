/** The rules of other tools that can be asked for, as rules and `driftline backtest --preset` name them. */
export const presetNames = [
  'evidently-default',
  'nannyml-3std',
  'psi-0.1',
  'psi-0.25',
  'vertex-0.3',
  'sagemaker',
  'deepchecks-0.2',
  'azure',
  'whylogs',
  'popmon',
] as const

export type PresetName = (typeof presetNames)[number]
