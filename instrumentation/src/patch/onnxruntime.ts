import { basename, resolve } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { systemClock, type Clock } from '../clock.ts'
import type { Agent, ModelTap, NamedTensors, TappedCall, TensorValue, ValueDescription } from '../zero-code/sighting.ts'
import { digestBuffer, digestFile } from './file-digest.ts'
import { onImport, onRequire } from './module-hooks.ts'
import { isPatchable, replaceMethod } from './replace-method.ts'
import { isSuppressed } from './suppression.ts'
import { isWithin } from './version-range.ts'

/** Versions that the tests run against, the oldest and the newest; what lies between has the same classes. */
export const testedOnnxruntime = { oldest: '1.20', newest: '1.30' } as const

/**
 * How much longer opening a session may take at most, so that the digest of its file is known when it is sighted: else it would be another,
 * unversioned model. A file of 64 MB takes a tenth of that; the rest is for machines that are busy while servers start.
 */
const digestWaitMillis = 1000

/** Hex digits of the digest in the name of a model that was opened from memory. */
const nameDigits = 12

/** Dimensions that are open come from WebAssembly as -1 in 32 bits without a sign. */
const openDimension = 2 ** 32 - 1

/**
 * Watches sessions of onnxruntime-node, and of onnxruntime-web in Node.
 *
 * Both re-export the classes of onnxruntime-common. By `require` that is its CommonJS build, and so it is inside onnxruntime-node even
 * when that is imported from ESM; onnxruntime-web, imported, uses the ESM build. Some entries of onnxruntime-web carry a copy of the classes
 * in their bundle.
 */
export function patchOnnxruntime(agent: Agent, { clock = systemClock }: { readonly clock?: Clock } = {}): void {
  const patch = new OnnxruntimePatch(agent, clock)
  const apply = (exports: unknown, about: { readonly version: string | null; readonly file: string }): void =>
    patch.apply(exports, about)
  onRequire('onnxruntime-common', apply)
  onImport('onnxruntime-common', /^dist\/esm\/index\.js$/, [], apply)
  onRequire('onnxruntime-web', apply)
  onImport('onnxruntime-web', /^dist\/ort[.\w]*\.mjs$/, [], apply)
}

/** As in onnxruntime-common's inference-session.d.ts and tensor.d.ts, as far as it is used here. */
interface Session {
  readonly inputNames?: readonly string[]
  readonly outputNames?: readonly string[]
  /** Since 1.22. */
  readonly inputMetadata?: readonly ValueMetadata[]
  readonly outputMetadata?: readonly ValueMetadata[]
}

interface ValueMetadata {
  readonly name: string
  readonly isTensor: boolean
  readonly type?: string
  readonly shape?: readonly (number | string)[]
}

interface Tensor extends TensorValue {
  /** `cpu`, `cpu-pinned`, or where reading `data` throws: `texture`, `gpu-buffer`, `ml-tensor`, `none` once disposed. */
  readonly location?: string
}

interface SessionClass {
  readonly prototype: { readonly run?: unknown }
  readonly create?: unknown
}

interface Origin {
  readonly file: string | null
  readonly name: string | null
  digest: string | null
}

/** A session, its tap once it was sighted; null when it is not to be watched. */
interface Watched {
  tap: ModelTap | null | undefined
  readonly origin: Origin
}

class OnnxruntimePatch {
  readonly #agent: Agent
  readonly #clock: Clock
  readonly #sessions = new WeakMap<object, Watched>()
  readonly #classes = new WeakSet<object>()
  /** Folders of the copies of onnxruntime-common. */
  readonly #copies = new Set<string>()
  /** Files of classes that were told of. */
  readonly #told = new Set<string>()

  constructor(agent: Agent, clock: Clock) {
    this.#agent = agent
    this.#clock = clock
  }

