/** Three significant digits, or all digits of a whole number below a million. */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value)
  return String(Number(value.toPrecision(3)))
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
