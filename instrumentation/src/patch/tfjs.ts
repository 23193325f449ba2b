import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Agent, ModelTap, NamedTensors, TappedCall, ValueDescription } from '../zero-code/sighting.ts'
import { onRequire } from './module-hooks.ts'
import { isPatchable, replaceMethod } from './replace-method.ts'
import { isSuppressed } from './suppression.ts'
import { isWithin } from './version-range.ts'

/** Versions that the tests run against. */
export const testedTfjs = { oldest: '4.10', newest: '4.22' } as const

/**
 * Backends whose tensors are in the memory of the CPU: reading one elsewhere waits for the GPU, and so would the server. `tensorflow` is
 * the native one of tfjs-node.
 */
const cpuBackends: ReadonlySet<string> = new Set(['cpu', 'wasm', 'tensorflow'])

const library = '@tensorflow/tfjs'

/**
 * Watches layers models and graph models of TensorFlow.js. Its packages are CommonJS in Node, also when they are imported from ESM.
 */
export function patchTfjs(agent: Agent): void {
  const patch = new TfjsPatch(agent)
  onRequire('@tensorflow/tfjs-core', (exports) => patch.useCore(exports))
  onRequire('@tensorflow/tfjs-layers', (exports, about) => patch.applyLayers(exports, about))
  onRequire('@tensorflow/tfjs-converter', (exports, about) => patch.applyConverter(exports, about))
}

interface About {
  readonly version: string | null
  readonly file: string
}

/** As in tfjs-core's tensor.d.ts. */
interface Tensor {
  readonly shape: readonly number[]
  readonly dtype: string
  dataSync(): ArrayLike<unknown>
}

/** What models of both kinds have, by their d.ts; each member only on some. */
interface Model {
  readonly name?: unknown
  readonly modelUrl?: unknown
  readonly inputNames?: readonly string[]
  readonly outputNames?: readonly string[]
  readonly inputNodes?: readonly string[]
  readonly outputNodes?: readonly string[]
  readonly inputs?: readonly Described[]
  readonly outputs?: readonly Described[]
  readonly structuredOutputKeys?: readonly string[]
}

interface Described {
  readonly name: string
  readonly dtype?: string
  readonly shape?: readonly (number | null)[]
}

type Kind = 'layers-model' | 'graph-model'

type ModelClass = { readonly prototype: object } | undefined

class TfjsPatch {
  readonly #agent: Agent
  readonly #taps = new WeakMap<object, ModelTap | null>()
  /** Where layers models were loaded from; graph models know it themselves. */
  readonly #paths = new WeakMap<object, string>()
  /** Folders of the copies of a package. */
  readonly #copies = new Map<string, string>()
  #core: { getBackend?: () => string } | null = null
  /** A call is on the stack: `predict` calls `execute`, a sequential model its inner one. */
  #inside = false

  constructor(agent: Agent) {
    this.#agent = agent
  }

  useCore(exports: unknown): void {
    this.#core = exports as { getBackend?: () => string }
  }

  applyLayers(exports: unknown, about: About): void {
    const { LayersModel, Sequential } = exports as { LayersModel?: ModelClass; Sequential?: ModelClass }
    const subject = `@tensorflow/tfjs-layers ${about.version ?? 'of unknown version'}`
    const methods = ['predict', 'predictOnBatch']
    if (!this.#patchable(LayersModel, methods, subject, about)) return
    for (const method of methods) this.#patchMethod(LayersModel!.prototype, method, 'layers-model', about.version)
    // So that the model which is seen is the outer one, with the name that a person gave it.
    if (Sequential !== undefined && methods.every((method) => isPatchable(Sequential.prototype, method)))
      for (const method of methods) this.#patchMethod(Sequential.prototype, method, 'layers-model', about.version)
    this.#patchLoader(exports as object)
    this.#agent.patched(library, about.version)
  }

  applyConverter(exports: unknown, about: About): void {
    const { GraphModel } = exports as { GraphModel?: ModelClass }
    const subject = `@tensorflow/tfjs-converter ${about.version ?? 'of unknown version'}`
    const methods = ['predict', 'predictAsync', 'execute', 'executeAsync']
    if (!this.#patchable(GraphModel, methods, subject, about)) return
    for (const method of methods) this.#patchMethod(GraphModel!.prototype, method, 'graph-model', about.version)
    this.#agent.patched(library, about.version)
  }

  #patchable(owner: ModelClass, methods: readonly string[], subject: string, { version, file }: About): boolean {
    const missing = methods.filter(
      (method) => typeof (owner?.prototype as Record<string, unknown> | undefined)?.[method] !== 'function',
    )
    if (missing.length > 0) {
      this.#agent.warn('not-patchable', subject, `${file} has no model class with ${missing.join(', ')}`)
      return false
    }
    if (methods.some((method) => !isPatchable(owner!.prototype, method))) {
      this.#agent.warn('not-patchable', subject, `the model class of ${file} is frozen`)
      return false
    }
    const packageName = subject.split(' ', 1)[0]!
    const other = this.#copies.get(packageName)
    if (other !== undefined)
      this.#agent.warn('second-copy', subject, `loaded from ${other} and ${file}; both are watched`)
    this.#copies.set(packageName, file)
    if (!isWithin(version, testedTfjs)) {
      const reason = `tested are ${testedTfjs.oldest} to ${testedTfjs.newest}; its models are watched all the same`
      this.#agent.warn('unsupported-version', subject, reason)
    }
    return true
  }

  /** Remembers the path that a layers model comes from; without it the model has only its own name. */
  #patchLoader(exports: object): void {
    if (!isPatchable(exports, 'loadLayersModel')) return
    const load = (exports as { loadLayersModel: (...given: unknown[]) => unknown }).loadLayersModel
    const note = (model: unknown, path: unknown): unknown => {
      if (typeof path === 'string' && typeof model === 'object' && model !== null) this.#paths.set(model, path)
      return model
    }
    replaceMethod(exports, 'loadLayersModel', function (this: unknown, ...given: unknown[]): unknown {
      const loading = Reflect.apply(load, this, given)
      return loading instanceof Promise ? loading.then((model: unknown) => note(model, given[0])) : loading
    })
  }

