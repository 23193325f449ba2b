import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { open } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, sep } from 'node:path'
import type { ModelAgent } from './agent.ts'

/** Requests after which a server that records nothing is told so. */
export const requestsBeforeWarning = 100

/** Packages that are listed in the warning. */
const maxListed = 10

/** A bundle's libraries are named somewhere in its first part; more is not read while a server is at work. */
const maxScriptBytes = 16 * 2 ** 20

const matchesNone = 'the configuration matches none of:'

const requestStart = 'http.server.request.start'

/** Warns with a reason when the first requests came and nothing was recorded: the likeliest sign of an instrumentation that does not see the model. */
export function warnWhenNothingIsRecorded(agent: ModelAgent): void {
  let hasThreads = false
  const onThread = (): void => {
    hasThreads = true
  }
  const onRequest = (): void => {
    if (agent.countRequest() < requestsBeforeWarning) return
    unsubscribe(requestStart, onRequest)
    process.off('worker', onThread)
    void warnIfNothing(agent, hasThreads ? ' in this thread (it has started others, which tell for themselves)' : '')
  }
  process.on('worker', onThread)
  subscribe(requestStart, onRequest)
}

/** Why no row was recorded so far, in words; null when some were. */
export async function reasonForNothing(agent: ModelAgent): Promise<string | null> {
  return agent.statistics().models.some(({ rows }) => rows > 0) ? null : findReason(agent)
}

async function warnIfNothing(agent: ModelAgent, where: string): Promise<void> {
  try {
    const reason = await reasonForNothing(agent)
    if (reason !== null) agent.warn('nothing-recorded', `${requestsBeforeWarning} requests`, reason + where)
    // What else is recorded does not make up for an entry that was given in vain.
    if (reason?.includes(matchesNone) !== true) agent.warnOfUnmatched(true, where)
  } catch (error) {
    agent.warn('internal', 'nothing recorded', String(error))
  }
}

async function findReason(agent: ModelAgent): Promise<string> {
  if (agent.settingsProblem !== null) return `nothing is watched: ${agent.settingsProblem}`
  const { models, libraries } = agent.statistics()
  const unmatched = agent.unmatched
  const ran = models.filter(({ calls }) => calls > 0)
  if (ran.length > 0)
    return `calls of ${listed(ran.map(({ name }) => name))} were seen, but none of their rows could be read; see the warnings before`
  const hint = unmatched.length === 0 ? '' : `; ${matchesNone} ${listed(unmatched)}`
  if (models.length > 0) return `models were seen (${listed(models.map(({ name }) => name))}), but none ran${hint}`
  const found = listed(libraries.map(({ name, version }) => (version === null ? name : `${name} ${version}`)))
  if (libraries.length > 0 && unmatched.length === 0 && agent.config.discover)
    return `${found} was loaded, but no model was opened with it, or only before Driftline was loaded`
  if (unmatched.length > 0) return `${matchesNone} ${listed(unmatched)}`
  const files = Object.keys(createRequire(import.meta.url).cache)
  if (files.some((file) => file.endsWith('onnxruntime_binding.node')))
    return 'onnxruntime-node was loaded before Driftline, or a bundle contains it: put --import first, and leave it out of the bundle'
  const bundled = await librariesInside(process.argv[1])
  if (bundled.length > 0)
    return `${basename(process.argv[1]!)} seems to be a bundle that contains ${listed(bundled)}: leave it out of the bundle (external)`
  const loaded = [...new Set(files.flatMap((file) => packageName(file) ?? []))]
  return `no supported library was loaded (loaded: ${loaded.length === 0 ? 'no CommonJS package' : listed(loaded)}); instrument() watches other models`
}

/** Texts that only the code of a library has, by its name. */
const marks: readonly (readonly [library: string, text: string])[] = [
  ['onnxruntime', 'onnxruntime_binding'],
  ['onnxruntime', 'registerBackend'],
  ['@huggingface/transformers', 'TextClassificationPipeline'],
  ['@tensorflow/tfjs', 'loadLayersModel'],
]

async function librariesInside(script: string | undefined): Promise<readonly string[]> {
  if (script === undefined) return []
  try {
    const file = await open(script)
    try {
      const { size } = await file.stat()
      const buffer = Buffer.alloc(Math.min(size, maxScriptBytes))
      await file.read(buffer, 0, buffer.length, 0)
      return [...new Set(marks.flatMap(([library, text]) => (buffer.includes(text) ? [library] : [])))]
    } finally {
      await file.close()
    }
  } catch {
    return []
  }
}

function packageName(file: string): string | null {
  const marker = `${sep}node_modules${sep}`
  const start = file.lastIndexOf(marker)
  if (start < 0) return null
  const [first = '', second = ''] = file.slice(start + marker.length).split(sep, 2)
  return first.startsWith('@') ? `${first}/${second}` : first
}

function listed(names: readonly string[]): string {
  const more = names.length - maxListed
  return names.slice(0, maxListed).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
