import {
  digestJson,
  maxFeatures,
  otherCategory,
  type Baseline,
  type Decision,
  type FeatureBaseline,
  type Json,
  type Manifest,
  type MultivariateBaseline,
  type NumericSummary,
  type PredictionBaseline,
} from './contract/index.ts'
import type { DeclaredFeature } from './options.ts'
import type {
  CategoricalFeaturePlan,
  DetectorPlan,
  FeaturePlan,
  ModelPlan,
  NumericFeaturePlan,
  OutputPlan,
  PredictionPlan,
} from './plan.ts'
import type { Problems } from './read-file.ts'

/** Bounds for probabilities of which no baseline is known: log-linear cells are too coarse near 1, where confidence lies. */
export const probabilityBounds: readonly number[] = Array.from({ length: 99 }, (_, i) => (i + 1) / 100)

export interface PlanSources {
  readonly baseline: Baseline | null
  readonly manifest: Manifest | null
  readonly model: { readonly name: string; readonly version: string } | undefined
  readonly features: readonly DeclaredFeature[] | undefined
}

/** Joins what the sources say; null, with the reasons in `problems`, when they say too little or contradict each other. */
export function planModel(sources: PlanSources, problems: Problems): ModelPlan | null {
  const before = problems.length
  const identity = identify(sources, problems)
  const declared = declaredFeatures(sources, problems)
  if (problems.length > before || identity === null || declared === null) return null
  return joinSources(sources, identity, declared, problems)
}

function joinSources(
  { baseline, manifest }: PlanSources,
  identity: { readonly name: string; readonly version: string },
  declared: readonly DeclaredFeature[],
  problems: Problems,
): ModelPlan {
  const baselineDigest = baseline === null ? null : digestJson(baseline as unknown as Json)
  if (manifest?.baselineDigest !== undefined && baselineDigest !== null && manifest.baselineDigest !== baselineDigest) {
    problems.push(
      `manifest: baselineDigest is ${manifest.baselineDigest}, but the baseline has ${baselineDigest}: it is not the one that the manifest was made with`,
    )
  }
  const decision = baseline?.predictions.decision ?? manifestDecision(manifest)
  const binary =
    decision !== null ||
    manifest?.model.task === 'binary-classification' ||
    baseline?.predictions.classes?.categories.length === 2
  const byName = new Map(baseline?.features.map((feature) => [feature.name, feature]))
  return {
    ...identity,
    manifestDigest: manifest === null ? null : digestJson(manifest as unknown as Json),
    baselineDigest,
    features: declared.map((feature) => planFeature(feature, byName.get(feature.name))),
    predictions: planPredictions(baseline?.predictions, binary, manifest?.output?.classes ?? null),
    outcomeClasses:
      (baseline?.labels ?? baseline?.predictions.classes)?.categories ?? manifest?.output?.classes ?? null,
    detector: planDetector(baseline?.multivariate, declared),
    segments: baseline?.segments === undefined ? null : new Set(Object.keys(baseline.segments.values)),
    decision,
    binary,
  }
}

function identify(
  { baseline, manifest, model }: PlanSources,
  problems: Problems,
): { name: string; version: string } | null {
  for (const key of ['name', 'version'] as const) {
    if (model !== undefined && (typeof model?.[key] !== 'string' || model[key] === ''))
      problems.push(`model.${key}: a text that is not empty is needed`)
  }
  const named = [
    ['model', model],
    ['manifest', manifest?.model],
    ['baseline', baseline?.model],
  ] as const
  const given = named.filter(([, identity]) => identity !== undefined)
  const first = given[0]
  if (first === undefined) {
    problems.push("model: name and version are needed, here or in 'manifest' or 'baseline'")
    return null
  }
  for (const [source, identity] of given.slice(1)) {
    for (const key of ['name', 'version'] as const) {
      if (identity![key] !== first[1]![key])
        problems.push(`${source}: model.${key} is '${identity![key]}', but in '${first[0]}' it is '${first[1]![key]}'`)
    }
  }
  return { name: first[1]!.name, version: first[1]!.version }
}

/**
 * The plan of a model that began without a baseline, and has been served one. Features keep the names and the order with which rows
 * are recorded; those that the baseline does not know go on in cells of their own.
 *
 * @returns null, with the reasons in `problems`, for a baseline of another model or of other features
 */
export function adoptBaseline(
  sources: Pick<PlanSources, 'manifest' | 'model' | 'features'>,
  baseline: Baseline,
  problems: Problems,
): ModelPlan | null {
  const started = planModel({ ...sources, baseline: null }, problems)
  if (started === null) return null
  const kinds = new Map(started.features.map(({ name, kind }) => [name, kind === 'numeric']))
  for (const { name, kind } of baseline.features) {
    const own = kinds.get(name)
    if (own === undefined) problems.push(`the baseline has the feature '${name}', which is not recorded`)
    else if (own !== (kind === 'numeric'))
      problems.push(`the baseline has '${name}' as ${kind}, and it is recorded as ${own ? 'a number' : 'a category'}`)
  }
  const { name, version } = baseline.model
  if (name !== started.name || version !== started.version)
    problems.push(`the baseline is of ${name} ${version}, not of ${started.name} ${started.version}`)
  if (problems.length > 0) return null
  const features = sources.manifest?.features ?? sources.features ?? []
  return joinSources({ ...sources, baseline }, { name, version }, features, problems)
}

