import type { MetricNumbers } from './result.ts'

/** A metric of one window, before it is compared with anything. */
export interface MetricValue {
  readonly name: MetricName
  readonly value: number | null
  /** 95 %; null where none is known. */
  readonly interval: readonly [number, number] | null
  readonly note?: string
}

export const metricNames = [
  'accuracy',
  'precision',
  'recall',
  'specificity',
  'f1',
  'balanced_accuracy',
  'mcc',
  'roc_auc',
  'log_loss',
  'brier',
  'macro_precision',
  'macro_recall',
  'macro_f1',
  'weighted_f1',
  'kappa',
  'mae',
  'rmse',
  'mean_error',
  'expected_calibration_error',
] as const
export type MetricName = (typeof metricNames)[number]

/** Other names by which manifests and rules call them; compared without case, spaces, `-` and `_`. */
const aliases: Readonly<Record<string, MetricName>> = {
  acc: 'accuracy',
  f1score: 'f1',
  sensitivity: 'recall',
  truepositiverate: 'recall',
  tpr: 'recall',
  truenegativerate: 'specificity',
  tnr: 'specificity',
  matthewscorrelation: 'mcc',
  matthewscorrcoef: 'mcc',
  auc: 'roc_auc',
  auroc: 'roc_auc',
  areaunderroccurve: 'roc_auc',
  logloss: 'log_loss',
  crossentropy: 'log_loss',
  brierscore: 'brier',
  f1macro: 'macro_f1',
  precisionmacro: 'macro_precision',
  recallmacro: 'macro_recall',
  f1weighted: 'weighted_f1',
  cohenskappa: 'kappa',
  cohenkappa: 'kappa',
  meanabsoluteerror: 'mae',
  rootmeansquarederror: 'rmse',
  rootmeansquareerror: 'rmse',
  bias: 'mean_error',
  ece: 'expected_calibration_error',
}

const byPlainName = new Map<string, MetricName>([
  ...metricNames.map((name) => [plain(name), name] as const),
  ...Object.entries(aliases),
])

/**
 * The metric that a name means; null for none that Driftline computes.
 *
 * @example metricNamed('F1-score') // 'f1'
 */
export function metricNamed(name: string): MetricName | null {
  return byPlainName.get(plain(name)) ?? null
}

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[\s_-]/g, '')
}

/** By metric, from names as a manifest has them; a metric that is named twice counts as the first says. */
export function metricsNamed(values: Readonly<Record<string, number>>): Map<MetricName, number> {
  const known = new Map<MetricName, number>()
  for (const [given, value] of Object.entries(values)) {
    const name = metricNamed(given)
    if (name !== null && !known.has(name)) known.set(name, value)
  }
  return known
}

/** Metrics of errors are better when they are lower. */
const lower: readonly MetricName[] = ['log_loss', 'brier', 'mae', 'rmse', 'expected_calibration_error']

export function betterWhen(name: MetricName): MetricNumbers['better'] {
  if (name === 'mean_error') return 'nearer-zero'
  return lower.includes(name) ? 'lower' : 'higher'
}
