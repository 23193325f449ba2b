import type { AlertRecord } from '@driftline/collector'

/** What the demo reads of the collector, over HTTP like any other client. */
export interface CollectorView {
  readonly alerts: readonly AlertRecord[]
  /** Slices evaluated since the given time. */
  readonly windows: number
  /** log10 of the evidence and its threshold in the newest slice; null when there is none yet. */
  readonly evidence: { readonly log10: number; readonly threshold: number } | null
  /** Of the outcomes in the newest slice; null while too few predictions have theirs. */
  readonly accuracy: Accuracy | null
}

/** How often the model was right. */
export interface Accuracy {
  /** From 0 to 1. */
  readonly value: number
  readonly outcomes: number
  /** The same before the model was deployed, as its manifest says. */
  readonly offline: number | null
}

interface Window {
  readonly startMs: number
}
interface ResultOfWindow {
  readonly signal: string
  readonly feature: string
  readonly segment: string
  readonly reason: string | null
  readonly evidence: { readonly log10Model: number; readonly threshold: number } | null
  readonly metric?: { readonly value: number | null; readonly rows: number; readonly offline: number | null }
}

const requestTimeoutMs = 5_000
/** The API's own limit on rows of one answer. */
const maximumWindows = 9_999

/** Reads the collector's API. */
export class CollectorApi {
  readonly #base: string
  readonly #version: string

  constructor(origin: string, model: { readonly name: string; readonly version: string }) {
    this.#base = `${origin}/api/v1`
    this.#version = `${this.#base}/models/${encodeURIComponent(model.name)}/versions/${encodeURIComponent(model.version)}`
  }

  /**
   * What the collector knows now, of slices that start at `sinceMs` or later.
   *
   * @throws Error when it does not answer, or not with 200.
   */
  async view(sinceMs: number): Promise<CollectorView> {
    const from = Math.floor(sinceMs)
    const [{ alerts }, { windows }] = await Promise.all([
      get<{ alerts: AlertRecord[] }>(`${this.#base}/alerts`),
      get<{ windows: Window[] }>(`${this.#version}/windows?from=${from}&limit=${maximumWindows}`),
    ])
    if (windows.length === 0) return { alerts, windows: 0, evidence: null, accuracy: null }
    const newest = Math.max(...windows.map(({ startMs }) => startMs))
    const { results } = await get<{ results: ResultOfWindow[] }>(`${this.#version}/results?from=${newest}&limit=1000`)
    return { alerts, windows: windows.length, evidence: strongest(results), accuracy: accuracyOf(results) }
  }
}

function strongest(results: readonly ResultOfWindow[]): CollectorView['evidence'] {
  let found: CollectorView['evidence'] = null
  for (const { evidence } of results) {
    if (evidence !== null && (found === null || evidence.log10Model > found.log10)) {
      found = { log10: evidence.log10Model, threshold: evidence.threshold }
    }
  }
  return found
}

function accuracyOf(results: readonly ResultOfWindow[]): Accuracy | null {
  const found = results.find(
    ({ signal, feature, segment, reason }) =>
      signal === 'performance' && feature === 'accuracy' && segment === '' && reason !== 'labels-incomplete',
  )?.metric
  if (found === undefined || found.value === null) return null
  return { value: found.value, outcomes: found.rows, offline: found.offline }
}

async function get<Body>(url: string): Promise<Body> {
  const response = await fetch(url, { signal: AbortSignal.timeout(requestTimeoutMs) })
  if (!response.ok) throw new Error(`GET ${url}: HTTP ${response.status}`)
  return (await response.json()) as Body
}
