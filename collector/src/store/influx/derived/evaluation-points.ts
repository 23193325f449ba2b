import { otherCategory } from '@driftline/instrumentation/contract'
import type { Result, ResultSummary, SliceStatus } from '../../../evaluate/result.ts'
import { driftSignals } from '../../../evaluate/result.ts'
import { statusCodes, wholeModel } from '../derived-schema.ts'
import { derivedPoint, type DerivedPoint } from './derived-point.ts'

export interface DerivedEvaluation {
  readonly model: string
  readonly version: string
  readonly startMs: number
  readonly endMs: number
  readonly revision: number
  readonly evaluatedAtMs: number
  readonly rows: number
  readonly status: SliceStatus
  readonly results: readonly Result[]
}

/** Cells and categories of one feature that are written; models with more are looked at in the REST interface. */
const maximumCells = 200

/** Metrics of calibration that have a field of the same name. */
const calibrationFields = ['expected_calibration_error', 'brier'] as const

/** What one evaluated slice says, for dashboards and alert rules. All points lie at the start of the slice. */
export function evaluationPoints(evaluation: DerivedEvaluation): DerivedPoint[] {
  return [windowPoint(evaluation), ...evaluation.results.flatMap((result) => resultPoints(evaluation, result))]
}

function windowPoint(evaluation: DerivedEvaluation): DerivedPoint {
  const { model, version, startMs, endMs, revision, evaluatedAtMs, rows, status, results } = evaluation
  const watched = results.filter(({ signal }) => driftSignals.includes(signal))
  const evidence = watched.find((result) => result.evidence !== null)?.evidence ?? null
  return derivedPoint(
    'window',
    startMs,
    { model, version },
    {
      status: statusCodes[status],
      rows,
      rows_per_second: rows / ((endMs - startMs) / 1000),
      revision,
      features_drifted: watched.filter((result) => result.status === 'drift').length,
      features_unwatched: watched.filter((result) => result.status === 'error').length,
      model_evidence: evidence?.log10Model ?? null,
      evidence_threshold: evidence === null ? null : Math.log10(evidence.threshold),
      delay: Math.max(0, evaluatedAtMs - endMs) / 1000,
    },
  )
}

function resultPoints({ startMs, endMs, model, version }: DerivedEvaluation, result: Result): DerivedPoint[] {
  const segment = result.segment === '' ? wholeModel : result.segment
  const feature = result.feature === '' ? wholeModel : result.feature
  const { signal, serving, metric, attribution, ranking, summary } = result
  if (serving !== undefined) {
    const seconds = (endMs - startMs) / 1000
    return [
      derivedPoint(
        'serving',
        startMs,
        { model, version, runtime: serving.runtime ?? wholeModel },
        {
          calls: serving.calls,
          calls_per_second: serving.calls / seconds,
          errors: serving.errors,
          error_rate: serving.errorRate,
          p50: serving.p50,
          p90: serving.p90,
          p99: serving.p99,
          mean: serving.mean,
          rows_per_call: serving.rowsPerCall,
          dropped_rows: serving.droppedRows,
        },
      ),
    ]
  }
  if (metric !== undefined) {
    if (signal === 'calibration') {
      const field = calibrationFields.find((name) => name === feature)
      if (field === undefined) return []
      const { eceByChance = null, calibrationInTheLarge = null } = result.distances
      const fields = {
        [field]: metric.value,
        expected_by_chance: eceByChance,
        calibration_in_the_large: calibrationInTheLarge,
        rows: metric.rows,
      }
      return [derivedPoint('calibration', startMs, { model, version, segment }, fields)]
    }
    return [
      derivedPoint(
        'performance',
        startMs,
        { model, version, segment, metric: feature, source: signal === 'performance' ? 'realised' : 'estimated' },
        {
          value: metric.value,
          low: metric.interval?.[0] ?? null,
          high: metric.interval?.[1] ?? null,
          rows: metric.rows,
          offline: metric.offline,
          difference: metric.difference,
          baseline: metric.baseline,
          completeness: result.rates['completeness']?.rate ?? null,
          status: statusCodes[result.status],
        },
      ),
    ]
  }
  const points = [driftPoint(startMs, { model, version, segment, signal, feature }, result)]
  if (summary !== null) {
    for (const { le, ...fields } of cellsOf(summary)) {
      points.push(derivedPoint('bucket', startMs, { model, version, segment, signal, feature, le }, fields))
    }
  }
  if (ranking !== undefined) {
    points.push(
      derivedPoint(
        'attribution',
        startMs,
        { model, version, segment, feature, method: ranking.method },
        {
          ndcg: ranking.ndcg,
          ndcg_by_chance: ranking.ndcgByChance,
          total_variation: result.distances['totalVariation'] ?? null,
          rows: result.sizes.window,
        },
      ),
    )
  }
  if (attribution !== undefined) {
    points.push(
      derivedPoint(
        'attribution',
        startMs,
        { model, version, segment, feature, method: attribution.method },
        {
          mean: attribution.mean,
          mean_absolute: attribution.meanAbsolute,
          share: attribution.share,
          baseline_share: attribution.baselineShare,
          rank: attribution.rank,
          baseline_rank: attribution.baselineRank,
          rows: attribution.rows,
        },
      ),
    )
  }
  return points
}

