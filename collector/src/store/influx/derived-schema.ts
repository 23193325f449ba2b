/**
 * The derived layer in InfluxDB: what evaluation, alerts and the collector itself write, and all that dashboards and Grafana's alert
 * rules read. One place says what every measurement, tag and field is called, so that a panel and the writer cannot part.
 *
 * Fields are floats, but for the texts of `ml_event` and `ml_lineage`. Timestamps are the start of the slice (of `ml_alert`,
 * `ml_event` and `ml_collector`: the time it happened), in nanoseconds: a slice that is evaluated again overwrites itself. A field
 * that is not known is absent.
 *
 * Series per model version: segments x (features + outputs) in `ml_drift`, times cells in `ml_window_bucket`.
 */
export interface Measurement {
  readonly measurement: string
  readonly description: string
  readonly tags: Readonly<Record<string, string>>
  readonly fields: Readonly<Record<string, Field>>
}

export interface Field {
  readonly description: string
  /** Grafana's name of the unit. */
  readonly unit: 'none' | 'percentunit' | 'short' | 's' | 'bytes' | 'reqps' | 'dateTimeAsIso' | 'string'
}

/** The tag value of the whole model, where a segment is asked for: InfluxDB has no empty tags. */
export const wholeModel = '_all'

/** Of `status` fields; the worst is the largest, so that max() over features says it of the model. */
export const statusCodes = { ok: 0, insufficient: 1, 'no-baseline': 1, error: 2, drift: 3 } as const

/** Of `ml_alert`. */
export const alertStateCodes = { inactive: 0, resolved: 0, pending: 1, firing: 2 } as const

export const severityCodes = { info: 0, warning: 1, critical: 2 } as const

const ofModel = { model: 'model name', version: 'model version' } as const
const ofSegment = { ...ofModel, segment: `segment value, ${wholeModel} for the whole model` } as const
const ofResult = {
  ...ofSegment,
  signal: 'feature-drift, prediction-drift, confidence-drift, label-drift, multivariate-drift, data-health, ...',
  feature: 'feature name; the output of predictions; label; pca; _all for data health of the model',
} as const

const number = (description: string): Field => ({ description, unit: 'none' })
const count = (description: string): Field => ({ description, unit: 'short' })
const share = (description: string): Field => ({ description, unit: 'percentunit' })
const seconds = (description: string): Field => ({ description, unit: 's' })
const bytes = (description: string): Field => ({ description, unit: 'bytes' })
const text = (description: string): Field => ({ description, unit: 'string' })

