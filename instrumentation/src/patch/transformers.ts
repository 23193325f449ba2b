import { systemClock, type Clock } from '../clock.ts'
import type { Agent, ModelTap } from '../zero-code/sighting.ts'
import type { BatchOutput } from '../recorder/scope-recorder.ts'
import { digestFile } from './file-digest.ts'
import { onImport, onRequire, type AboutModule } from './module-hooks.ts'
import {
  addTokens,
  countTokens,
  inputRows,
  isTensor,
  readInputs,
  type PipelineInputs,
  type TokenCounts,
} from './pipeline-inputs.ts'
import {
  addEmbeddings,
  countGenerated,
  embeddingName,
  generates,
  readAnswers,
  type LabelConfig,
} from './pipeline-outputs.ts'
import { pretrainedModelFile, pretrainedModelTitle } from './pretrained-model-file.ts'
import { isPatchable, replaceMethod } from './replace-method.ts'
import { isSuppressed, runSuppressed } from './suppression.ts'
import { isWithin } from './version-range.ts'

const library = '@huggingface/transformers'

/** Versions that the tests run against, the oldest and the newest; what lies between has the same classes. */
export const testedTransformers = { oldest: '3.5', newest: '4.3' } as const

/**
 * How much longer loading a model may take, so that the digest of its file is known when it is sighted: the version of a model that has
 * no other comes from it. Of larger files the digest comes along while the server starts.
 */
const digestWaitMillis = 1000

type Method = (this: unknown, ...args: unknown[]) => unknown

/** What is read of a pipeline; every member may be missing. */
interface PipelineLike {
  readonly task?: unknown
  readonly tokenizer?: unknown
  readonly model?: unknown
}

interface ModelConfigLike {
  readonly id2label?: unknown
  readonly problem_type?: unknown
  readonly is_encoder_decoder?: unknown
  readonly eos_token_id?: unknown
  readonly pad_token_id?: unknown
}

/** Where a model came from, by the library's model object. */
interface Origin {
  readonly title: string
  readonly file: string | null
  /** Null until it is known. */
  digest: string | null
}

/** Calls whose synchronous part runs at the moment, the innermost one: it is in that part that a pipeline tokenises its input and starts to generate. */
let current: PipelineCall | null = null

/** Every method this file put in place of another, so that nothing is wrapped twice. */
const wrappers: WeakSet<object> = new WeakSet()

/** Folders that copies of the library were loaded from. */
const copies: Set<string> = new Set()

/**
 * Watches the pipelines of transformers.js: one row per input, statistics of its text as features, label and confidence as answer.
 *
 * The classes are patched, not `pipeline()`: it is exported in a way that cannot be changed in CommonJS, and a pipeline can be made without it.
 */
export function patchTransformers(agent: Agent, { clock = systemClock }: { readonly clock?: Clock } = {}): void {
  onRequire(library, (exports, about) => void patchModule(agent, clock, exports, about))
  onImport(library, /^dist\/transformers\.node(\.min)?\.mjs$/, ['pipeline'], (namespace, about) => {
    const watch = patchModule(agent, clock, namespace, about)
    const { pipeline } = namespace as { pipeline?: unknown }
    if (watch === null || typeof pipeline !== 'function') return undefined
    return { pipeline: wrapFactory(pipeline as Method, watch) }
  })
}

