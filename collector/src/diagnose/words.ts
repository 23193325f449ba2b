/** Below it doubles lose digits; a bound just under 0 is such a number, and is 0 for people. */
const smallestNormal = 2 ** -1022

/** Three significant digits, or all digits of a whole number below a million; thousands are set apart by commas. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return grouped(value)
  return grouped(Number(value.toPrecision(3)))
}

/** All digits of a whole number: rows, values, monitors. */
export function formatCount(count: number): string {
  return grouped(count)
}

/**
 * Two numbers of which one became the other: with as many digits as it takes to tell them apart.
 *
 * @example formatChange(9.01e15, 9.0100000001e15) // '9,010,000,000,000,000 -> 9,010,000,000,100,000'
 */
export function formatChange(before: number, after: number, unit = ''): string {
  const suffix = unit === '' ? '' : ` ${unit}`
  let texts = [before, after].map(formatNumber)
  if (before !== after) {
    // 17 significant digits tell any two doubles apart.
    for (let digits = 4; texts[0] === texts[1] && digits <= 17; digits++)
      texts = [before, after].map((value) => grouped(Number(value.toPrecision(digits))))
  }
  return `${texts[0]}${suffix} -> ${texts[1]}${suffix}`
}

/** @example formatShare(0.0312) // '3.1 %' */
export function formatShare(share: number): string {
  const percent = 100 * share
  if (percent === 0) return '0 %'
  if (Math.abs(percent) < 0.1) return Math.abs(percent) < 0.001 ? '< 0.001 %' : `${Number(percent.toPrecision(1))} %`
  return `${Number(percent.toFixed(1))} %`
}

/** @example formatFactor(12) // 'x12.0' */
export function formatFactor(ratio: number): string {
  return ratio >= 100 || ratio < 0.095 ? `x${formatNumber(ratio)}` : `x${ratio.toFixed(ratio < 1 ? 2 : 1)}`
}

/** A category as a sentence names it. */
export function quoted(text: string): string {
  return JSON.stringify(text)
}

function grouped(value: number): string {
  if (Math.abs(value) < smallestNormal) return '0'
  const text = String(value)
  if (Math.abs(value) < 1000 || text.includes('e') || !Number.isFinite(value)) return text
  return value.toLocaleString('en-US', { maximumFractionDigits: 20 })
}