export const derivedSchema = {
  drift: {
    measurement: 'ml_drift',
    description: 'One verdict per model version, segment, signal, feature and slice',
    tags: ofResult,
    fields: {
      status: number('0 ok, 1 insufficient, 2 error, 3 drift'),
      alarm: number('1 when the evidence is above its threshold'),
      effect: number('size of the move; sd of normal scores, or a share, see effect kind in the API'),
      effect_low: number('lower end of the interval of the effect'),
      effect_high: number('upper end'),
      p_value: number('Bonferroni over the tests of this feature; descriptive'),
      evidence: number("log10 of the feature's own evidence"),
      model_evidence: number('log10 of the mean evidence over all monitors, which is compared with the threshold'),
      evidence_threshold: number('log10 of the threshold'),
      smallest_detectable: number('smallest shift that would probably be found, in the unit of the effect'),
      window_values: count('values in the window'),
      baseline_values: count('values in the baseline'),
      window_rows: count('rows in the window, with missing and invalid ones'),
      mean: number('mean in the window'),
      baseline_mean: number('mean in the baseline'),
      sd: number('standard deviation in the window'),
      baseline_sd: number('standard deviation in the baseline'),
      min: number('smallest value in the window'),
      max: number('largest value in the window'),
      missing_rate: share('share of rows without a value'),
      missing_baseline_rate: share('the same in the baseline'),
      invalid_rate: share('share of rows with an invalid value'),
      invalid_baseline_rate: share('the same in the baseline'),
      psi: number('population stability index'),
      jensen_shannon: number('Jensen-Shannon distance'),
      hellinger: number('Hellinger distance'),
      wasserstein: number('Wasserstein distance in baseline standard deviations'),
      total_variation: share('total variation distance'),
      kolmogorov_smirnov: number('largest difference of the distribution functions'),
    },
  },
  window: {
    measurement: 'ml_window',
    description: 'One evaluated slice of a model version',
    tags: ofModel,
    fields: {
      status: number('the worst of its results: 0 ok, 1 insufficient or no baseline, 2 error, 3 drift'),
      rows: count('rows'),
      rows_per_second: { description: 'rows a second over the slice', unit: 'reqps' },
      revision: count('how often the slice was evaluated, because data came late'),
      features_drifted: count('features and outputs with drift'),
      features_unwatched: count('features and outputs that could not be judged'),
      learning_rows: count('rows counted towards a baseline that is being learned'),
      learning_needed: count('rows that are needed for it'),
      model_evidence: number('log10 of the mean evidence over all monitors'),
      evidence_threshold: number('log10 of the threshold'),
      delay: seconds('from the end of the slice to its evaluation'),
    },
  },
  bucket: {
    measurement: 'ml_window_bucket',
    description: 'Shares of a window and of the baseline by cell, for heatmaps and histograms',
    tags: { ...ofResult, le: 'inclusive upper bound of the cell, +Inf for the last; or the category' },
    fields: { expected: share('share in the baseline'), actual: share('share in the window') },
  },
  performance: {
    measurement: 'ml_performance',
    description: 'Quality of the model: realised from outcomes, estimated without them, and that of the held-out set',
    tags: {
      ...ofSegment,
      metric: 'accuracy, f1, precision, recall, roc_auc, log_loss, rmse, ...',
      source: 'realised, estimated or offline',
    },
    fields: {
      value: number('the metric'),
      low: number('lower end of its interval'),
      high: number('upper end'),
      rows: count('outcomes or rows it was computed from'),
      offline: number('the metric of the held-out set'),
      difference: number('value minus offline'),
    },
  },
  calibration: {
    measurement: 'ml_calibration',
    description: 'Whether scores are probabilities',
    tags: ofSegment,
    fields: {
      expected_calibration_error: number('mean distance of score and frequency'),
      brier: number('Brier score'),
      rows: count('outcomes'),
    },
  },
  attribution: {
    measurement: 'ml_attribution',
    description: 'How much each feature moved predictions',
    tags: { ...ofSegment, feature: 'feature name', method: 'how attributions were computed' },
    fields: {
      mean_absolute: number('mean absolute attribution in the window'),
      share: share('of the sum over features'),
      baseline_share: share('the same in the baseline'),
      rank: number('1 is the largest'),
      baseline_rank: number('in the baseline'),
      rows: count('rows with attributions'),
    },
  },
  serving: {
    measurement: 'ml_serving',
    description: 'Health of the inference calls of one slice',
    tags: { ...ofModel, runtime: 'library that ran the model' },
    fields: {
      calls: count('inference calls'),
      calls_per_second: { description: 'calls a second', unit: 'reqps' },
      errors: count('calls that failed'),
      error_rate: share('share of calls that failed'),
      p50: seconds('median duration'),
      p90: seconds('90th percentile of the duration'),
      p99: seconds('99th percentile of the duration'),
      mean: seconds('mean duration'),
      rows_per_call: count('rows of a call'),
      dropped_rows: count('rows that the recorder could not count'),
    },
  },
  alert: {
    measurement: 'ml_alert',
    description: 'The state of one alert after each change',
    tags: { ...ofSegment, rule: 'rule name', severity: 'info, warning or critical' },
    fields: {
      state: number('0 resolved or inactive, 1 pending, 2 firing'),
      evidence: number('log10 of the evidence, of budget rules'),
    },
  },
  event: {
    measurement: 'ml_event',
    description: 'What happened to a model: shown as annotations',
    tags: { ...ofModel, kind: 'deployment, baseline, manifest, drift-onset, alert, resolved, verdict' },
    fields: { title: text('one line'), text: text('more, in words') },
  },
  lineage: {
    measurement: 'ml_lineage',
    description: 'What a model version was made from; written when it changes, and once a day',
    tags: ofModel,
    fields: {
      manifest: text('digest of the manifest'),
      baseline: text('digest of the baseline'),
      artefact: text('digest of the model file'),
      training_data: text('digest of the training data'),
      code: text('commit of the training code'),
      instances: count('instances that send'),
      baseline_rows: count('rows of the baseline'),
    },
  },
  collector: {
    measurement: 'ml_collector',
    description: 'The collector itself, every 10 s',
    tags: { collector: 'a configured name, default the host name' },
    fields: {
      received_points: count('points received since the start'),
      rejected_points: count('points rejected since the start'),
      duplicate_series: count('series that came twice'),
      journal_bytes: bytes('bytes that wait to be sent to InfluxDB'),
      journal_age: seconds('age of the oldest of them'),
      sent_points: count('points that InfluxDB has taken'),
      dead_lettered: count('points that InfluxDB refuses for good'),
      dropped_points: count('points dropped because the journal was full or they were too old'),
      send_failures: count('attempts to send that failed'),
      evaluated_slices: count('slices evaluated since the start'),
      evaluation_failures: count('evaluations that failed'),
      evaluation_lag: seconds('age of the oldest slice that is due'),
      firing_alerts: count('alerts that fire'),
      resident_bytes: bytes('memory of the process'),
    },
  },
} as const satisfies Record<string, Measurement>

export type DerivedId = keyof typeof derivedSchema
