import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Manifest } from '@driftline/instrumentation/contract'

/** The files of an example that a demo needs. */
export interface Example {
  readonly server: string
  readonly manifestFile: string
  readonly baselineFile: string
  readonly rulesFile: string
  readonly heldOutFile: string
  readonly laterYearsFile: string
  readonly manifest: Manifest
  /** What the data calls the answer of the world, and outcomes too. */
  readonly label: string
}

/**
 * The employment example, which lies beside the simulator in the repository.
 *
 * @throws Error naming the first file that is not there.
 */
export function employmentExample(): Example {
  const file = (name: string): string => {
    const path = fileURLToPath(new URL(`../../../examples/employment/${name}`, import.meta.url))
    if (!existsSync(path))
      throw new Error(`the demo needs the employment example of Driftline's repository; ${path} does not exist`)
    return path
  }
  const manifestFile = file('manifest.json')
  return {
    server: file('server.ts'),
    manifestFile,
    baselineFile: file('baseline.json'),
    rulesFile: file('demo.rules.ts'),
    heldOutFile: file('data/held-out.csv.gz'),
    laterYearsFile: file('data/later-years.csv.gz'),
    manifest: JSON.parse(readFileSync(manifestFile, 'utf8')) as Manifest,
    label: 'employed',
  }
}
