import type { Dependence } from './dependent-data.ts'
import type { FeatureKind } from './features.ts'

/** How much is simulated. */
export interface Plan {
  readonly name: 'quick' | 'default' | 'full'
  readonly falseAlarms: readonly FalseAlarmCell[]
  readonly dependent: readonly DependentCell[]
  /** Repetitions of every change. */
  readonly repetitions: number
  /** Windows without a change, per size of window: they set the thresholds of the other rules. */
  readonly nullWindows: { readonly numbers: number; readonly others: number }
}

export interface FalseAlarmCell {
  readonly kind: FeatureKind
  readonly features: number
  readonly baselineRows: number
  readonly windowRows: number
  readonly models: number
}

export interface DependentCell {
  readonly dependence: Dependence
  readonly windowRows: number
  readonly chunks: number
  readonly models: number
}

const baselineSizes = [1000, 10_000, 100_000] as const
const allWindowSizes = [50, 100, 200, 500, 1000, 5000, 20_000] as const
const someWindowSizes = [50, 1000, 20_000] as const

/** Models per cell of a grid, by number of features; 0 leaves the cell out. */
interface Scale {
  readonly numbers: Readonly<Record<1 | 5 | 30 | 200, number>>
  readonly windowSizes: readonly number[]
  /** The widest model, at the corners of the grid only unless `everywhere`. */
  readonly wideEverywhere: boolean
  readonly poisson: number
  readonly categories: Readonly<Record<2 | 10 | 50 | 200, number>>
  readonly thirtyCategoricalFeatures: number
}

function falseAlarmCells(scale: Scale): FalseAlarmCell[] {
  const cells: FalseAlarmCell[] = []
  const add = (kind: FeatureKind, features: number, windowSizes: readonly number[], models: number): void => {
    if (models === 0) return
    for (const baselineRows of baselineSizes) {
      for (const windowRows of windowSizes) cells.push({ kind, features, baselineRows, windowRows, models })
    }
  }
  for (const features of [1, 5, 30, 200] as const) {
    const everywhere = features < 200 || scale.wideEverywhere
    add('continuous', features, everywhere ? scale.windowSizes : [50, 20_000], scale.numbers[features])
  }
  add('poisson', 1, someWindowSizes, scale.poisson)
  for (const categories of [2, 10, 50, 200] as const) {
    add(`categories-${categories}`, 1, someWindowSizes, scale.categories[categories])
  }
  add('categories-10', 30, someWindowSizes, scale.thirtyCategoricalFeatures)
  return cells
}

/** Chunks are hours: two days, a week, four weeks. */
function dependentCells(models: number): DependentCell[] {
  if (models === 0) return []
  const cell = (dependence: Dependence, windowRows: number, chunks: number): DependentCell => ({
    dependence,
    windowRows,
    chunks,
    models,
  })
  return [
    cell('independent', 100, 168),
    ...(['sine-0.2', 'sine-0.5', 'clusters-of-10'] as const).flatMap((dependence) => [
      cell(dependence, 100, 48),
      cell(dependence, 100, 168),
      cell(dependence, 1000, 168),
    ]),
    ...(['ar-0.1', 'ar-0.3'] as const).flatMap((dependence) => [
      cell(dependence, 100, 48),
      cell(dependence, 100, 168),
      cell(dependence, 100, 672),
      cell(dependence, 1000, 168),
    ]),
  ]
}

export const plans: Readonly<Record<Plan['name'], Plan>> = {
  quick: {
    name: 'quick',
    falseAlarms: falseAlarmCells({
      numbers: { 1: 10, 5: 4, 30: 1, 200: 0 },
      windowSizes: someWindowSizes,
      wideEverywhere: false,
      poisson: 4,
      categories: { 2: 4, 10: 4, 50: 2, 200: 0 },
      thirtyCategoricalFeatures: 0,
    }),
    dependent: dependentCells(1),
    repetitions: 20,
    nullWindows: { numbers: 43_200, others: 21_600 },
  },
  default: {
    name: 'default',
    falseAlarms: falseAlarmCells({
      numbers: { 1: 50, 5: 16, 30: 6, 200: 1 },
      windowSizes: allWindowSizes,
      wideEverywhere: false,
      poisson: 40,
      categories: { 2: 40, 10: 40, 50: 20, 200: 6 },
      thirtyCategoricalFeatures: 3,
    }),
    dependent: dependentCells(6),
    repetitions: 60,
    nullWindows: { numbers: 864_000, others: 216_000 },
  },
  full: {
    name: 'full',
    falseAlarms: falseAlarmCells({
      numbers: { 1: 600, 5: 120, 30: 20, 200: 3 },
      windowSizes: allWindowSizes,
      wideEverywhere: true,
      poisson: 240,
      categories: { 2: 240, 10: 240, 50: 120, 200: 60 },
      thirtyCategoricalFeatures: 8,
    }),
    dependent: dependentCells(16),
    repetitions: 200,
    nullWindows: { numbers: 4_320_000, others: 864_000 },
  },
}
