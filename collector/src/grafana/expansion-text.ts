/**
 * A text as it stands in a provisioning file where Grafana puts environment variables in: titles, names of groups, folders and receivers,
 * labels, settings. Not in queries, which it takes as they are, and not in annotations.
 *
 * @see Grafana `pkg/services/provisioning/values/values.go`.
 */
export function expandable(text: string): string {
  return text.replaceAll('$', '$$$$')
}

/**
 * A text as part of an annotation, which is a template of Go in which `${...}` is expanded before. What would begin either is written as
 * a template that gives the character: also at the end, where a brace of the next template may follow.
 */
export function inTemplate(text: string): string {
  return text.replaceAll(/[${]/g, (character) => (character === '$' ? '{{ "\\u0024" }}' : '{{ "\\u007b" }}'))
}
