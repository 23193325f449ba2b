import { readFile } from 'node:fs/promises'
import {
  FormatError,
  parseBaseline,
  parseManifest,
  type Baseline,
  type Manifest,
} from '@driftline/instrumentation/contract'
import { DataFileError } from '../rows/data-file-error.ts'
import { inspectFile } from '../rows/open-bytes.ts'

/** A baseline of ten thousand features with chunks stays below it; more would not fit into a string. */
const maxFileBytes = 500 * 1024 * 1024

/**
 * Reads a baseline.json.
 *
 * @throws DataFileError when it can not be read or is no JSON; FormatError with every problem, each path behind the file's name.
 */
export async function readBaseline(file: string): Promise<Baseline> {
  return parseAs(file, await readJson(file), parseBaseline)
}

/** Reads a manifest.json; throws as `readBaseline` does. */
export async function readManifest(file: string): Promise<Manifest> {
  return parseAs(file, await readJson(file), parseManifest)
}

async function readJson(file: string): Promise<unknown> {
  const { size } = await inspectFile(file)
  if (size > maxFileBytes)
    throw new DataFileError(file, `is ${size} bytes long, more than the ${maxFileBytes} of a baseline or manifest`)
  const text = await readFile(file, 'utf8')
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text)
  } catch (error) {
    throw new DataFileError(file, `not JSON (${(error as Error).message})`, { cause: error })
  }
}

function parseAs<T>(file: string, value: unknown, parse: (value: unknown) => T): T {
  try {
    return parse(value)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    throw new FormatError(error.problems.map(({ path, message }) => ({ path: `${file}, ${path}`, message })))
  }
}
