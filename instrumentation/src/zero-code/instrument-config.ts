/**
 * The format of driftline.instrument.json: which session, pipeline or route is which model, and where its rows and answers are.
 * Everything may be left out: then models are named by file, task or route, and features by position or key.
 *
 * @example
 * {
 *   "schema": "driftline.instrument/1",
 *   "models": [
 *     { "match": { "file": "model.onnx" }, "manifest": "manifest.json", "baseline": "baseline.json" },
 *     {
 *       "match": { "route": "POST /predict" },
 *       "model": { "name": "employment", "version": "1" },
 *       "request": { "rows": "$.rows[*]", "features": { "age": "$.AGEP" }, "id": "$.id" },
 *       "response": { "rows": "$.predictions[*]", "score": "$.probability" }
 *     }
 *   ]
 * }
 */
export interface InstrumentConfig {
  readonly schema: typeof instrumentSchema
  readonly models: readonly ModelConfig[]
  /** `false`: only what `models` lists is watched. Default: true. */
  readonly discover?: boolean
  /** Base URL of the collector that frozen baselines are fetched from. Default: where metrics go. `false`: never fetched. */
  readonly collector?: string | false
}

export const instrumentSchema = 'driftline.instrument/1'

export interface ModelConfig {
  readonly match: ModelMatch
  /** `false`: this one is not watched. Default: true. */
  readonly watch?: boolean
  /** Paths, relative to the configuration file. */
  readonly manifest?: string
  readonly baseline?: string
  /** Default: from the manifest or baseline; else named by file, task or route, the version by the digest of the model file. */
  readonly model?: { readonly name: string; readonly version?: string }
  /** What is fed into a session or tensor model. */
  readonly inputs?: InputsConfig
  /** What comes out of it. */
  readonly outputs?: OutputsConfig
  /** Of routes. */
  readonly request?: RequestConfig
  readonly response?: ResponseConfig
}

/** Exactly one member: the name of the model file (or the end of its path), the task of a pipeline, `METHOD /path`, or a name given to `instrument`. */
export interface ModelMatch {
  readonly file?: string
  readonly task?: string
  /** As in Express: `POST /models/:name/predict`. */
  readonly route?: string
  readonly name?: string
}

export interface InputsConfig {
  /**
   * The inputs that hold features, in the order of the features; each takes as many as it has columns. Default: the manifest's names
   * where they are those of inputs, else all inputs in the model's order.
   */
  readonly order?: readonly string[]
  /** Names of features in order. Default: the manifest's, else `input[i]`. */
  readonly features?: readonly string[]
  /** Values that mean that there is none, such as -1; counted as missing. `"NaN"` makes every NaN a missing value. */
  readonly missing?: readonly (number | string)[]
  /** The input or feature whose value is the segment. */
  readonly segment?: string
}

/** By role, the name of an output. What is left out is found by name, type and shape. */
export interface OutputsConfig {
  readonly class?: string
  /** Score of the positive class, one column. */
  readonly score?: string
  /** One column per class. */
  readonly probabilities?: string
  /** As `probabilities`, before softmax. */
  readonly logits?: string
  /** Of regressions. */
  readonly value?: string
}

/** Places in a request body, as JSON paths: `$.rows[*]`, `$.person.age`, `$[0]`. */
export interface RequestConfig {
  /** Where the rows are. Default: `$`, one row, or one per element when the body is an array. */
  readonly rows?: string
  /** Path of every feature inside a row; or the names of members; or the place of an array in feature order. Default: the manifest's names, else every member that is no object. */
  readonly features?: Readonly<Record<string, string>> | readonly string[] | string
  readonly id?: string
  readonly segment?: string
}

export interface ResponseConfig {
  /** Where the answers are, in the order of the rows. Default: as for the request. */
  readonly rows?: string
  readonly class?: string
  readonly score?: string
  readonly confidence?: string
  readonly value?: string
  readonly id?: string
  /** Names of classes by what stands in the body: `{ "true": "employed", "false": "not_employed" }`. */
  readonly classes?: Readonly<Record<string, string>>
}
