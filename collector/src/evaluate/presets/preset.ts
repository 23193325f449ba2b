import type { CategoricalSummary, NumericSummary } from '@driftline/instrumentation/contract'
import type { PresetCheck, PresetVerdict, Signal } from '../result.ts'
import type { CategoricalDistribution, NumericDistribution } from '../window-counts.ts'

/** A rule of another tool, computed from what a window of ours has. It controls no error rate. */
export interface Preset {
  /** What the rule is, for explanations: `Evidently's default rule`. */
  readonly title: string
  /** Of the data set as a whole: it has drifted when at least this share of its columns has. Only where the peer says so. */
  readonly datasetShare?: number
  judge(input: PresetInput): PresetVerdict
}

export type PresetInput = NumericInput | CategoricalInput

interface CommonInput {
  readonly signal: Signal
  /** Rows without a usable value; null for outputs, which have none. */
  readonly missing: { readonly baseline: MissingRows; readonly window: MissingRows } | null
}

export interface MissingRows {
  readonly missing: number
  readonly rows: number
}

export interface NumericInput extends CommonInput {
  readonly kind: 'numeric'
  readonly baseline: NumericSummary
  readonly window: NumericDistribution
}

export interface CategoricalInput extends CommonInput {
  readonly kind: 'categorical'
  readonly baseline: CategoricalSummary
  readonly window: CategoricalDistribution
}

/** How a value is held against the threshold; the peers differ in whether equality counts. */
export type Relation = '>=' | '>' | '<=' | '<'

export interface Measured {
  readonly statistic: string
  readonly value: number | null
  readonly relation: Relation
  readonly threshold: number
  /** Lowest and highest value that the raw rows could have given. */
  readonly bound?: readonly [number, number] | null
  readonly nullExpectation?: number | null
  readonly level?: string | undefined
  readonly also?: readonly PresetCheck[]
  readonly note?: string | undefined
}

/** The verdict on a value. A value that is not a finite number gives no verdict, never "no drift". */
export function verdictOn(input: PresetInput, measured: Measured): PresetVerdict {
  const { statistic, relation, threshold, level, also } = measured
  const value = finite(measured.value)
  const bound = measured.bound ?? null
  const usable = bound !== null && bound.every(Number.isFinite) ? bound : null
  const note =
    value === null
      ? 'undefined'
      : (measured.note ?? (isOpen(usable, measured) ? 'bound-includes-threshold' : undefined))
  return {
    drift: value === null ? null : holds(value, relation, threshold),
    statistic,
    value,
    relation,
    threshold: finite(threshold),
    n: input.window.values,
    nullExpectation: finite(measured.nullExpectation ?? null),
    ...(usable === null ? {} : { bound: usable }),
    ...(level === undefined || value === null ? {} : { level }),
    ...(also === undefined || also.length === 0 ? {} : { also }),
    ...(note === undefined ? {} : { note }),
  }
}

/** No verdict, and why. */
export function noVerdict(statistic: string, n: number, note: string): PresetVerdict {
  return { drift: null, statistic, value: null, relation: null, threshold: null, n, nullExpectation: null, note }
}

/** The same tool's rule on another number of the window; it does not enter `drift`. */
export function checkOf(statistic: string, value: number | null, relation: Relation, threshold: number): PresetCheck {
  const known = finite(value)
  return {
    statistic,
    value: known,
    relation,
    threshold,
    drift: known === null ? null : holds(known, relation, threshold),
  }
}

function holds(value: number, relation: Relation, threshold: number): boolean {
  if (relation === '>=') return value >= threshold
  if (relation === '>') return value > threshold
  return relation === '<=' ? value <= threshold : value < threshold
}

function isOpen(bound: readonly [number, number] | null, { relation, threshold }: Measured): boolean {
  return bound !== null && holds(bound[0], relation, threshold) !== holds(bound[1], relation, threshold)
}

function finite(value: number | null): number | null {
  return value !== null && Number.isFinite(value) ? value : null
}