  apply(exports: unknown, { version, file }: { readonly version: string | null; readonly file: string }): void {
    const { InferenceSession, env } = exports as { InferenceSession?: SessionClass; env?: unknown }
    // Entries of onnxruntime-web hand on classes that were patched where they come from.
    if (InferenceSession !== undefined && this.#classes.has(InferenceSession)) return
    const subject = `onnxruntime ${version ?? 'of unknown version'}`
    if (typeof InferenceSession?.prototype?.run !== 'function' || typeof InferenceSession.create !== 'function') {
      this.#agent.warn('not-patchable', subject, `${file} has no class InferenceSession with create() and run()`)
      return
    }
    this.#classes.add(InferenceSession)
    if (!isPatchable(InferenceSession.prototype, 'run') || !isPatchable(InferenceSession, 'create')) {
      this.#agent.warn('not-patchable', subject, `InferenceSession of ${file} is frozen`)
      return
    }
    const library = (): Library => libraryOf(env, version, () => this.#tellOf(file, subject, version))
    this.#patchRun(InferenceSession.prototype, library)
    this.#patchCreate(InferenceSession, library)
    // The library writes its own name down only after it has loaded these classes.
    queueMicrotask(() => this.#agent.patched(library().name, library().version))
  }

  /**
   * Told once a session of these classes is watched: transformers.js brings a development version of onnxruntime-web of its own, which
   * is no affair of a user who never opens a session with it.
   */
  #tellOf(file: string, subject: string, version: string | null): void {
    if (this.#told.has(file)) return
    this.#told.add(file)
    if (!isWithin(version, testedOnnxruntime)) {
      const { oldest, newest } = testedOnnxruntime
      const reason = `tested are ${oldest} to ${newest}; its sessions are watched all the same`
      this.#agent.warn('unsupported-version', subject, reason)
    }
    this.#noteCopy(file, subject)
  }

  #noteCopy(file: string, subject: string): void {
    const folder = /^.*[\\/]node_modules[\\/](?:onnxruntime-common|onnxruntime-web)(?=[\\/])/.exec(file)?.[0] ?? file
    const others = [...this.#copies].filter((other) => other !== folder && basename(other) === basename(folder))
    this.#copies.add(folder)
    if (others.length === 0) return
    this.#agent.warn(
      'second-copy',
      subject,
      `loaded from ${[...others, folder].join(' and ')}; all of them are watched`,
    )
  }

  #patchCreate(owner: SessionClass, library: () => Library): void {
    // oxlint-disable-next-line typescript/no-this-alias -- the replacement has the class as its own `this`
    const patch = this
    const create = owner.create as (...given: unknown[]) => unknown
    replaceMethod(owner, 'create', function (this: unknown, ...given: unknown[]): unknown {
      const opening = patch.#opening(given)
      const session = Reflect.apply(create, this, given)
      if (opening === null || !(session instanceof Promise)) return session
      return session.then((opened: unknown) => patch.#opened(opened, opening, library))
    })
  }

  /** Where the bytes of the model come from, and the search for their digest, which goes on while the session is opened. */
  #opening(given: readonly unknown[]): { readonly origin: Origin; readonly digested: Promise<void> } | null {
    try {
      const [model, offset, length] = given
      const origin: Origin = { ...fileOf(model), digest: null }
      const bytes = bytesOf(model, offset, length)
      const digest = origin.file !== null ? digestFile(origin.file) : bytes === null ? null : digestBuffer(bytes)
      const digested = digest?.then((found) => void (origin.digest = found)) ?? Promise.resolve()
      return { origin, digested }
    } catch {
      return null
    }
  }

  /** Sights a session once its digest is known, or at its first run, whichever comes first. */
  #opened(
    opened: unknown,
    { origin, digested }: { readonly origin: Origin; readonly digested: Promise<void> },
    library: () => Library,
  ): unknown {
    if (typeof opened !== 'object' || opened === null) return opened
    const watched: Watched = { tap: undefined, origin }
    this.#sessions.set(opened, watched)
    // The sessions of a pipeline are its own affair, unless they are run from outside.
    if (isSuppressed()) return opened
    const sighted = digested.then(() => void this.#tapOf(opened, watched, library))
    return new Promise((resolve) => {
      const cancel = this.#clock.after(digestWaitMillis, () => resolve(opened), { hold: true })
      void sighted.finally(() => {
        cancel()
        resolve(opened)
      })
    })
  }

  #patchRun(prototype: SessionClass['prototype'], library: () => Library): void {
    // oxlint-disable-next-line typescript/no-this-alias -- as above
    const patch = this
    const run = prototype.run as (...given: unknown[]) => unknown
    replaceMethod(prototype, 'run', function (this: object, feeds: unknown): unknown {
      const call = isSuppressed() ? null : patch.#begin(this, feeds, library)
      // Nearly all calls have one argument, and no object of arguments is made for them.
      // oxlint-disable-next-line prefer-rest-params -- see above
      if (call === null) return arguments.length === 1 ? run.call(this, feeds) : Reflect.apply(run, this, arguments)
      let result: unknown
      try {
        // oxlint-disable-next-line prefer-rest-params -- see above
        result = arguments.length === 1 ? run.call(this, feeds) : Reflect.apply(run, this, arguments)
      } catch (error) {
        call.fail(error)
        throw error
      }
      if (!(result instanceof Promise)) return result
      return result.then(
        (outputs: unknown) => {
          patch.#end(call, outputs)
          return outputs
        },
        (error: unknown) => {
          call.fail(error)
          throw error
        },
      )
    })
  }

