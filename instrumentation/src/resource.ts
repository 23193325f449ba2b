import { hostname } from 'node:os'
import { isMainThread, threadId } from 'node:worker_threads'
import { attributes } from './contract/index.ts'
import type { Attributes } from './otel.ts'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * Attributes of `OTEL_RESOURCE_ATTRIBUTES` (`key=value,key=value`, values percent-encoded), with `OTEL_SERVICE_NAME` over them.
 * A variable that is not of this form is ignored as a whole, as the specification asks for.
 *
 * @see OpenTelemetry resource SDK, "Specifying resource information via an environment variable".
 */
export function environmentAttributes(environment: Environment): Attributes {
  const result: Attributes = {}
  for (const pair of (environment.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',')) {
    if (pair.trim() === '') continue
    const separator = pair.indexOf('=')
    if (separator <= 0) return serviceNameOf(environment)
    try {
      result[decodeURIComponent(pair.slice(0, separator).trim())] = decodeURIComponent(pair.slice(separator + 1).trim())
    } catch {
      return serviceNameOf(environment)
    }
  }
  return { ...result, ...serviceNameOf(environment) }
}

function serviceNameOf({ OTEL_SERVICE_NAME: name }: Environment): Attributes {
  return name === undefined || name === '' ? {} : { [attributes.serviceName.name]: name }
}

/** Monitors in this process and thread that named themselves, by model: two of one model must not share an instance. */
const instances = new Map<string, number>()

/**
 * Who exports: what the options say, else the environment, else a name made of host and process. Two processes must not have
 * one instance name, or the receiver takes the second's intervals for repetitions of the first's.
 */
export function resourceAttributes(
  options: {
    readonly serviceName?: string | undefined
    readonly instance?: string | undefined
    readonly environment?: string | undefined
  },
  model: string,
  environment: Environment,
): Attributes {
  const result: Attributes = { ...environmentAttributes(environment) }
  if (options.serviceName !== undefined) result[attributes.serviceName.name] = options.serviceName
  if (options.instance !== undefined) result[attributes.serviceInstanceId.name] = options.instance
  if (options.environment !== undefined) result[attributes.environment.name] = options.environment
  result[attributes.serviceName.name] ??= 'unknown_service:node'
  result[attributes.serviceInstanceId.name] ??= ownInstance(model)
  return result
}

function ownInstance(model: string): string {
  const count = (instances.get(model) ?? 0) + 1
  instances.set(model, count)
  const thread = isMainThread ? '' : `:${threadId}`
  return `${hostname()}:${process.pid}${thread}${count === 1 ? '' : `#${count}`}`
}
