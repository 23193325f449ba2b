/** One mistake in a rule file, with its place. */
export interface RuleProblem {
  /** `rules[2].threshold`; empty for the file as a whole. */
  readonly path: string
  readonly message: string
  /** Where in the text, from 1, when the place is known: in JSON and YAML, and of syntax errors in TypeScript the line. */
  readonly line?: number
  readonly column?: number
}

/** Every problem of one rule file at once; `message` lists them all, one a line. */
export class RuleFileError extends Error {
  override name = 'RuleFileError'
  readonly source: string
  readonly problems: readonly RuleProblem[]

  constructor(source: string, problems: readonly RuleProblem[], options?: ErrorOptions) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super(`${source}: ${count}\n${problems.map((problem) => `  ${problemLine(problem)}`).join('\n')}`, options)
    this.source = source
    this.problems = problems
  }
}

/** `line 4, column 9: rules[2].threshold: expected a number, got "0,25"` */
export function problemLine(problem: RuleProblem): string {
  const column = problem.column === undefined ? '' : `, column ${problem.column}`
  const place = problem.line === undefined ? '' : `line ${problem.line}${column}: `
  return `${place}${problem.path === '' ? '' : `${problem.path}: `}${problem.message}`
}

export type Path = readonly (string | number)[]

/** @example formatPath(['rules', 2, 'threshold']) // 'rules[2].threshold' */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[A-Za-z_$][\w$]*$/.test(step)) text += text === '' ? step : `.${step}`
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}
