/** One thing that is wrong in a file, and where. */
export interface FormatProblem {
  /** Place in the document, such as `features[3].counts[2]`; `(document)` for the document itself. */
  readonly path: string
  readonly message: string
}

/**
 * A baseline, manifest or other file of ours that does not have its format. `problems` holds everything that was found
 * wrong, up to a limit; the message has one line per problem.
 */
export class FormatError extends Error {
  override readonly name = 'FormatError'
  readonly problems: readonly FormatProblem[]

  constructor(problems: readonly FormatProblem[]) {
    super(problems.map(({ path, message }) => `${path}: ${message}`).join('\n'))
    this.problems = problems
  }
}