  #patchMethod(prototype: object, method: string, kind: Kind, version: string | null): void {
    // oxlint-disable-next-line typescript/no-this-alias -- the replacement has the model as its own `this`
    const patch = this
    const original = (prototype as Record<string, (...given: unknown[]) => unknown>)[method]!
    replaceMethod(prototype, method, function (this: object, ...given: unknown[]): unknown {
      if (patch.#inside || isSuppressed()) return Reflect.apply(original, this, given)
      const call = patch.#begin(this, given[0], kind, version)
      if (call === null) return Reflect.apply(original, this, given)
      const asked = method.startsWith('execute') ? given[1] : undefined
      let result: unknown
      patch.#inside = true
      try {
        result = Reflect.apply(original, this, given)
      } catch (error) {
        call.fail(error)
        throw error
      } finally {
        patch.#inside = false
      }
      if (!(result instanceof Promise)) {
        patch.#end(call, this, result, asked)
        return result
      }
      return result.then(
        (outputs: unknown) => {
          patch.#end(call, this, outputs, asked)
          return outputs
        },
        (error: unknown) => {
          call.fail(error)
          throw error
        },
      )
    })
  }

  #begin(model: Model & object, inputs: unknown, kind: Kind, version: string | null): TappedCall | null {
    try {
      let tap = this.#taps.get(model)
      if (tap === undefined) {
        // Before it is asked for, so that a failure is not repeated with each call.
        this.#taps.set(model, null)
        tap = this.#agent.sight(this.#sighting(model, kind, version))
        this.#taps.set(model, tap)
      }
      if (tap === null) return null
      return tap.begin(this.#read(inputs, model.inputNames ?? model.inputNodes ?? []))
    } catch (error) {
      this.#failed(error)
      return null
    }
  }

  #end(call: TappedCall, model: Model, outputs: unknown, asked: unknown): void {
    try {
      const names = asked === undefined ? (model.outputNames ?? model.outputNodes ?? []) : [asked].flat().map(String)
      call.end(this.#read(outputs, names))
    } catch (error) {
      this.#failed(error)
    }
  }

  /** The tensors by name, read at once: the caller may dispose of them as soon as it has its answer. */
  #read(given: unknown, names: readonly string[]): NamedTensors {
    const onCpu = cpuBackends.has(this.#core?.getBackend?.() ?? '')
    const entries: [string, unknown][] = isTensor(given)
      ? [[names[0] ?? 'input', given]]
      : Array.isArray(given)
        ? given.map((tensor, i) => [names[i] ?? `input${i}`, tensor])
        : Object.entries((given ?? {}) as Readonly<Record<string, unknown>>)
    return Object.fromEntries(
      entries
        .filter(([, tensor]) => isTensor(tensor))
        .map(([name, tensor]) => {
          const { shape, dtype } = tensor as Tensor
          return [name, onCpu ? { data: (tensor as Tensor).dataSync(), dims: shape, type: dtype } : null]
        }),
    )
  }

  #sighting(model: Model & object, kind: Kind, version: string | null): Parameters<Agent['sight']>[0] {
    const path = typeof model.modelUrl === 'string' ? model.modelUrl : this.#paths.get(model)
    const file = path?.startsWith('file:') === true ? resolve(fileURLToPath(path)) : null
    const own = typeof model.name === 'string' && model.name !== '' ? model.name : kind
    return {
      library,
      libraryVersion: version,
      kind,
      name: path === undefined ? own : lastSegments(path),
      file,
      // The weights lie in other files than the topology.
      artefactDigest: null,
      inputs: describe(model.inputNames ?? model.inputNodes, model.inputs),
      outputs: describe(model.outputNames ?? model.outputNodes, model.outputs),
    }
  }

  #failed(error: unknown): void {
    this.#agent.warn('internal', library, error instanceof Error ? error.message : String(error))
  }
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && typeof (value as Tensor).dataSync === 'function'
}

/** The names of layers are not those of their symbolic tensors, which have the shapes. */
function describe(
  names: readonly string[] | undefined,
  described: readonly Described[] | undefined,
): readonly ValueDescription[] | null {
  if (names === undefined) return null
  return names.map((name, i) => {
    const found = described?.find((other) => other.name === name) ?? described?.[i]
    const shape = found?.shape?.map((size) => (size === null || size < 0 ? null : size)) ?? null
    return { name, type: found?.dtype ?? 'unknown', shape }
  })
}

/** Nearly every model's file is called `model.json`: its folder says which one it is. */
function lastSegments(path: string): string {
  const segments = path
    .replace(/[?#].*$/, '')
    .split('/')
    .filter((segment) => segment !== '')
  const file = segments.at(-1) ?? path
  const folder = segments.at(-2)
  return file === 'model.json' && folder !== undefined && !folder.endsWith(':') ? `${folder}/${file}` : file
}
