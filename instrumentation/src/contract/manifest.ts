/**
 * The format of manifest.json: one model version, with the digest of everything it was made from.
 */
export interface Manifest {
  readonly schema: typeof manifestSchema
  readonly model: ModelIdentity
  /** ISO 8601 time at which the manifest was written. */
  readonly createdAt: string
  /** In the order in which a row given as an array or tensor holds them. */
  readonly features: readonly ManifestFeature[]
  readonly output?: ManifestOutput
  /** The field whose value splits rows into segments. */
  readonly segment?: { readonly column: string }
  readonly artefact?: DigestedFile
  readonly data?: { readonly training?: DigestedFile; readonly pipeline?: DigestedFile }
  readonly code?: { readonly commit?: string; readonly dirty?: boolean; readonly file?: DigestedFile }
  /** Parameters that a person set, apart from those left at a library's default. */
  readonly parameters?: { readonly explicit?: Record<string, unknown>; readonly defaulted?: Record<string, unknown> }
  readonly seeds?: { readonly [name: string]: number }
  /** Runtime and library versions at training time. */
  readonly versions?: { readonly [name: string]: string }
  /** Metrics of the held-out set, with the digest of the rows they were measured on. */
  readonly offlineMetrics?: { readonly data?: DigestedFile; readonly values: { readonly [metric: string]: number } }
  /** Digest of the baseline's canonical JSON. */
  readonly baselineDigest?: string
}

export const manifestSchema = 'driftline.manifest/1'

export interface ModelIdentity {
  readonly name: string
  readonly version: string
  readonly task: 'binary-classification' | 'multiclass-classification' | 'regression' | 'ranking' | 'other'
}

export interface ManifestFeature {
  readonly name: string
  readonly kind: 'numeric' | 'categorical' | 'boolean'
  /** The real-world unit, for people; the metric itself is unitless. */
  readonly unit?: string
  readonly description?: string
  /** What an absent value means in this field. */
  readonly missing?: string
  readonly range?: { readonly min?: number; readonly max?: number }
  readonly categories?: readonly string[]
}

export interface ManifestOutput {
  /** Predicted classes, in the order of the model's outputs. */
  readonly classes?: readonly string[]
  readonly positiveClass?: string
  readonly decisionThreshold?: number
  readonly decisionRule?: '>' | '>='
}

export interface DigestedFile {
  readonly name: string
  /** `sha256:` + hex of the file's bytes. */
  readonly digest: string
}
