import type { Dependence } from './dependent-data.ts'
import type { FeatureKind } from './features.ts'
import type { StatisticName } from './rules.ts'

export function nameOfKind(kind: FeatureKind): string {
  if (kind === 'continuous') return 'numbers'
  return kind === 'poisson' ? 'whole numbers (Poisson, mean 3)' : `${kind.slice('categories-'.length)} categories`
}

export const namesOfDependence: Readonly<Record<Dependence, string>> = {
  independent: 'independent',
  'sine-0.2': 'daily sine of 0.2 sd',
  'sine-0.5': 'daily sine of 0.5 sd',
  'clusters-of-10': '10 identical rows per entity',
  'ar-0.1': 'wandering mean, AR(1) 0.9, sd 0.1',
  'ar-0.3': 'wandering mean, AR(1) 0.9, sd 0.3',
}

/** Of statistics that are compared with the best possible threshold, with the presets that look at them. */
export const namesOfStatistics: Readonly<Record<StatisticName, string>> = {
  ks: 'KS test',
  'ks-distance': 'KS distance (sagemaker, deepchecks)',
  'chi-square': 'χ² test',
  'cramers-v': "Cramér's V (deepchecks)",
  psi: 'PSI',
  wasserstein: 'Wasserstein (evidently, azure)',
  'jensen-shannon': 'JS distance (evidently, azure, vertex)',
  hellinger: 'Hellinger (whylogs)',
  'l-infinity': 'L∞ (sagemaker, vertex)',
  pull: 'JS over chunks (nannyml)',
  'divergence-pull': 'JS over chunks (popmon)',
  'whylogs-chi-square': "whylogs' χ²",
  'rate-test': 'z-test of two rates',
  rate: 'rate (azure)',
  'rate-above-baseline': 'rate less baseline (sagemaker)',
}
