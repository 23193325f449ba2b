import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { RecordingAgent, TapRecord } from '../support/recording-agent.ts'

export interface PipelineRun {
  readonly answers: Readonly<Record<string, unknown>>
  readonly taps: readonly TapRecord[]
  readonly libraries: RecordingAgent['libraries']
  readonly warnings: RecordingAgent['warnings']
  readonly sightedBeforeCall: number
}

/** Runs run-pipelines.ts in a process of its own. */
export async function runPipelines(options: {
  readonly format: 'esm' | 'cjs'
  readonly patched: boolean
  /** The folder whose node_modules holds the library. */
  readonly folder: string
  readonly node?: string
}): Promise<PipelineRun> {
  const { format, patched, folder, node = process.execPath } = options
  const script = fileURLToPath(new URL('run-pipelines.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(node, [script, format, patched ? 'patched' : 'plain', folder], {
    maxBuffer: 2 ** 24,
  })
  return JSON.parse(stdout) as PipelineRun
}
