import { field, item, shown, type Fields, type Problems } from './parse-fields.ts'
import { maxMultivariateFeatures } from './parse-limits.ts'

export const reconstructionFields: readonly string[] = ['error', 'imputed']
export const multivariateFields: readonly string[] = [
  'kind',
  'name',
  'features',
  'means',
  'standardDeviations',
  'components',
  'explainedVariance',
  ...reconstructionFields,
]

/** Components that JSON has carried are orthonormal to 1e-13; by a larger deviation than this errors would be other lengths. */
const orthonormalTolerance = 1e-6

/** Checks everything of a multivariate detector but its errors: features, what standardises them, and components. */
export function checkBasis(problems: Problems, fields: Fields, path: string, declared: readonly unknown[] = []): void {
  problems.oneOf(fields.kind, field(path, 'kind'), ['pca'])
  problems.oneOf(fields.name, field(path, 'name'), ['pca'])
  const share = problems.finite(fields.explainedVariance, field(path, 'explainedVariance'))
  // Shares are rounded quotients of sums.
  if (share !== undefined && !(share >= 0 && share <= 1 + orthonormalTolerance))
    problems.expected('a share between 0 and 1', share, field(path, 'explainedVariance'))
  const width = checkNames(problems, fields.features, field(path, 'features'), declared)
  checkNumbers(problems, fields.means, field(path, 'means'), width)
  const deviations = checkNumbers(problems, fields.standardDeviations, field(path, 'standardDeviations'), width)
  deviations?.forEach((deviation, i) => {
    if (deviation <= 0) problems.expected('a number > 0', deviation, item(field(path, 'standardDeviations'), i))
  })
  checkComponents(problems, fields.components, field(path, 'components'), width)
}

/** Returns how many there are. */
function checkNames(
  problems: Problems,
  value: unknown,
  path: string,
  declared: readonly unknown[],
): number | undefined {
  const names = problems.distinctTexts(value, path, 'features', maxMultivariateFeatures)
  if (names === undefined) return undefined
  if (names.length < 2) problems.add(path, `expected at least 2 features, got ${names.length}`)
  const places = new Map(
    declared.map((one, i) => [(one as Fields | null)?.name, { i, kind: (one as Fields | null)?.kind }]),
  )
  let previous = -1
  names.forEach((name, i) => {
    const place = places.get(name)
    if (place === undefined) problems.add(item(path, i), `${shown(name)} is none of the features`)
    else if (place.kind !== 'numeric') problems.add(item(path, i), `${shown(name)} is not a numeric feature`)
    else if (place.i < previous) problems.add(item(path, i), `${shown(name)} is not in the order of features`)
    else previous = place.i
  })
  return names.length
}

function checkComponents(problems: Problems, value: unknown, path: string, width: number | undefined): void {
  const rows = problems.array(value, path, 'components', maxMultivariateFeatures)
  if (rows === undefined) return
  if (rows.length === 0) problems.add(path, 'expected at least one component')
  if (width !== undefined && width >= 2 && rows.length >= width)
    problems.add(
      path,
      `expected fewer components than the ${width} features, got ${rows.length}: none is left to err in`,
    )
  const components = rows.map((row, i) => checkNumbers(problems, row, item(path, i), width))
  components.forEach((one, i) => {
    for (let j = 0; j <= i; j++) {
      const other = components[j]
      if (one === undefined || other === undefined) continue
      const product = one.reduce((sum, weight, at) => sum + weight * other[at]!, 0)
      if (Math.abs(product - (i === j ? 1 : 0)) <= orthonormalTolerance) continue
      problems.add(
        item(path, i),
        i === j
          ? `has length ${Math.sqrt(product)} instead of 1`
          : `is not at a right angle to ${item(path, j)}: their product is ${product}`,
      )
    }
  })
}

/** Finite numbers, as many as there are features; undefined when any of them is wrong. */
function checkNumbers(
  problems: Problems,
  value: unknown,
  path: string,
  length: number | undefined,
): readonly number[] | undefined {
  const list = problems.array(value, path, 'numbers', maxMultivariateFeatures)
  if (list === undefined) return undefined
  const right = list.map((one, i) => problems.finite(one, item(path, i)) !== undefined).every(Boolean)
  if (length !== undefined && list.length !== length) {
    problems.add(path, `expected ${length} numbers, one per feature, got ${list.length}`)
    return undefined
  }
  return right ? (list as readonly number[]) : undefined
}
