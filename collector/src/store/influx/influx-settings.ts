/** Where InfluxDB is and how data lies in it. */
export interface InfluxSettings {
  /** For instance `http://127.0.0.1:8086`; a path prefix is kept. */
  readonly url: string
  /** 2.x and 3.x, and 1.x behind a proxy that wants one. */
  readonly token: string | null
  /** 1.x with authentication. */
  readonly username: string | null
  readonly password: string | null
  /** 2.x: needed to make buckets only. */
  readonly org: string | null
  /** Database of 1.x; first part of bucket and database names of 2.x and 3.x. */
  readonly database: string
  /** Days that points of each kind are kept; null: forever. */
  readonly keepRawDays: number | null
  readonly keepWindowsDays: number | null
  readonly keepResultsDays: number | null
  /** Instances that stand under their own name in tags; all others share hash slots. */
  readonly instances: readonly string[]
  readonly instanceSlots: number
  /** Of one request, in milliseconds. */
  readonly timeoutMs: number
}

/** Retention policy on 1.x; second part of the name of bucket or database on 2.x and 3.x. */
export const retentionPolicies = { raw: 'raw', windows: 'windows', results: 'results' } as const
export type RetentionPolicy = keyof typeof retentionPolicies

export const defaultInfluxSettings: Omit<InfluxSettings, 'url'> = {
  token: null,
  username: null,
  password: null,
  org: null,
  database: 'driftline',
  keepRawDays: 14,
  keepWindowsDays: 400,
  keepResultsDays: null,
  instances: [],
  instanceSlots: 64,
  timeoutMs: 30_000,
}