  #begin(session: object, feeds: unknown, library: () => Library): TappedCall | null {
    try {
      let watched = this.#sessions.get(session)
      if (watched === undefined) {
        watched = { tap: undefined, origin: { file: null, name: null, digest: null } }
        this.#sessions.set(session, watched)
      }
      const tap = watched.tap === undefined ? this.#tapOf(session, watched, library) : watched.tap
      // What is no object of tensors is refused by the library, with words of its own.
      if (tap === null || typeof feeds !== 'object' || feeds === null) return null
      if (Array.isArray(feeds)) return unreadable(tap, 'the inputs are an array, and no object of tensors')
      const inputs = tensorsOf(feeds as Readonly<Record<string, unknown>>, session)
      return typeof inputs === 'string' ? unreadable(tap, inputs) : tap.begin(inputs)
    } catch (error) {
      this.#failed(error)
      return null
    }
  }

  #end(call: TappedCall, outputs: unknown): void {
    try {
      call.end(inMemory(outputs as Readonly<Record<string, Tensor>>))
    } catch (error) {
      this.#failed(error)
    }
  }

  #tapOf(session: Session, watched: Watched, library: () => Library): ModelTap | null {
    if (watched.tap !== undefined) return watched.tap
    // Before it is asked for, so that a failure is not repeated with each call.
    watched.tap = null
    try {
      const { name, version, tell } = library()
      tell()
      const { file, digest } = watched.origin
      watched.tap = this.#agent.sight({
        library: name,
        libraryVersion: version,
        kind: 'session',
        name:
          watched.origin.name ??
          `buffer${digest === null ? '' : `-${digest.slice('sha256:'.length).slice(0, nameDigits)}`}`,
        file,
        artefactDigest: digest,
        inputs: describe(session.inputNames, session.inputMetadata),
        outputs: describe(session.outputNames, session.outputMetadata),
      })
    } catch (error) {
      this.#failed(error)
    }
    return watched.tap
  }

  #failed(error: unknown): void {
    this.#agent.warn('internal', 'onnxruntime', error instanceof Error ? error.message : String(error))
  }
}

interface Library {
  readonly name: string
  readonly version: string | null
  /** Says what is odd about this copy. */
  readonly tell: () => void
}

/** The library that these classes serve: it leaves its version in `env.versions`. */
function libraryOf(env: unknown, version: string | null, tell: () => void): Library {
  const { node, web } = (env as { versions?: { node?: string; web?: string } } | undefined)?.versions ?? {}
  if (node !== undefined) return { name: 'onnxruntime-node', version: node, tell }
  if (web !== undefined) return { name: 'onnxruntime-web', version: web, tell }
  return { name: 'onnxruntime-common', version, tell }
}