function driftPoint(
  atMs: number,
  tags: Readonly<Record<'model' | 'version' | 'segment' | 'signal' | 'feature', string>>,
  result: Result,
): DerivedPoint {
  const { effect, evidence, sizes, distances, rates, summary } = result
  const moments = summary?.kind === 'numeric' ? summary : null
  return derivedPoint('drift', atMs, tags, {
    status: statusCodes[result.status],
    alarm: evidence === null ? null : Number(evidence.alarm),
    incident: evidence === null ? null : Number(evidence.alarm || evidence.incident !== null),
    effect: effect?.value ?? null,
    effect_low: effect?.interval?.[0] ?? null,
    effect_high: effect?.interval?.[1] ?? null,
    p_value: result.pValue,
    evidence: evidence?.log10Feature ?? null,
    model_evidence: evidence?.log10Model ?? null,
    evidence_threshold: evidence === null ? null : Math.log10(evidence.threshold),
    smallest_detectable: result.smallestDetectable,
    window_values: sizes.window,
    baseline_values: sizes.baseline,
    window_rows: sizes.windowRows,
    mean: moments?.window.mean ?? null,
    baseline_mean: moments?.baseline.mean ?? null,
    sd: moments?.window.standardDeviation ?? null,
    baseline_sd: moments?.baseline.standardDeviation ?? null,
    min: moments?.window.min ?? null,
    max: moments?.window.max ?? null,
    missing_rate: rates['missing']?.rate ?? null,
    missing_baseline_rate: rates['missing']?.baselineRate ?? null,
    invalid_rate: rates['invalid']?.rate ?? null,
    invalid_baseline_rate: rates['invalid']?.baselineRate ?? null,
    psi: distances['psi'] ?? null,
    jensen_shannon: distances['jsDistance'] ?? null,
    hellinger: distances['hellinger'] ?? null,
    wasserstein: distances['wassersteinNormalised'] ?? null,
    total_variation: distances['totalVariation'] ?? null,
    kolmogorov_smirnov: distances['ks'] ?? null,
  })
}

interface Cell {
  readonly le: string
  readonly cell: number
  readonly expected: number | null
  readonly actual: number | null
}

/** Shares of window and baseline by cell. The last cell of numbers is everything above; that of categories, everything else. */
function cellsOf(summary: ResultSummary): Cell[] {
  const { baselineCounts, windowCounts } = summary
  const names =
    summary.kind === 'numeric'
      ? [...summary.bounds.map(String), '+Inf']
      : [...summary.categories, ...(summary.categories.includes(otherCategory) ? [] : [otherCategory])]
  const expected = sharesOf(baselineCounts)
  const actual = sharesOf(windowCounts)
  return names
    .slice(0, Math.min(maximumCells, baselineCounts.length))
    .map((le, cell) => ({ le, cell, expected: expected?.[cell] ?? null, actual: actual?.[cell] ?? null }))
}

function sharesOf(counts: readonly number[]): number[] | null {
  const total = counts.reduce((sum, count) => sum + count, 0)
  return total > 0 ? counts.map((count) => count / total) : null
}
