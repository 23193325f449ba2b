/**
 * What a process under `driftline doctor` tells of itself: the file that this environment variable names gets one JSON document a line.
 * Names, types, shapes and counts are told, never a value of a row.
 */
export const doctorVariable = 'DRIFTLINE_DOCTOR'

export type DoctorLine = { readonly process: string } & DoctorEvent

export type DoctorEvent =
  | ProcessStarted
  | { readonly event: 'library'; readonly name: string; readonly version: string | null }
  | ModelSeen
  | ModelCalled
  | ModelAnswered
  | RequestSeen
  | BodiesSeen
  | { readonly event: 'warning'; readonly kind: string; readonly subject: string; readonly reason: string }
  /** What keeps everything from being watched: a wrong configuration, an old Node. */
  | { readonly event: 'problem'; readonly reason: string }
  /** Why nothing was recorded so far. A later one takes its place; null takes it back. */
  | { readonly event: 'nothing'; readonly reason: string | null }

export interface ProcessStarted {
  readonly event: 'process'
  readonly node: string
  /** What it runs. */
  readonly script: string | null
  readonly directory: string
  /** The configuration that was found there; null when there is none. */
  readonly config: string | null
  readonly endpoint: string
  /** The package that would send metrics, when it is not installed. */
  readonly missingExporter: string | null
}

export interface ModelSeen {
  readonly event: 'model'
  /** Names this sighting in the lines of this process. */
  readonly id: number
  readonly library: string
  readonly version: string | null
  readonly kind: string
  readonly name: string
  readonly file: string | null
  readonly digest: string | null
  readonly inputs: readonly DoctorTensor[] | null
  readonly outputs: readonly DoctorTensor[] | null
  /** The name and version that it is recorded under; null when the configuration says not to watch it. */
  readonly model: { readonly name: string; readonly version: string } | null
  /** Whether a manifest or baseline is known for it. */
  readonly described: boolean
}

export interface DoctorTensor {
  readonly name: string
  readonly type: string
  readonly shape: readonly (number | string | null)[] | null
}

/** The first call whose rows could be read. */
export interface ModelCalled {
  readonly event: 'called'
  readonly id: number
  readonly features: readonly { readonly name: string; readonly kind: string }[]
  /** Whether anybody named them: the configuration, a manifest, the members of objects. */
  readonly named: boolean
  /** The tensors of that call. */
  readonly tensors: readonly DoctorTensor[]
}

/** The first answer. */
export interface ModelAnswered {
  readonly event: 'answered'
  readonly id: number
  /** By role (`class`, `score`, `probabilities`, ...), the output that has it; null where it is no output that has a name. */
  readonly roles: Readonly<Record<string, string | null>>
  readonly tensors: readonly DoctorTensor[]
}

export interface RequestSeen {
  readonly event: 'request'
  readonly method: string
  /** Without the query. */
  readonly path: string
}

/** The first JSON request to a route that had a JSON answer. */
export interface BodiesSeen {
  readonly event: 'bodies'
  readonly method: string
  readonly path: string
  readonly request: DoctorBody
  readonly response: DoctorBody
}

/** Where rows are in a body, and what members one has. */
export interface DoctorBody {
  /** JSON path of the rows; `$` for a body that is one. */
  readonly rows: string
  /** Null for a row that is an array or a plain value. */
  readonly members: readonly DoctorMember[] | null
}

export interface DoctorMember {
  readonly name: string
  readonly type: 'number' | 'string' | 'boolean' | 'null' | 'array' | 'object'
  /** Of a number: whether it may be a probability. */
  readonly withinOne?: boolean
}
