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

export const derivedSchema = {
  drift: {
    measurement: 'ml_drift',
    description: 'One verdict per model version, segment, signal, feature and slice',
    tags: {
      model: 'model name',
      version: 'model version',
      segment: 'segment value, _all for the whole model',
      signal: 'feature-drift, prediction-drift, confidence-drift, label-drift, multivariate-drift, data-health, ...',
      feature: 'feature name; the output of predictions; label; pca; _all for data health of the model',
    },
    fields: {
      status: { description: '0 ok, 1 insufficient, 2 error, 3 drift', unit: 'none' },
      alarm: { description: '1 when the evidence is above its threshold', unit: 'none' },
      incident: { description: '1 while an alarm of this slice or an earlier one is open', unit: 'none' },
      effect: {
        description: 'size of the move; sd of normal scores, or a share, see effect kind in the API',
        unit: 'none',
      },
      effect_low: { description: 'lower end of the interval of the effect', unit: 'none' },
      effect_high: { description: 'upper end', unit: 'none' },
      p_value: { description: 'Bonferroni over the tests of this feature; descriptive', unit: 'none' },
      evidence: { description: "log10 of the feature's own evidence", unit: 'none' },
      model_evidence: {
        description: 'log10 of the mean evidence over all monitors, which is compared with the threshold',
        unit: 'none',
      },
      evidence_threshold: { description: 'log10 of the threshold', unit: 'none' },
      smallest_detectable: {
        description: 'smallest shift that would probably be found, in the unit of the effect',
        unit: 'none',
      },
      window_values: { description: 'values in the window', unit: 'short' },
      baseline_values: { description: 'values in the baseline', unit: 'short' },
      window_rows: { description: 'rows in the window, with missing and invalid ones', unit: 'short' },
      mean: { description: 'mean in the window', unit: 'none' },
      baseline_mean: { description: 'mean in the baseline', unit: 'none' },
      sd: { description: 'standard deviation in the window', unit: 'none' },
      baseline_sd: { description: 'standard deviation in the baseline', unit: 'none' },
      min: { description: 'smallest value in the window', unit: 'none' },
      max: { description: 'largest value in the window', unit: 'none' },
      missing_rate: { description: 'share of rows without a value', unit: 'percentunit' },
      missing_baseline_rate: { description: 'the same in the baseline', unit: 'percentunit' },
      invalid_rate: { description: 'share of rows with an invalid value', unit: 'percentunit' },
      invalid_baseline_rate: { description: 'the same in the baseline', unit: 'percentunit' },
      psi: { description: 'population stability index', unit: 'none' },
      jensen_shannon: { description: 'Jensen-Shannon distance', unit: 'none' },
      hellinger: { description: 'Hellinger distance', unit: 'none' },
      wasserstein: { description: 'Wasserstein distance in baseline standard deviations', unit: 'none' },
      total_variation: { description: 'total variation distance', unit: 'percentunit' },
      kolmogorov_smirnov: { description: 'largest difference of the distribution functions', unit: 'none' },
    },
  },
  window: {
    measurement: 'ml_window',
    description: 'One evaluated slice of a model version',
    tags: { model: 'model name', version: 'model version' },
    fields: {
      status: {
        description: 'the worst of its results: 0 ok, 1 insufficient or no baseline, 2 error, 3 drift',
        unit: 'none',
      },
      rows: { description: 'rows', unit: 'short' },
      rows_per_second: { description: 'rows a second over the slice', unit: 'reqps' },
      revision: { description: 'how often the slice was evaluated, because data came late', unit: 'short' },
      features_drifted: { description: 'features and outputs with drift', unit: 'short' },
      features_unwatched: { description: 'features and outputs that could not be judged', unit: 'short' },
      model_evidence: { description: 'log10 of the mean evidence over all monitors', unit: 'none' },
      evidence_threshold: { description: 'log10 of the threshold', unit: 'none' },
      delay: { description: 'from the end of the slice to its evaluation', unit: 's' },
    },
  },
  bucket: {
    measurement: 'ml_window_bucket',
    description: 'Shares of a window and of the baseline by cell, for heatmaps and histograms',
    tags: {
      model: 'model name',
      version: 'model version',
      segment: 'segment value, _all for the whole model',
      signal: 'feature-drift, prediction-drift, confidence-drift, label-drift, multivariate-drift, data-health, ...',
      feature: 'feature name; the output of predictions; label; pca; _all for data health of the model',
      le: 'inclusive upper bound of the cell, +Inf for the last; or the category',
    },
    fields: {
      expected: { description: 'share in the baseline', unit: 'percentunit' },
      actual: { description: 'share in the window', unit: 'percentunit' },
      cell: {
        description: 'place of the cell in the baseline, from 0: names in order of text are not in order',
        unit: 'none',
      },
    },
  },
  performance: {
    measurement: 'ml_performance',
    description: 'Quality of the model: realised from outcomes, estimated without them, and that of the held-out set',
    tags: {
      model: 'model name',
      version: 'model version',
      segment: 'segment value, _all for the whole model',
      metric: 'accuracy, f1, precision, recall, roc_auc, log_loss, rmse, ...',
      source: 'realised or estimated',
    },
    fields: {
      value: { description: 'the metric', unit: 'none' },
      low: { description: 'lower end of its interval', unit: 'none' },
      high: { description: 'upper end', unit: 'none' },
      rows: { description: 'outcomes or rows it was computed from', unit: 'short' },
      offline: { description: 'the metric of the held-out set', unit: 'none' },
      difference: { description: 'value minus offline; of estimates, value minus baseline', unit: 'none' },
      baseline: { description: 'the metric of the baseline rows', unit: 'none' },
      completeness: { description: 'outcomes over predictions of the window; realised only', unit: 'percentunit' },
      status: {
        description: '0 ok, 1 insufficient, 2 error, 3 drift; does not enter that of the window',
        unit: 'none',
      },
    },
  },
  calibration: {
    measurement: 'ml_calibration',
    description: 'Whether scores are probabilities',
    tags: { model: 'model name', version: 'model version', segment: 'segment value, _all for the whole model' },
    fields: {
      expected_calibration_error: { description: 'mean distance of score and frequency', unit: 'none' },
      brier: { description: 'Brier score', unit: 'none' },
      expected_by_chance: { description: 'the error that exact probabilities would show in so few rows', unit: 'none' },
      calibration_in_the_large: { description: 'share of positives less the mean score', unit: 'none' },
      rows: { description: 'outcomes', unit: 'short' },
    },
  },
  attribution: {
    measurement: 'ml_attribution',
    description: 'How much each feature moved predictions',
    tags: {
      model: 'model name',
      version: 'model version',
      segment: 'segment value, _all for the whole model',
      feature: 'feature name; _all for the ranking of all features',
      method: 'how attributions were computed',
    },
    fields: {
      mean: { description: 'mean signed attribution in the window', unit: 'none' },
      ndcg: {
        description: 'of _all: how well the order of features is that of the baseline; 1 is the same',
        unit: 'none',
      },
      ndcg_by_chance: { description: 'of _all: chance leaves ndcg above this in 999 of 1000 windows', unit: 'none' },
      total_variation: {
        description: 'of _all: distance of the shares from those of the baseline',
        unit: 'percentunit',
      },
      mean_absolute: { description: 'mean absolute attribution in the window', unit: 'none' },
      share: { description: 'of the sum over features', unit: 'percentunit' },
      baseline_share: { description: 'the same in the baseline', unit: 'percentunit' },
      rank: { description: '1 is the largest', unit: 'none' },
      baseline_rank: { description: 'in the baseline', unit: 'none' },
      rows: { description: 'rows with attributions', unit: 'short' },
    },
  },
  serving: {
    measurement: 'ml_serving',
    description: 'Health of the inference calls of one slice',
    tags: { model: 'model name', version: 'model version', runtime: 'library that ran the model; _all for all' },
    fields: {
      calls: { description: 'inference calls', unit: 'short' },
      calls_per_second: { description: 'calls a second', unit: 'reqps' },
      errors: { description: 'calls that failed', unit: 'short' },
      error_rate: { description: 'share of calls that failed', unit: 'percentunit' },
      p50: { description: 'median duration', unit: 's' },
      p90: { description: '90th percentile of the duration', unit: 's' },
      p99: { description: '99th percentile of the duration', unit: 's' },
      mean: { description: 'mean duration', unit: 's' },
      rows_per_call: { description: 'rows of a call', unit: 'short' },
      dropped_rows: { description: 'rows that the recorder could not count', unit: 'short' },
    },
  },
  rule: {
    measurement: 'ml_rule',
    description: 'What one slice says about one alert rule: what Grafana alerts on',
    tags: {
      model: 'model name',
      version: 'model version',
      segment: 'segment value, _all for the whole model',
      rule: 'rule name',
      severity: 'info, warning or critical',
    },
    fields: {
      holds: {
        description: '1 when the condition of the rule holds, 0 when not; absent when the data allows no answer',
        unit: 'none',
      },
      value: {
        description: 'the number that the rule compares, of what broke it most: evidence, distance, p-value or rate',
        unit: 'none',
      },
      threshold: { description: 'what it is compared with', unit: 'none' },
      broken: { description: 'features and outputs that break the rule', unit: 'short' },
    },
  },
  alert: {
    measurement: 'ml_alert',
    description: 'The state of one alert after each change, and every minute while it is pending or fires',
    tags: {
      model: 'model name',
      version: 'model version',
      segment: 'segment value, _all for the whole model',
      rule: 'rule name',
      severity: 'info, warning or critical',
    },
    fields: {
      state: { description: '0 resolved or inactive, 1 pending, 2 firing', unit: 'none' },
      evidence: { description: 'log10 of the evidence, of budget rules', unit: 'none' },
      since: { description: 'when it came into this state, in ms', unit: 'dateTimeAsIso' },
    },
  },
  event: {
    measurement: 'ml_event',
    description: 'What happened to a model: shown as annotations',
    tags: {
      model: 'model name',
      version: 'model version',
      kind: 'deployment, baseline, manifest, drift-onset, alert, resolved, verdict',
      subject: 'the rule or digest that it is about',
    },
    fields: {
      title: { description: 'one line', unit: 'string' },
      text: { description: 'more, in words', unit: 'string' },
    },
  },
  lineage: {
    measurement: 'ml_lineage',
    description: 'What a model version was made from, when it changes and once a day; and who evaluates it',
    tags: { model: 'model name', version: 'model version' },
    fields: {
      manifest: { description: 'digest of the manifest', unit: 'string' },
      baseline: { description: 'digest of the baseline', unit: 'string' },
      artefact: { description: 'digest of the model file', unit: 'string' },
      training_data: { description: 'digest of the training data', unit: 'string' },
      code: { description: 'commit of the training code, else the digest of its file', unit: 'string' },
      instances: { description: 'instances that sent in the newest slice', unit: 'short' },
      baseline_rows: { description: 'rows of the baseline', unit: 'short' },
      collector: { description: 'name of the collector that evaluates it', unit: 'string' },
    },
  },
  collector: {
    measurement: 'ml_collector',
    description: 'The collector itself, every 10 s',
    tags: { collector: 'configured name, default the host name' },
    fields: {
      received_points: { description: 'points received since the start', unit: 'short' },
      rejected_points: { description: 'points rejected since the start', unit: 'short' },
      duplicate_series: { description: 'series that came twice', unit: 'short' },
      journal_bytes: { description: 'bytes that wait to be sent to InfluxDB', unit: 'bytes' },
      journal_age: { description: 'age of the oldest of them', unit: 's' },
      sent_points: { description: 'points that InfluxDB has taken', unit: 'short' },
      dead_lettered: { description: 'points that InfluxDB refuses for good', unit: 'short' },
      dropped_records: {
        description: 'blocks, and groups of lines, that were dropped because the journal was full or they were too old',
        unit: 'short',
      },
      send_failures: { description: 'attempts to send that were put off, held or split', unit: 'short' },
      evaluated_slices: { description: 'slices evaluated since the start', unit: 'short' },
      evaluation_failures: { description: 'evaluations that failed', unit: 'short' },
      evaluation_lag: { description: 'how long the oldest slice that is not evaluated has been due', unit: 's' },
      firing_alerts: { description: 'alerts that fire', unit: 'short' },
      resident_bytes: { description: 'memory of the process', unit: 'bytes' },
    },
  },
} as const

export type DerivedId = keyof typeof derivedSchema

/** All of them, to go through. */
export function derivedMeasurements(): readonly Measurement[] {
  return Object.values(derivedSchema)
}
