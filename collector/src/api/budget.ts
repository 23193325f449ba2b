import { budgetReport, type BudgetReport } from '../alert/budget-report.ts'
import { lastVerdict } from '../alert/verdict.ts'
import type { LoadedRules } from '../rules/loaded.ts'
import { queryLimits, type Store, type StoredEvaluation } from '../store/store.ts'

/** Alerts of one period whose verdicts are read; a thousand false alarms need no exact count. */
const maximumAlerts = 1000
/** Slices of one period that are counted: 30 days of half-minute slices. */
const maximumSteps = 100_000
/** Results of a slice that are looked at for its evidence, which all results with evidence share. */
const resultsLookedAt = 50

/** The budget of a model version, of which the rest may be cut off where one period holds more than is read. */
export interface BudgetAnswer extends BudgetReport {
  /** False when the period holds more alerts or slices than were counted. */
  readonly complete: boolean
}

/** Reads what a budget report is made of. */
export async function budgetOf(
  store: Store,
  rules: LoadedRules,
  { model, version }: { readonly model: string; readonly version: string },
  nowMs: number,
): Promise<BudgetAnswer> {
  const fromMs = nowMs - rules.budget.periodMs
  const stored = await store.alerts({ model, version, limit: queryLimits.maximum })
  const fired = stored.filter(
    ({ firedAtMs, explanation }) => firedAtMs !== null && firedAtMs > fromMs && explanation.evidence !== null,
  )
  const alerts = await Promise.all(
    fired.slice(0, maximumAlerts).map(async (record) => ({
      record,
      verdict: lastVerdict(await store.alertEvents(record.id))?.verdict ?? null,
    })),
  )

  let evidenceSteps = 0
  let watchedMs = 0
  let newest: StoredEvaluation | null = null
  let from = Math.max(fromMs, 0)
  let pageLength: number = queryLimits.maximum
  while (pageLength === queryLimits.maximum && evidenceSteps < maximumSteps) {
    const page = await store.evaluations({
      model,
      version,
      fromMs: from,
      toMs: nowMs + 1,
      limit: queryLimits.maximum,
    })
    pageLength = page.length
    for (const evaluation of page) {
      if (evaluation.detectorId === '') continue
      evidenceSteps++
      watchedMs += evaluation.endMs - evaluation.startMs
      newest = evaluation
    }
    if (pageLength > 0) from = page.at(-1)!.startMs + 1
  }
  const report = budgetReport({
    rules,
    nowMs,
    alerts,
    evidenceSteps,
    watchedMs,
    evidence: newest === null ? null : await evidenceAt(store, newest),
  })
  return { ...report, complete: fired.length <= maximumAlerts && pageLength < queryLimits.maximum }
}

async function evidenceAt(store: Store, { model, version, startMs, endMs }: StoredEvaluation) {
  const results = await store.results({
    model,
    version,
    fromMs: startMs,
    toMs: startMs + 1,
    limit: resultsLookedAt,
  })
  const evidence = results.find((result) => result.evidence !== null)?.evidence
  return evidence === undefined || evidence === null
    ? null
    : { log10: evidence.log10Model, threshold: evidence.threshold, atMs: endMs }
}
