import { defaultRules } from './default-rules.ts'
import { loadRules } from './load.ts'
import type { LoadedRules } from './loaded.ts'
import { RuleFileError } from './problem.ts'

/** The rules of every model. */
export interface RuleSet {
  /** The file that names the model (and, before that, its version), else the file for '*', else the defaults. */
  rulesFor(model: string, version: string): LoadedRules
  readonly files: readonly LoadedRules[]
}

/**
 * Loads all rule files.
 *
 * @throws RuleFileError for the first file with problems, listing all of that file; also when two files claim the same model and version.
 */
export async function loadRuleSet(paths: readonly string[]): Promise<RuleSet> {
  const files: LoadedRules[] = []
  for (const path of paths) {
    const file = await loadRules(path)
    const rival = files.find((other) => other.model === file.model && other.version === file.version)
    if (rival !== undefined) {
      throw new RuleFileError(path, [
        {
          path: 'model',
          message: `${rival.source} already has the rules of '${file.model}' ${file.version ?? 'in every version'}`,
        },
      ])
    }
    files.push(file)
  }
  const fallback = files.find((file) => file.model === '*') ?? defaultRules
  return {
    files,
    rulesFor: (model, version) =>
      files.find((file) => file.model === model && file.version === version) ??
      files.find((file) => file.model === model && file.version === null) ??
      fallback,
  }
}
