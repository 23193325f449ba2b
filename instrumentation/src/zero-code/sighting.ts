import type { MonitorOptions } from '../options.ts'
import type { Values } from '../recorder/gather.ts'
import type { BatchOutput } from '../recorder/scope-recorder.ts'

/**
 * What passes between the patches, which know a library, and the agent, which knows models. A patch sees a model, asks the agent for
 * a tap, and hands it what goes in and comes out. No method of the agent or a tap ever throws.
 */
export interface Agent {
  /** A model has appeared. Null when the configuration says that it is not to be watched. */
  sight(sighting: ModelSighting): ModelTap | null
  /** A library was found and patched: said in the one line that is printed once the server is up. */
  patched(library: string, version: string | null): void
  /** Something that keeps a model or library from being watched: told once per kind and subject, and counted. */
  warn(kind: WarningKind, subject: string, reason: string): void
}

/** Why something is not watched, or not watched fully. */
export type WarningKind =
  /** The library is older or newer than what was tested; it is patched all the same when its shape is the known one. */
  | 'unsupported-version'
  /** A prototype or module could not be changed: frozen, or of another shape. */
  | 'not-patchable'
  /** A second copy of a library was loaded; both are watched. */
  | 'second-copy'
  /** The digest of the model file is not the one in the manifest. */
  | 'artefact-mismatch'
  /** The configuration or the manifest does not fit what the model takes or gives. */
  | 'mismatched-model'
  /** An option, file or environment variable with which a model cannot be monitored. */
  | 'configuration'
  /** Rows were dropped: shape, type, location or body was not the expected one. */
  | 'unreadable-input'
  | 'unreadable-output'
  /** Nothing was recorded although requests came. */
  | 'nothing-recorded'
  /** Metrics did not arrive; they are kept and sent again. */
  | 'export'
  /** A failure inside Driftline. */
  | 'internal'

export interface ModelSighting {
  /** Name of the npm package, or `node:http`. It is also the `ml.runtime.name` of durations. */
  readonly library: string
  readonly libraryVersion: string | null
  readonly kind: 'session' | 'pipeline' | 'layers-model' | 'graph-model' | 'route' | 'object'
  /** What a configuration calls it: the file's name (`model.onnx`), the task (`text-classification`), the route (`POST /predict`), a given name. */
  readonly name: string
  /** What the application calls the model, such as the id given to `pipeline()`; names it where no configuration, manifest or baseline does. */
  readonly title?: string | null
  /** Absolute path of the model file, when it came from one. */
  readonly file: string | null
  /** `sha256:` + hex of the model file's bytes; null when there is no file or it was not read. */
  readonly artefactDigest: string | null
  /** Null where the library does not say. */
  readonly inputs: readonly ValueDescription[] | null
  readonly outputs: readonly ValueDescription[] | null
  /** What the application itself says of the model, where no configuration does. */
  readonly given?: GivenModel
}

/** As in `MonitorOptions`. */
export type GivenModel = Pick<MonitorOptions, 'manifest' | 'baseline' | 'features'> & {
  readonly version?: string | undefined
}

/** An input or output as the model declares it. */
export interface ValueDescription {
  readonly name: string
  /** Element type in the library's words: `float32`, `int64`, `string`. */
  readonly type: string
  /** A text is a symbolic dimension such as `batch`; null is unknown. */
  readonly shape: readonly (number | string | null)[] | null
}

/** Where the calls of one model are handed to. */
export interface ModelTap {
  /** Name of the model that the rows are recorded under. */
  readonly model: string
  /** What a manifest or baseline says of the model; null or absent where there is neither. */
  readonly declared?: DeclaredModel | null
  /**
   * The inputs of a call that is about to be made: read at once, since the caller may change them later. What comes back is handed the
   * outputs; null when this call is not recorded.
   */
  begin(inputs: NamedTensors): TappedCall | null
  /** Rows and answers that are plain values, as routes and pipelines have them. Rows are objects by feature name, or arrays in feature order. */
  record(rows: readonly TappedRow[], output: BatchOutput): void
  /** Times a call that was not begun through `begin`. */
  duration(seconds: number, rows: number, error: unknown): void
  /** Rows that could not be read, with the reason in words. */
  drop(reason: TapDropReason, rows: number, detail: string): void
}

export interface DeclaredModel {
  /** Names of the features, in order. */
  readonly features: readonly string[]
  /** The class whose probability is the score. */
  readonly positiveClass: string | null
  /** In the order of the model's outputs. */
  readonly classes?: readonly string[] | null
  /** As in a manifest; null where there is only a baseline. */
  readonly task?: string | null
}

export type TappedRow = Readonly<Record<string, unknown>> | Values

export interface TappedCall {
  /** The call succeeded: reads the outputs at once. */
  end(outputs: NamedTensors): void
  /** The call failed. */
  fail(error: unknown): void
}

/** Rows that a tap could not count. */
export type TapDropReason =
  /** A tensor whose dimensions do not fit the features, or the rows of another input. */
  | 'unexpected_shape'
  /** A tensor or value of a type that no feature has. */
  | 'unexpected_type'
  /** A tensor that is not in the memory of the CPU. */
  | 'not_on_cpu'
  /** A request or response body in which the configured paths find nothing. */
  | 'unmatched_body'
  /** A body that is larger than what is read, compressed, or no JSON. */
  | 'unreadable_body'

export type NamedTensors = Readonly<Record<string, TensorValue | null>>

/** A tensor in memory: row-major, `dims[0]` rows. */
export interface TensorValue {
  readonly data: Values
  readonly dims: readonly number[]
  /** In the library's words: `float32`, `int64`, `string`. */
  readonly type: string
}
