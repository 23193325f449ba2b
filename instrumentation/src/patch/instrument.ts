import { performance } from 'node:perf_hooks'
import type { DeclaredFeature, MonitorOptions } from '../options.ts'
import { runningAgent, startAgent } from '../zero-code/running-agent.ts'
import type { Agent, ModelTap } from '../zero-code/sighting.ts'
import { AnswerReader, type AnswerRole } from './object-answers.ts'
import { readRows } from './object-rows.ts'

/** What `instrument` is told about a model. */
export interface InstrumentOptions<Model extends object = object> {
  /** Name of the method that is given rows, as its first argument, and gives answers or a promise of them. */
  readonly predict: MethodName<Model>
  /** What the model is called, also as `match.name` in driftline.instrument.json. Default: the name of its class. */
  readonly name?: string | undefined
  /** Default: `unversioned`. */
  readonly version?: string | undefined
  /** Names of the features, in the order of rows that are arrays. Default: the manifest's, the keys of rows, or `input[i]`. */
  readonly features?: readonly (string | DeclaredFeature)[] | undefined
  /** The manifest or its file, when driftline.instrument.json does not name it. */
  readonly manifest?: MonitorOptions['manifest']
  readonly baseline?: MonitorOptions['baseline']
  /** Columns of a flat array or typed array that holds several rows. Default: the number of features, if known; else it is one row. */
  readonly columns?: number | undefined
  /**
   * What a number in the answer is. Default: by the task of the manifest; else whole numbers are classes, others values of a regression, and of
   * arrays of numbers each is the probability of a class.
   */
  readonly output?: AnswerRole | undefined
  /** Names of the classes, in the order of probabilities. Default: the manifest's, else their numbers. */
  readonly classes?: readonly string[] | undefined
}

/** Names of the methods of a model. */
export type MethodName<Model extends object> = {
  [Name in keyof Model]: Model[Name] extends (...given: never[]) => unknown ? Name : never
}[keyof Model] &
  string

/** The same, without the type of the model. */
type Settings = Omit<InstrumentOptions, 'predict'> & { readonly predict: string }

type Method = (this: unknown, ...given: unknown[]) => unknown

const wrappers = new WeakSet<object>()

/**
 * Watches a model of any library: wraps one method of this object, which goes on to do what it did. Rows may be arrays, typed arrays, objects or
 * a matrix with `to2DArray()`, alone or in an array; answers classes, numbers, arrays of probabilities, or objects with `class` or
 * `label`, `score` or `probability`, `confidence` and `value`.
 *
 * Works with and without `--import @driftline/instrumentation/register`; the same environment variables and driftline.instrument.json
 * count. Never throws; what is wrong is told on stderr.
 *
 * @returns the same object
 * @example const classifier = instrument(new DecisionTreeClassifier(), { predict: 'predict', name: 'iris' })
 */
export function instrument<Model extends object>(model: Model, options: InstrumentOptions<Model>): Model {
  try {
    const running = runningAgent() ?? startAgent(() => ({ drain: () => undefined }))
    if (running !== undefined) wrap(model, options, running.agent)
  } catch {
    // A proxy or getter that throws: the model stays as it is.
  }
  return model
}

