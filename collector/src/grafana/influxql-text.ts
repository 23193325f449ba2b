/** A text as InfluxQL reads it between single quotes. */
function quoteText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`
}

/** A name as InfluxQL reads it between double quotes. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

/**
 * Compares a tag with a text. One with `$` becomes a regular expression without: Grafana puts `$timeFilter` and the like into whatever stands
 * in a query, also between quotes.
 */
export function tagCondition(tag: string, operator: '=' | '!=', text: string): string {
  if (!text.includes('$')) return `${quoteName(tag)} ${operator} ${quoteText(text)}`
  const pattern = text.replaceAll(/[^\p{L}\p{N} ]/gu, (one) => `\\x{${one.codePointAt(0)!.toString(16)}}`)
  return `${quoteName(tag)} ${operator === '=' ? '=~' : '!~'} /\\A${pattern}\\z/`
}
