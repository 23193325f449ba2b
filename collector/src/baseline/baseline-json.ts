/**
 * JSON as baseline.json is written: indented so that a change shows in a version control system, but with a list of numbers or texts
 * on one line.
 */
export function baselineJson(value: unknown): string {
  return `${format(value, '')}\n`
}

function format(value: unknown, indent: string): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const inner = `${indent}  `
  if (Array.isArray(value)) {
    if (value.every((one) => typeof one !== 'object' || one === null)) return JSON.stringify(value)
    return `[\n${value.map((one) => inner + format(one, inner)).join(',\n')}\n${indent}]`
  }
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  if (members.length === 0) return '{}'
  const lines = members.map(([key, member]) => `${inner}${JSON.stringify(key)}: ${format(member, inner)}`)
  return `{\n${lines.join(',\n')}\n${indent}}`
}