/** Null when the module is not of the known shape. */
function patchModule(agent: Agent, clock: Clock, exports: unknown, about: AboutModule): LibraryWatch | null {
  if (typeof exports !== 'object' || exports === null) return null
  const watch = new LibraryWatch(agent, clock, about.version, exports)
  let patched = 0
  for (const name of Object.keys(exports)) {
    if (!name.endsWith('Pipeline')) continue
    const prototype = prototypeOf(member(exports, name))
    if (prototype !== null && replace(prototype, '_call', (original) => wrapCall(original, watch))) patched += 1
  }
  if (patched === 0) {
    agent.warn('not-patchable', library, `none of the pipeline classes of ${about.file} could be changed`)
    return null
  }
  const tokenizer = prototypeOf(member(exports, 'PreTrainedTokenizer'))
  if (tokenizer !== null) replace(tokenizer, '_call', wrapTokenizer)
  const model = member(exports, 'PreTrainedModel')
  const modelPrototype = prototypeOf(model)
  if (modelPrototype !== null) replace(modelPrototype, 'generate', wrapGenerate)
  if (modelPrototype !== null) replace(model as object, 'from_pretrained', (original) => wrapLoad(original, watch))
  agent.patched(library, about.version)
  if (!isWithin(about.version, testedTransformers)) {
    const { oldest, newest } = testedTransformers
    const reason = `version ${about.version ?? 'unknown'}; tested are ${oldest} to ${newest}; it is watched all the same`
    agent.warn('unsupported-version', library, reason)
  }
  const folder = about.file.replace(/[/\\]dist[/\\][^/\\]*$/, '')
  copies.add(folder)
  if (copies.size > 1) agent.warn('second-copy', library, [...copies].join(', '))
  return watch
}

/** One loaded copy of the library. */
class LibraryWatch {
  readonly agent: Agent
  readonly clock: Clock
  readonly #version: string | null
  readonly #exports: object
  readonly #taps = new WeakMap<object, { readonly tap: ModelTap | null }>()
  readonly #origins = new WeakMap<object, Origin>()
  readonly #digesting = new WeakMap<object, Promise<void>>()

  constructor(agent: Agent, clock: Clock, version: string | null, exports: object) {
    this.agent = agent
    this.clock = clock
    this.#version = version
    this.#exports = exports
  }

  /** Tells of a failure of ours. */
  failed(error: unknown): void {
    try {
      this.agent.warn('internal', library, String(error))
    } catch {
      // An error whose text throws.
    }
  }

