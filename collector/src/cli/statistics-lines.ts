import type { Result, TestResult } from '../evaluate/result.ts'

/** Distances and tests of a result under one name each; a test that has the name of a distance is the same statistic and more. */
export function statisticsOf({ distances, tests }: Pick<Result, 'distances' | 'tests'>): Record<string, TestResult> {
  const statistics = Object.fromEntries(Object.entries(distances).map(([name, statistic]) => [name, { statistic }]))
  return { ...statistics, ...tests }
}

/** Every number of a result, one a line under a heading. */
export function statisticsLines(result: Result): string[] {
  const { signal, feature, segment, sizes, status, reason, rates } = result
  const where = segment === '' ? feature : `${segment}/${feature}`
  const counted = signal === 'data-health' ? `${sizes.windowRows} rows` : `${sizes.window} values`
  const lines = [`${where}: ${signal}, ${status}${reason === null ? '' : ` (${reason})`}, ${counted}`]
  for (const [name, test] of Object.entries(statisticsOf(result)))
    lines.push(`  ${name.padEnd(24)} ${testInWords(test)}`)
  for (const [name, rate] of Object.entries(rates))
    lines.push(
      `  ${name.padEnd(24)} ${number(rate.rate)}  ${rate.count} of ${rate.rows}, baseline ${number(rate.baselineRate)}`,
    )
  return lines
}

function testInWords({ statistic, pValue, degreesOfFreedom, interval, note }: TestResult): string {
  return [
    number(statistic),
    ...(pValue === undefined || pValue === null ? [] : [`p ${number(pValue)}`]),
    ...(degreesOfFreedom === undefined ? [] : [`df ${number(degreesOfFreedom)}`]),
    ...(interval === undefined || interval === null
      ? []
      : [`interval ${number(interval[0])} to ${number(interval[1])}`]),
    ...(note === undefined ? [] : [`(${note})`]),
  ].join('  ')
}

/** Enough digits to compare with another tool. */
function number(value: number | null): string {
  return value === null ? '-' : String(Number(value.toPrecision(6)))
}
