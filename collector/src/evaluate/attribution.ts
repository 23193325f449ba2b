import type { AttributionBaseline } from '@driftline/instrumentation/contract'
import { approximateSums, type FilledCell } from '../observation/histogram-values.ts'
import { chunkResampler, type AttributionResampler } from '../stats/attribution-resampling.ts'
import { attributionShares } from '../stats/attribution-shares.ts'
import { normalisedDiscountedCumulativeGain } from '../stats/discounted-cumulative-gain.ts'
import { jensenShannonDistance } from '../stats/jensen-shannon-divergence.ts'
import { kendallTauB } from '../stats/kendall-tau-b.ts'
import { ndcgChanceQuantile } from '../stats/ndcg-chance-quantile.ts'
import { spearmanCorrelation } from '../stats/spearman-correlation.ts'
import { totalVariationDistance } from '../stats/total-variation-distance.ts'
import type { AttributionNumbers, AttributionRanking } from './result.ts'

/** Features that a ranking names; a rule asks for the first few. */
export const maximumRanked = 50

/** Windows that are imagined to know what chance does; the smallest p-value is one in so many. */
const chanceDraws = 2000

/**
 * Chunks that one imagined window is made of at most. Larger windows vary less by the root of how much larger they are; drawing all of
 * their chunks would take seconds.
 */
const largestDraw = 64

export interface FeatureAttribution {
  readonly feature: string
  readonly numbers: AttributionNumbers
  /** How often chance moves the share of this feature so far; null without enough baseline chunks. */
  readonly sharePValue: number | null
}

export interface AttributionComparison {
  /** In the order of the model's features. */
  readonly features: readonly FeatureAttribution[]
  readonly rows: number
  readonly ranking: AttributionRanking
  readonly distances: Readonly<Record<string, number | null>>
}

/** The method to look at: that of the baseline, else the one with the most rows. Null when the window has no attributions. */
export function attributionMethod(
  attributions: ReadonlyMap<string, ReadonlyMap<string, readonly FilledCell[]>>,
  baseline: AttributionBaseline | undefined,
): string | null {
  if (baseline !== undefined && attributions.has(baseline.method)) return baseline.method
  const byRows = [...attributions].map(([method, features]) => [method, rowsOf(features)] as const)
  const [first] = byRows.filter(([, rows]) => rows > 0).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  return first?.[0] ?? null
}

function rowsOf(features: ReadonlyMap<string, readonly FilledCell[]>): number {
  let rows = 0
  for (const cells of features.values())
    rows = Math.max(
      rows,
      cells.reduce((sum, { count }) => sum + count, 0),
    )
  return rows
}

/**
 * Attributions of a window, ranked, and against the baseline when that has them by the same method. A feature without an attribution
 * in a row has 0 there.
 *
 * @param names the model's features, in order
 * @param seed equal for equal windows, so that an evaluation can be repeated
 */
