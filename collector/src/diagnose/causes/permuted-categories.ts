import { chanceVariation, totalVariation } from '../histogram.ts'
import { sharesOf, type Candidate, type Shares, type Suspect } from '../suspect.ts'
import { formatCount, formatShare, quoted } from '../words.ts'

const weight = 0.8
/** A move of less than so many times what chance makes could be matched by many a permutation. */
const minimumMove = 5
/** What a permutation leaves unexplained may be so many times what chance makes, ... */
const chanceLeft = 2.5
/** ... and so much of the whole move: all that happens to be near it is a mix. */
const maximumLeft = 0.15
/** With two categories, trading places and another mix are the same numbers. */
const minimumCategories = 3
/** Categories that the sentence names. */
const maximumNamed = 3

/**
 * The shares are those of the baseline, but at other categories: codes were exchanged for one another.
 *
 * Of the categories whose share moved, the largest share now is matched with the largest of the baseline, and so on: of all
 * permutations the one that leaves the least total variation. A mix that changed otherwise does not hit the baseline's shares.
 */
export function permutedCategories(suspect: Suspect): Candidate | null {
  const { summary, feature } = suspect
  const shares = sharesOf(suspect)
  if (summary?.kind !== 'categorical' || shares === null) return null
  const { baseline, window, n, baselineSize } = shares
  const { categories } = summary
  const isListed = (cell: number) => categories[cell] !== '_OTHER'
  if (baseline.filter((share, cell) => share > 0 && isListed(cell)).length < minimumCategories) return null
  const whole = totalVariation(baseline, window)
  if (whole < minimumMove * chanceVariation(baseline, n, baselineSize)) return null

  const sources = sourcesOf(shares, isListed)
  const predicted = baseline.map((share, cell) => baseline[sources.get(cell) ?? cell] ?? share)
  const left = totalVariation(predicted, window)
  if (left > chanceLeft * chanceVariation(predicted, n, baselineSize) || left > maximumLeft * whole) return null
  const named = [...sources]
    .sort(([a], [b]) => Math.abs(window[b]! - baseline[b]!) - Math.abs(window[a]! - baseline[a]!))
    .slice(0, maximumNamed)
    .map(([cell, source]) => {
      const change = `${formatShare(baseline[cell]!)} -> ${formatShare(window[cell]!)}`
      return `${quoted(categories[cell]!)} ${change}, as ${quoted(categories[source]!)} had (${formatShare(baseline[source]!)})`
    })
  return {
    cause: 'permuted-categories',
    score: weight * (1 - left / whole),
    features: [feature],
    evidence: `${feature}: ${formatCount(sources.size)} categories have the shares that others had in the baseline: ${named.join('; ')}; exchanged like this, ${formatShare(whole - left)} of the ${formatShare(whole)} of values that changed category are explained`,
    lookAt: `How ${feature} is coded: the mapping of codes or the encoder, in every step before the model, for categories in another order or a list that was rebuilt.`,
    group: '',
  }
}

/** By category whose share moved beyond chance: the other one whose place it took. */
function sourcesOf({ baseline, window, n, baselineSize }: Shares, isListed: (cell: number) => boolean) {
  const moved = [...baseline.keys()].filter((cell) => {
    const before = baseline[cell]!
    const after = window[cell]!
    const error = Math.sqrt((before * (1 - before)) / baselineSize + (after * (1 - after)) / n)
    return isListed(cell) && Math.abs(after - before) > 3 * error
  })
  const before = moved.toSorted((a, b) => baseline[b]! - baseline[a]!)
  const after = moved.toSorted((a, b) => window[b]! - window[a]!)
  return new Map(after.map((cell, rank) => [cell, before[rank]!] as const).filter(([cell, source]) => cell !== source))
}