function wrap(model: object, options: Settings, agent: Agent): void {
  const method = options.predict
  const original = (model as Record<string, unknown>)[method]
  const name = options.name ?? (model.constructor?.name || 'model')
  if (typeof original !== 'function') {
    agent.warn('not-patchable', name, `it has no method ${method}`)
    return
  }
  if (wrappers.has(original)) return
  const own = Object.getOwnPropertyDescriptor(model, method)
  if (own === undefined ? !Object.isExtensible(model) : own.configurable === false && own.writable !== true) {
    agent.warn('not-patchable', name, `its method ${method} cannot be replaced: the object is frozen`)
    return
  }
  const tap = agent.sight({
    library: 'instrument',
    libraryVersion: null,
    kind: 'object',
    name,
    file: null,
    artefactDigest: null,
    inputs: null,
    outputs: null,
    given: {
      version: options.version,
      manifest: options.manifest,
      baseline: options.baseline,
      features: declare(options),
    },
  })
  if (tap === null) return
  const watched = new WatchedMethod(tap, options)
  const wrapper = function (this: unknown, ...given: unknown[]): unknown {
    return watched.call(original as Method, this, given)
  }
  for (const property of ['name', 'length'])
    Object.defineProperty(wrapper, property, { value: Reflect.get(original, property), configurable: true })
  wrappers.add(wrapper)
  Object.defineProperty(model, method, {
    value: wrapper,
    writable: true,
    configurable: own?.configurable ?? true,
    // As before: not seen by those who list what the object has.
    enumerable: own?.enumerable ?? false,
  })
}

/** Declared to the monitor only where the kinds are known; names alone go with the rows. */
function declare({ features }: Settings): readonly DeclaredFeature[] | undefined {
  if (features === undefined || features.some((feature) => typeof feature === 'string')) return undefined
  return features as readonly DeclaredFeature[]
}

class WatchedMethod {
  readonly #tap: ModelTap
  readonly #names: readonly string[] | null
  readonly #columns: number | null
  readonly #answers: AnswerReader
  /** Methods that call themselves, as one for a batch may call that for a row, count once. */
  #inside = false

  constructor(tap: ModelTap, { features, columns, output, classes }: Settings) {
    this.#tap = tap
    this.#names = features?.map((feature) => (typeof feature === 'string' ? feature : feature.name)) ?? null
    this.#columns = columns ?? this.#names?.length ?? tap.declared?.features.length ?? null
    this.#answers = new AnswerReader(output ?? null, classes ?? null, tap.declared ?? null)
  }

  call(original: Method, self: unknown, given: unknown[]): unknown {
    if (this.#inside) return Reflect.apply(original, self, given)
    const reading = readRows(given[0], this.#columns, this.#names)
    const start = performance.now()
    const count = 'rows' in reading ? reading.rows.length : 1
    const seconds = (): number => (performance.now() - start) / 1000
    const succeed = (result: unknown): void => {
      this.#tap.duration(seconds(), count, undefined)
      if ('rows' in reading) {
        const answers = this.#answers.read(result, count)
        if (typeof answers === 'string') {
          this.#tap.record(reading.rows, {})
          this.#tap.drop('unexpected_type', count, answers)
        } else this.#tap.record(reading.rows, answers)
      } else this.#tap.drop('unexpected_type', 1, reading.problem)
    }
    const fail = (error: unknown): void => this.#tap.duration(seconds(), count, error ?? 'undefined')
    let result: unknown
    this.#inside = true
    try {
      result = Reflect.apply(original, self, given)
    } catch (error) {
      fail(error)
      throw error
    } finally {
      this.#inside = false
    }
    return follow(result, succeed, fail)
  }
}

/** Hands on a result, or a promise whose rejection is as unhandled as that of the original would have been. */
function follow(result: unknown, succeed: (value: unknown) => void, fail: (error: unknown) => void): unknown {
  if (result instanceof Promise) {
    return result.then(
      (value: unknown) => {
        quietly(() => succeed(value))
        return value
      },
      (error: unknown) => {
        quietly(() => fail(error))
        throw error
      },
    )
  }
  quietly(() => {
    const then = typeof result === 'object' && result !== null ? (result as { then?: unknown }).then : undefined
    // Another library's promise is left as it is: a derived one may lack its methods.
    if (typeof then === 'function')
      Reflect.apply(then, result, [
        (value: unknown) => quietly(() => succeed(value)),
        (error: unknown) => quietly(() => fail(error)),
      ])
    else succeed(result)
  })
  return result
}

function quietly(work: () => void): void {
  try {
    work()
  } catch {
    // The tap counts its own failures; this is a result whose getters throw.
  }
}