/** Names, kinds and ranges in order. Baseline and manifest must agree, since arrays and tensors are read in that order. */
function declaredFeatures(
  { baseline, manifest, features }: PlanSources,
  problems: Problems,
): readonly DeclaredFeature[] | null {
  if (features !== undefined) {
    if (baseline !== null || manifest !== null)
      problems.push("features: already given by 'baseline' or 'manifest'; leave them out")
    checkDeclared(features, problems)
    return features
  }
  if (baseline !== null && manifest !== null) {
    const inBaseline = baseline.features.map(({ name, kind }) => `${name} (${kind})`)
    const inManifest = manifest.features.map(({ name, kind }) => `${name} (${kind})`)
    for (let i = 0; i < Math.max(inBaseline.length, inManifest.length); i++) {
      if (inBaseline[i] === inManifest[i]) continue
      problems.push(
        `manifest: features[${i}] is ${inManifest[i] ?? 'absent'}, but in 'baseline' it is ${inBaseline[i] ?? 'absent'}`,
      )
    }
  }
  if (manifest !== null) return manifest.features
  if (baseline !== null) return baseline.features.map(({ name, kind }) => ({ name, kind }))
  problems.push("features: give 'baseline', 'manifest' or 'features'")
  return null
}

function checkDeclared(features: readonly DeclaredFeature[], problems: Problems): void {
  if (!Array.isArray(features)) {
    problems.push('features: an array is needed')
    return
  }
  if (features.length > maxFeatures)
    problems.push(`features: at most ${maxFeatures} are possible, not ${features.length}`)
  const names = new Set<string>()
  features.forEach((feature: Partial<DeclaredFeature> | null, i) => {
    const { name, kind, range, categories } = feature ?? {}
    if (typeof name !== 'string' || name === '')
      problems.push(`features[${i}].name: a text that is not empty is needed`)
    else if (names.has(name)) problems.push(`features[${i}].name: '${name}' was declared before`)
    else names.add(name)
    if (kind !== 'numeric' && kind !== 'categorical' && kind !== 'boolean')
      problems.push(`features[${i}].kind: numeric, categorical or boolean is needed`)
    for (const end of [range?.min, range?.max]) {
      if (end !== undefined && !Number.isFinite(end)) problems.push(`features[${i}].range: finite numbers are needed`)
    }
    if (
      categories !== undefined &&
      (!Array.isArray(categories) || categories.some((category) => typeof category !== 'string'))
    ) {
      problems.push(`features[${i}].categories: an array of texts is needed`)
    }
  })
}

function planFeature(declared: DeclaredFeature, baseline: FeatureBaseline | undefined): FeaturePlan {
  const { name, kind } = declared
  if (kind !== 'numeric') {
    const categories = baseline === undefined || baseline.kind === 'numeric' ? declared.categories : baseline.categories
    return {
      kind,
      name,
      categories: categories?.filter((category) => category !== otherCategory) ?? null,
    } satisfies CategoricalFeaturePlan
  }
  const summary = baseline?.kind === 'numeric' ? baseline : undefined
  const range = summary?.range ?? declared.range
  return {
    kind,
    name,
    bounds: summary?.bounds ?? null,
    origin: summary?.mean ?? null,
    low: range?.min ?? -Infinity,
    high: range?.max ?? Infinity,
    mayBeNegative: summary === undefined || summary.min < 0,
  } satisfies NumericFeaturePlan
}

function planPredictions(
  baseline: PredictionBaseline | undefined,
  binary: boolean,
  classes: readonly string[] | null,
): PredictionPlan {
  return {
    classes: baseline?.classes?.categories ?? classes,
    score: planOutput(baseline?.score, binary ? probabilityBounds : null),
    confidence: planOutput(baseline?.confidence, probabilityBounds),
    value: planOutput(baseline?.value, null),
  }
}

function planDetector(
  multivariate: MultivariateBaseline | undefined,
  declared: readonly DeclaredFeature[],
): DetectorPlan | null {
  if (multivariate === undefined) return null
  const { name, features, means, standardDeviations, components, error } = multivariate
  return {
    name,
    basis: { means, standardDeviations, components },
    places: declared.map((feature) => features.indexOf(feature.name)),
    error: planOutput(error, null),
  }
}

/** Without a baseline, probabilities are summed about 0: they lose no digits there, and all instances agree on it. */
function planOutput(summary: NumericSummary | undefined, otherwise: readonly number[] | null): OutputPlan {
  const bounds = summary?.bounds ?? otherwise
  return {
    bounds,
    origin: summary?.mean ?? (bounds === null ? null : 0),
    low: -Infinity,
    high: Infinity,
    mayBeNegative: summary === undefined ? bounds === null : summary.min < 0,
  }
}

function manifestDecision(manifest: Manifest | null): Decision | null {
  const { classes, positiveClass, decisionThreshold: threshold, decisionRule } = manifest?.output ?? {}
  if (threshold === undefined || positiveClass === undefined || classes?.length !== 2) return null
  const negativeClass = classes.find((name) => name !== positiveClass)
  return negativeClass === undefined ? null : { threshold, rule: decisionRule ?? '>', positiveClass, negativeClass }
}
