import { readFileSync } from 'node:fs'
import { FormatError, parseBaseline, parseManifest, type Baseline, type Manifest } from './contract/index.ts'

/** Lines that say what is wrong and where. */
export type Problems = string[]

/** The baseline given as such or by its file; null when it is wrong, with the reasons in `problems`. */
export function readBaseline(given: Baseline | string | URL, problems: Problems): Baseline | null {
  return read('baseline', given, parseBaseline, problems)
}

export function readManifest(given: Manifest | string | URL, problems: Problems): Manifest | null {
  return read('manifest', given, parseManifest, problems)
}

function read<Parsed>(
  option: string,
  given: unknown,
  parse: (value: unknown) => Parsed,
  problems: Problems,
): Parsed | null {
  const isFile = typeof given === 'string' || given instanceof URL
  const place = isFile ? `${option} ${String(given)}` : option
  try {
    return parse(isFile ? JSON.parse(readFileSync(given, 'utf8')) : given)
  } catch (error) {
    if (error instanceof FormatError)
      for (const problem of error.problems) problems.push(`${place}: ${problem.path}: ${problem.message}`)
    else problems.push(`${place}: ${error instanceof Error ? error.message : String(error)}`)
    return null
  }
}
