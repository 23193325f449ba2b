import { conditionOf, measured, metricLimit, presetVerdict, type Condition } from '../../../alert/condition.ts'
import type { Result } from '../../../evaluate/result.ts'
import type { LoadedRule, LoadedRules } from '../../../rules/loaded.ts'
import { wholeModel } from '../derived-schema.ts'
import { derivedPoint, type DerivedPoint } from './derived-point.ts'

export interface JudgedSlice {
  readonly model: string
  readonly version: string
  readonly startMs: number
  readonly endMs: number
  readonly results: readonly Result[]
}

/**
 * What a slice says about every rule, in every segment that the rule looks at: the same condition that the alerts of the collector
 * rest on, so that Grafana's alerts and these cannot differ but in when they look.
 */
export function rulePoints(
  { model, version, startMs, endMs, results }: JudgedSlice,
  rules: LoadedRules,
): DerivedPoint[] {
  const bySegment = new Map<string, Result[]>()
  for (const result of results) {
    const own = bySegment.get(result.segment)
    if (own === undefined) bySegment.set(result.segment, [result])
    else own.push(result)
  }
  const points: DerivedPoint[] = []
  for (const [segment, own] of bySegment) {
    for (const rule of rules.rules) {
      if (rule.segment !== null && rule.segment !== segment) continue
      const condition = conditionOf({ rule, results: own, atMs: endMs })
      const { value, threshold } = numbersOf(rule, condition, own)
      points.push(
        derivedPoint(
          'rule',
          startMs,
          { model, version, segment: segment === '' ? wholeModel : segment, rule: rule.name, severity: rule.severity },
          {
            holds: condition.known ? Number(condition.holds) : null,
            value,
            threshold,
            broken: condition.results.length,
          },
        ),
      )
    }
  }
  return points
}

/** What the rule compares, of the result that broke it most or comes nearest to it. */
function numbersOf(
  rule: LoadedRule,
  condition: Condition,
  results: readonly Result[],
): { value: number | null; threshold: number | null } {
  const features = rule.features
  const watched = results.filter(
    ({ signal, feature }) =>
      (rule.signal === 'any-drift' || signal === rule.signal) && (features === null || features.includes(feature)),
  )
  const largest = (of: (result: Result) => number | null | undefined) => extreme(watched, of, Math.max)
  switch (rule.kind) {
    case 'budget': {
      const evidence = watched.find((result) => result.evidence !== null)?.evidence
      return {
        value: evidence?.log10Model ?? null,
        threshold: evidence === undefined || evidence === null ? null : Math.log10(evidence.threshold),
      }
    }
    case 'threshold': {
      const value = (result: Result) => condition.adjustedPValues?.get(result) ?? measured(rule, result)
      return {
        value: rule.measure === 'p-value' ? extreme(watched, value, Math.min) : largest(value),
        threshold: rule.threshold,
      }
    }
    case 'preset': {
      const [worst] = condition.results
      const verdict = worst === undefined ? null : presetVerdict(rule, worst)
      return {
        value: verdict?.value ?? largest((result) => presetVerdict(rule, result)?.value),
        threshold: verdict?.threshold ?? null,
      }
    }
    case 'performance': {
      const result = watched.find(({ feature }) => feature === rule.metric)
      return {
        value: result?.metric?.value ?? null,
        threshold: result === undefined ? null : metricLimit(rule, result),
      }
    }
    case 'attribution': {
      const ranking = watched.find((result) => result.ranking !== undefined)?.ranking
      return { value: ranking?.ndcg ?? null, threshold: ranking?.ndcgByChance ?? null }
    }
  }
}

function extreme(
  results: readonly Result[],
  of: (result: Result) => number | null | undefined,
  choose: (a: number, b: number) => number,
): number | null {
  let found: number | null = null
  for (const result of results) {
    const value = of(result)
    if (value !== null && value !== undefined && !Number.isNaN(value))
      found = found === null ? value : choose(found, value)
  }
  return found
}
