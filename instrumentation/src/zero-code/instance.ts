import { isMainThread, threadId } from 'node:worker_threads'
import { attributes } from '../contract/index.ts'
import { environmentAttributes } from '../resource.ts'

/**
 * A name for this process and thread where the environment names an instance that others inherit, too: forks and threads
 * must not share one, or the receiver takes the intervals of one for repetitions of another's. Undefined: there is no such name, and
 * the monitor makes one of host, process and thread.
 */
export function inheritedInstance(environment: Readonly<Record<string, string | undefined>>): string | undefined {
  const given = environmentAttributes(environment)[attributes.serviceInstanceId.name]
  if (typeof given !== 'string' || given === '') return undefined
  const forked = environment.NODE_UNIQUE_ID !== undefined || process.send !== undefined
  if (isMainThread && !forked) return given
  return `${given}:${process.pid}${isMainThread ? '' : `:${threadId}`}`
}