  /** Remembers where a model was loaded from; resolves once the digest of its file is known. Never rejects. */
  async loaded(model: unknown, id: unknown, options: unknown): Promise<void> {
    if (!isObject(model) || typeof id !== 'string') return
    try {
      const file = pretrainedModelFile({
        id,
        options: isObject(options) ? options : {},
        environment: (member(this.#exports, 'env') as object | undefined) ?? {},
        dtype: dtypeOf(model),
      })
      const origin: Origin = { title: pretrainedModelTitle(id), file, digest: null }
      this.#origins.set(model, origin)
      if (file === null) return
      const digesting = digestFile(file).then((digest) => void (origin.digest = digest))
      this.#digesting.set(model, digesting)
      await digesting
    } catch (error) {
      this.failed(error)
    }
  }

  /** Lets the agent see a pipeline before its first call, once the digest of its model is known. */
  async made(pipeline: unknown): Promise<void> {
    if (!isObject(pipeline)) return
    const { model } = pipeline as PipelineLike
    if (isObject(model)) await this.#digesting.get(model)
    this.tapOf(pipeline)
  }

  /** Null when the pipeline is not to be watched. */
  tapOf(pipeline: object): ModelTap | null {
    const known = this.#taps.get(pipeline)
    if (known !== undefined) return known.tap
    const { task, model } = pipeline as PipelineLike
    const origin = isObject(model) ? this.#origins.get(model) : undefined
    const tap = this.agent.sight({
      library,
      libraryVersion: this.#version,
      kind: 'pipeline',
      name: taskOf(task),
      title: origin?.title ?? null,
      file: origin?.file ?? null,
      artefactDigest: origin?.digest ?? null,
      inputs: null,
      outputs: null,
    })
    this.#taps.set(pipeline, { tap })
    return tap
  }
}

/** `translation_en_to_de` is the task translation of the library, and kept; an absent task is one all the same. */
function taskOf(task: unknown): string {
  return typeof task === 'string' && task !== '' ? task : 'pipeline'
}

/** Of the session that holds the weights, as the library notes it there. */
function dtypeOf(model: object): string | null {
  const { sessions } = model as { sessions?: { model?: { config?: { dtype?: unknown } } } }
  const dtype = sessions?.model?.config?.dtype
  return typeof dtype === 'string' ? dtype : null
}

/** What one call of a pipeline is recorded from. */
class PipelineCall {
  readonly #tap: ModelTap
  readonly #pipeline: PipelineLike
  readonly #task: string
  readonly #inputs: PipelineInputs
  readonly #start = performance.now()
  #counts: TokenCounts | null = null
  #promptLength = 0
  #generated: readonly number[] | null = null
  readonly #rows: Record<string, number>[]

  constructor(tap: ModelTap, pipeline: PipelineLike, args: readonly unknown[]) {
    this.#tap = tap
    this.#pipeline = pipeline
    this.#task = taskOf(pipeline.task)
    this.#inputs = readInputs(this.#task, args[0])
    // Read now: the caller may change the list while the model works.
    this.#rows = inputRows(this.#inputs)
  }

  /** The first encoding is that of the inputs; a later one, if any, is of something else. */
  tokenized(tokenizer: unknown, encoding: unknown): void {
    if (this.#counts !== null || tokenizer !== this.#pipeline.tokenizer || !isObject(tokenizer)) return
    // A zero-shot classifier encodes each text together with each label.
    if (this.#task === 'zero-shot-classification') return
    this.#counts = countTokens(encoding, tokenizer, this.#inputs.rows)
    const ids = (encoding as { input_ids?: unknown } | null)?.input_ids
    this.#promptLength = isTensor(ids) ? (ids.dims.at(-1) ?? 0) : 0
  }

  generated(model: unknown, returned: unknown): void {
    if (model !== this.#pipeline.model || !isObject(model)) return
    const { config = {}, generation_config: generation = {} } = model as {
      config?: ModelConfigLike
      generation_config?: ModelConfigLike
    }
    const ends = [config, generation].flatMap((source) => [source?.eos_token_id, source?.pad_token_id].flat())
    const endIds = new Set(ends.filter((id) => typeof id === 'number'))
    const prompt = config?.is_encoder_decoder === true ? 1 : this.#promptLength
    this.#generated = countGenerated(returned, this.#inputs.rows, prompt, endIds)
  }

  succeeded(answer: unknown): void {
    const tap = this.#tap
    const rows = this.#rows
    tap.duration(this.#seconds(), rows.length, undefined)
    addTokens(rows, this.#counts, generates(this.#task) ? 'tokens.input' : 'text.tokens')
    for (const [i, tokens] of (this.#generated ?? []).entries()) rows[i]!['tokens.output'] = tokens
    let output: BatchOutput | null
    if (this.#task === 'feature-extraction' || this.#task === 'image-feature-extraction') {
      const components = tap.declared?.features.includes(embeddingName(0)) === true
      output = addEmbeddings(rows, answer, this.#counts?.tokens ?? null, components) ? {} : null
    } else {
      const positiveClass = tap.declared?.positiveClass ?? null
      output = readAnswers(this.#task, this.#inputs, answer, labelsOf(this.#pipeline.model), positiveClass)
    }
    if (output === null)
      tap.drop('unexpected_shape', rows.length, `the answer of ${this.#task} is not of the known shape`)
    else tap.record(rows, output)
  }

  failed(error: unknown): void {
    this.#tap.duration(this.#seconds(), this.#rows.length, error)
  }

  #seconds(): number {
    return (performance.now() - this.#start) / 1000
  }
}

function labelsOf(model: unknown): LabelConfig {
  const { config } = (model ?? {}) as { config?: ModelConfigLike }
  const labels = config?.id2label
  return {
    labels: isObject(labels) ? Object.keys(labels).length : null,
    multiLabel: config?.problem_type === 'multi_label_classification',
  }
}

function wrapCall(original: Method, watch: LibraryWatch): Method {
  return function _call(this: unknown, ...args: unknown[]): unknown {
    // One pipeline class calls that of its parent, and a pipeline may run inside a model that is recorded already.
    if (isSuppressed()) return Reflect.apply(original, this, args)
    const call = beginCall(watch, this, args)
    let result: unknown
    try {
      result = runSuppressed(() => {
        const outer = current
        current = call
        try {
          return Reflect.apply(original, this, args)
        } finally {
          current = outer
        }
      })
    } catch (error) {
      quietly(watch, () => call?.failed(error))
      throw error
    }
    if (call === null) return result
    if (!(result instanceof Promise)) {
      quietly(watch, () => call.succeeded(result))
      return result
    }
    // What is returned is the promise that was listened to: a rejection nobody handles stays one.
    return result.then(
      (answer: unknown) => {
        quietly(watch, () => call.succeeded(answer))
        return answer
      },
      (error: unknown) => {
        quietly(watch, () => call.failed(error))
        throw error
      },
    )
  }
}

function beginCall(watch: LibraryWatch, pipeline: unknown, args: readonly unknown[]): PipelineCall | null {
  return (
    quietly(watch, () => {
      const tap = isObject(pipeline) ? watch.tapOf(pipeline) : null
      return tap === null ? null : new PipelineCall(tap, pipeline as PipelineLike, args)
    }) ?? null
  )
}

function wrapTokenizer(original: Method): Method {
  return function _call(this: unknown, ...args: unknown[]): unknown {
    const encoding = Reflect.apply(original, this, args)
    const call = current
    if (call !== null) {
      try {
        call.tokenized(this, encoding)
      } catch {
        // Then the row has no counts.
      }
    }
    return encoding
  }
}

function wrapGenerate(original: Method): Method {
  return function generate(this: unknown, ...args: unknown[]): unknown {
    const call = current
    const returned = Reflect.apply(original, this, args)
    if (call !== null && returned instanceof Promise) {
      // The pipeline waits for the same promise, and has the error.
      returned.then((value: unknown) => call.generated(this, value)).catch(() => undefined)
    }
    return returned
  }
}

/**
 * The sessions that a model opens are its own affair, unless they are run from outside a pipeline. The model is handed out once its file
 * was digested, if that does not take long.
 */
function wrapLoad(original: Method, watch: LibraryWatch): Method {
  return function from_pretrained(this: unknown, ...args: unknown[]): unknown {
    const loading = runSuppressed(() => Reflect.apply(original, this, args))
    if (!(loading instanceof Promise)) return loading
    return loading.then((model: unknown) => afterAtMost(watch, watch.loaded(model, args[0], args[1]), model))
  }
}

function afterAtMost<Value>({ clock }: LibraryWatch, work: Promise<void>, value: Value): Promise<Value> {
  return new Promise((resolve) => {
    const cancel = clock.after(digestWaitMillis, () => resolve(value), { hold: true })
    void work.finally(() => {
      cancel()
      resolve(value)
    })
  })
}

/** Lets the agent see a pipeline when it is made, before it is called for the first time. */
function wrapFactory(original: Method, watch: LibraryWatch): Method {
  const pipeline: Method = function pipeline(this: unknown, ...args: unknown[]): unknown {
    const making = Reflect.apply(original, this, args)
    if (!(making instanceof Promise)) return making
    return making.then((made: unknown) => {
      watch.made(made).catch((error: unknown) => watch.failed(error))
      return made
    })
  }
  // An export has no owner to replace it in; here one is made up.
  const owner = { pipeline: original }
  replaceMethod(owner, 'pipeline', pipeline)
  return owner.pipeline
}

/** Puts a method in the place of an own one; false when there is none, or it cannot be changed. */
function replace(target: object, name: string, wrap: (original: Method) => Method): boolean {
  try {
    if (!isPatchable(target, name)) return false
    const original = member(target, name) as Method
    // A module can be handed out by more than one way.
    if (wrappers.has(original)) return true
    const wrapper = wrap(original)
    replaceMethod(target, name, wrapper)
    wrappers.add(wrapper)
    return true
  } catch {
    return false
  }
}

function quietly<Result>(watch: LibraryWatch, work: () => Result): Result | undefined {
  try {
    return work()
  } catch (error) {
    watch.failed(error)
    return undefined
  }
}

function member(exports: object, name: string): unknown {
  return (exports as Readonly<Record<string, unknown>>)[name]
}

function prototypeOf(value: unknown): object | null {
  if (typeof value !== 'function') return null
  const prototype: unknown = value.prototype
  return isObject(prototype) ? prototype : null
}

/** Pipelines and tokenizers of the library are functions. */
function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}