function fileOf(model: unknown): { readonly file: string | null; readonly name: string | null } {
  if (typeof model !== 'string') return { file: null, name: null }
  if (model.startsWith('file:')) return { file: fileURLToPath(model), name: basename(fileURLToPath(model)) }
  // onnxruntime-web opens URLs, too.
  if (URL.canParse(model) && /^https?:/.test(model)) return { file: null, name: basename(new URL(model).pathname) }
  return { file: resolve(model), name: basename(model) }
}

/** The bytes that `create` would read; null when there are none, or when it would refuse them. */
function bytesOf(model: unknown, offset: unknown, length: unknown): Uint8Array<ArrayBuffer> | null {
  if (model instanceof Uint8Array) return model as Uint8Array<ArrayBuffer>
  if (!(model instanceof ArrayBuffer)) return null
  const start = typeof offset === 'number' ? offset : 0
  return new Uint8Array(model, start, typeof length === 'number' ? length : model.byteLength - start)
}

function describe(
  names: readonly string[] | undefined,
  metadata: readonly ValueMetadata[] | undefined,
): readonly ValueDescription[] | null {
  if (Array.isArray(metadata) && metadata.length > 0) {
    return (metadata as readonly ValueMetadata[]).map(({ name, isTensor, type, shape }) => ({
      name,
      type: isTensor ? (type ?? 'unknown') : 'no tensor',
      shape: shape?.map((size) => (size === openDimension || size === '' ? null : size)) ?? null,
    }))
  }
  return names?.map((name) => ({ name, type: 'unknown', shape: null })) ?? null
}

/**
 * Reads every member once: it may be a getter or proxy of the application, which is read no more often than need be, and whose errors are none
 * of ours. Null in place of tensors that are elsewhere, of which `data` throws.
 *
 * @param session whose inputs these are
 * @returns a text that says why they cannot be read
 */
function tensorsOf(given: Readonly<Record<string, unknown>>, session: Session): NamedTensors | string {
  const tensors: Record<string, TensorValue | null> = {}
  let name = ''
  try {
    for (name in given) {
      const value = given[name] as Tensor | null | undefined
      const dims = value?.dims
      if (Array.isArray(dims)) {
        const { location, type } = value!
        const inMemory = location === 'cpu' || location === 'cpu-pinned' || location === undefined
        tensors[name] = inMemory ? { data: value!.data, dims, type } : null
        // Members that are no inputs are no affair of the library either; of a missing one it says so itself.
      } else if (value !== undefined && session.inputNames?.includes(name) !== false)
        return `input '${name}' is no tensor`
    }
  } catch {
    return name === '' ? 'the inputs could not be read' : `input '${name}' could not be read`
  }
  return tensors
}

/** Outputs, which are the library's own, as they are; null in place of those that are elsewhere. Mostly that is the given object itself. */
function inMemory(outputs: Readonly<Record<string, Tensor>>): NamedTensors {
  for (const name in outputs) if (!isInMemory(outputs[name])) return withoutOthers(outputs)
  return outputs
}

function isInMemory(tensor: Tensor | null | undefined): boolean {
  if (tensor === null || tensor === undefined) return false
  const { location } = tensor
  return location === 'cpu' || location === 'cpu-pinned' || (location === undefined && Array.isArray(tensor.dims))
}

function withoutOthers(tensors: Readonly<Record<string, Tensor>>): NamedTensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, isInMemory(tensor) ? tensor : null]))
}

/** A call that is only timed. */
function unreadable(tap: ModelTap, detail: string): TappedCall {
  tap.drop('unexpected_type', 1, detail)
  const start = performance.now()
  const time = (error: unknown): void => tap.duration((performance.now() - start) / 1000, 1, error)
  return { end: () => time(undefined), fail: (error) => time(error ?? 'undefined') }
}