export function compareAttributions({
  names,
  method,
  window,
  baseline: given,
  seed,
}: {
  readonly names: readonly string[]
  readonly method: string
  readonly window: ReadonlyMap<string, readonly FilledCell[]>
  readonly baseline: AttributionBaseline | undefined
  readonly seed: string
}): AttributionComparison {
  const baseline = given?.method === method ? given : undefined
  const features = baseline?.features ?? names.filter((name) => window.has(name))
  const rows = rowsOf(window)
  const sums = features.map((feature) => approximateSums(window.get(feature) ?? []))
  const means = sums.map(({ absolute }) => (rows > 0 ? absolute / rows : 0))
  const shares = attributionShares(means)
  const ranks = ranksOf(means)
  const before = baseline?.meanAbsolute ?? null
  const baselineShares = before === null ? null : attributionShares(before)
  const baselineRanks = before === null ? null : ranksOf(before)
  const resampler = baseline === undefined ? null : resamplerOf(baseline, rows)
  const beyond = new Float64Array(features.length)
  /** Draws one window, and notes of each feature whether chance moved its share as far as it moved. */
  const counting: AttributionResampler = (random, target) => {
    resampler!(random, target)
    if (shares === null || baselineShares === null) return
    const total = target.reduce((sum, value) => sum + value, 0)
    for (let i = 0; i < target.length; i++) {
      const move = Math.abs((total > 0 ? target[i]! / total : 0) - baselineShares[i]!)
      if (move >= Math.abs(shares[i]! - baselineShares[i]!)) beyond[i]!++
    }
  }
  const ndcgByChance =
    before === null || resampler === null ? null : ndcgChanceQuantile(before, counting, { seed, draws: chanceDraws })
  const tested = ndcgByChance !== null && shares !== null && baselineShares !== null
  const named = (order: readonly number[]) =>
    order
      .map((rank, i) => [rank, features[i]!] as const)
      .sort(([a], [b]) => a - b)
      .slice(0, maximumRanked)
      .map(([, feature]) => feature)
  return {
    features: features.map((feature, i) => ({
      feature,
      numbers: {
        method,
        rows,
        meanAbsolute: means[i]!,
        mean: rows > 0 ? sums[i]!.sum / rows : 0,
        share: shares?.[i] ?? null,
        rank: ranks[i]!,
        baselineMeanAbsolute: before?.[i] ?? null,
        baselineShare: baselineShares?.[i] ?? null,
        baselineRank: baselineRanks?.[i] ?? null,
      },
      sharePValue: tested ? (beyond[i]! + 1) / (chanceDraws + 1) : null,
    })),
    rows,
    ranking: {
      method,
      window: named(ranks),
      baseline: baselineRanks === null ? null : named(baselineRanks),
      ndcg: before === null ? null : normalisedDiscountedCumulativeGain(before, means),
      ndcgByChance,
    },
    distances:
      before === null
        ? {}
        : {
            totalVariation: totalVariationDistance(before, means),
            jsDistance: jensenShannonDistance(before, means),
            spearman: spearmanCorrelation(before, means),
            kendall: kendallTauB(before, means),
          },
  }
}

/** Null when the baseline has too few chunks. */
function resamplerOf(
  { rows, features, meanAbsolute, chunks }: AttributionBaseline,
  windowRows: number,
): AttributionResampler | null {
  if (chunks === undefined || windowRows === 0) return null
  const used = chunks.filter((chunk) => chunk.rows > 0).length
  const drawnRows = Math.min(windowRows, (largestDraw * rows) / Math.max(used, 1))
  const resampler = chunkResampler({
    chunkSums: chunks.map(({ absoluteSums }) => absoluteSums),
    chunkRows: chunks.map((chunk) => chunk.rows),
    windowRows: drawnRows,
  })
  if (resampler === null || drawnRows === windowRows) return resampler
  const shrink = Math.sqrt(drawnRows / windowRows)
  return (random, target) => {
    resampler(random, target)
    for (let i = 0; i < features.length; i++)
      target[i] = Math.max(0, meanAbsolute[i]! + (target[i]! - meanAbsolute[i]!) * shrink)
  }
}

/** 1 for the largest; ties keep the order. */
function ranksOf(values: ArrayLike<number>): number[] {
  const order = Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[b]! - values[a]!)
  const ranks: number[] = Array.from({ length: values.length }, () => 0)
  order.forEach((feature, place) => (ranks[feature] = place + 1))
  return ranks
}

/**
 * Whether the first `top` features are others, or in another order, than in the baseline, by more than chance explains. Null when
 * that can not be said.
 */
export function topFeaturesChanged(ranking: AttributionRanking, top: number): boolean | null {
  const { window, baseline, ndcg, ndcgByChance } = ranking
  if (baseline === null || ndcg === null || ndcgByChance === null) return null
  if (ndcg >= ndcgByChance) return false
  return baseline.slice(0, top).some((feature, place) => window[place] !== feature)
}
