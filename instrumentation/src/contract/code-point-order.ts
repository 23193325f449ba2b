/**
 * Compares two texts by code point, the order in which categories are listed. The default sort of JavaScript compares
 * UTF-16 code units and so puts U+1F600 before U+FF5E; this one does not.
 *
 * @example ['\u{1F600}', '\uFF5E'].sort(compareCodePoints) // ['\uFF5E', '\u{1F600}']
 */
export function compareCodePoints(a: string, b: string): number {
  const end = Math.min(a.length, b.length)
  for (let i = 0; i < end; i++) {
    const left = a.charCodeAt(i)
    const right = b.charCodeAt(i)
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above all others, so they are moved behind U+E000 to U+FFFF. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
