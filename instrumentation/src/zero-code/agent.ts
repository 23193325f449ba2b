import type { Clock } from '../clock.ts'
import type { MonitorStatistics } from '../monitor.ts'
import { readBaseline, readManifest, type Problems } from '../read-file.ts'
import { exportInterval, describeDestination } from './destination.ts'
import { inheritedInstance } from './instance.ts'
import type { LoadedConfig, LoadedModel } from './load-config.ts'
import { defaultName, defaultVersion, describeMatch, hasShapeOf, longerName, matchModel } from './match-model.ts'
import { SightedModelTap } from './model-tap.ts'
import type { Agent, ModelSighting, ModelTap, TapDropReason, WarningKind } from './sighting.ts'
import { WatchedModel } from './watched-model.ts'
import { WarningLog, type Warning } from './warnings.ts'
import type { Witness } from './witness.ts'

/** Models of one process. Each has tables of its own; a process that makes a model per request is not to be filled with them. */
export const maxModels = 100

/** Taps of one process: a server may open a session anew for every request. */
const maxTaps = 10_000

/** Models are often opened one after the other: the line waits for them. */
const announceAfterMillis = 250

export interface AgentOptions {
  readonly config: LoadedConfig
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly clock: Clock
  /** Gets lines for the person who runs the server. */
  readonly print: (line: string) => void
  /** Somebody who only wants to see what would be watched: then nothing is sent or fetched. */
  readonly witness?: Witness | undefined
}

export interface AgentStatistics {
  readonly models: readonly ModelStatistics[]
  readonly libraries: readonly { readonly name: string; readonly version: string | null }[]
  readonly warnings: readonly Warning[]
  /** HTTP requests that were counted, up to those after which a warning is given. */
  readonly requests: number
}

export interface ModelStatistics {
  readonly name: string
  readonly version: string
  /** Where it was seen: `onnxruntime-node model.onnx`. */
  readonly sightings: readonly string[]
  readonly calls: number
  /** Rows recorded, and rows that wait until it is known what features they have. */
  readonly rows: number
  readonly dropped: Readonly<Partial<Record<TapDropReason, number>>>
  /** Null until features are known. */
  readonly monitor: MonitorStatistics | null
}

interface KnownModel {
  readonly watched: WatchedModel
  readonly taps: SightedModelTap[]
  readonly sightings: ModelSighting[]
}

/** Knows which model is which, and has a monitor for each. */
export class ModelAgent implements Agent {
  readonly config: LoadedConfig
  readonly #options: AgentOptions
  readonly #warnings: WarningLog
  readonly #models = new Map<string, KnownModel>()
  readonly #names = new Map<string, string>()
  readonly #libraries: { name: string; version: string | null }[] = []
  readonly #matched = new Set<LoadedModel>()
  readonly #intervalMillis: number
  readonly #instance: string | undefined
  #taps = 0
  #requests = 0
  #announced = false
  #cancelAnnouncement: (() => void) | null = null

  constructor(options: AgentOptions) {
    this.#options = options
    this.config = options.config
    this.#warnings = new WarningLog(options.print)
    const { millis, problem } = exportInterval(options.environment)
    this.#intervalMillis = millis
    if (problem !== null) this.warn('configuration', 'export interval', problem)
    this.#instance = inheritedInstance(options.environment)
  }

  sight(sighting: ModelSighting): ModelTap | null {
    try {
      const tap = this.#sight(sighting)
      if (tap !== null) this.#announceSoon(announceAfterMillis)
      return tap
    } catch (error) {
      this.warn('internal', 'sighting', error instanceof Error ? error.message : String(error))
      return null
    }
  }

  patched(library: string, version: string | null): void {
    if (this.#libraries.some((known) => known.name === library && known.version === version)) return
    this.#libraries.push({ name: library, version })
    this.#options.witness?.patched(library, version)
    // Not at the next boundary, which may come before a server has opened its model.
    this.#announceSoon(this.#intervalMillis)
  }

  warn(kind: WarningKind, subject: string, reason: string): void {
    try {
      this.#warnings.add(kind, subject, reason)
      this.#options.witness?.warned(kind, subject, reason)
    } catch {
      // Whatever is wrong with printing is none of the host's business.
    }
  }

  statistics(): AgentStatistics {
    return {
      models: [...this.#models.values()].map(({ watched, taps, sightings }) => ({
        name: watched.name,
        version: watched.version,
        sightings: sightings.map(({ library, name }) => `${library} ${name}`),
        calls: taps.reduce((sum, tap) => sum + tap.calls, 0),
        rows: watched.rows,
        dropped: watched.dropped,
        monitor: watched.monitor?.statistics() ?? null,
      })),
      libraries: this.#libraries.map((library) => ({ ...library })),
      warnings: this.#warnings.list,
      requests: this.#requests,
    }
  }

  /** Sends what was recorded so far; rows whose features are not known yet decide now. Does not wait for answers longer than 5 s. */
  async flush(): Promise<void> {
    this.settle()
    await Promise.all([...this.#models.values()].map(({ watched }) => watched.monitor?.flush() ?? Promise.resolve()))
  }

  /** Decides on features where rows wait for that. Whether that started a monitor. */
  settle(): boolean {
    let started = false
    for (const { watched } of this.#models.values()) {
      try {
        started = watched.settle() || started
      } catch (error) {
        this.warn('internal', watched.name, String(error))
      }
    }
    return started
  }

  /** @returns the number of requests so far */
  countRequest(): number {
    return ++this.#requests
  }

  /** Entries of the configuration that no model was found for, in words. */
  get unmatched(): readonly string[] {
    return this.config.models
      .filter((model) => !this.#matched.has(model) && model.config?.watch !== false)
      .map(({ config, manifest, baseline }) =>
        config === null ? `the shape of ${(manifest ?? baseline)?.model.name}` : describeMatch(config.match),
      )
  }

  /** Says once what is watched. */
  announce(): void {
    if (this.#announced) return
    this.#announced = true
    this.#cancelAnnouncement?.()
    this.#options.print(
      `driftline: ${this.#describe()}; metrics go to ${describeDestination(this.#options.environment)} every ${this.#intervalMillis / 1000} s`,
    )
  }

  /** For a process that ends before the line was due. */
  announceModels(): void {
    if (this.#models.size > 0) this.announce()
  }

  #announceSoon(delayMillis: number): void {
    if (this.#announced) return
    this.#cancelAnnouncement?.()
    this.#cancelAnnouncement = this.#options.clock.after(delayMillis, () => this.announce(), { hold: false })
  }

  #describe(): string {
    const models = [...this.#models.values()]
    const libraries = this.#libraries.map(({ name, version }) => (version === null ? name : `${name} ${version}`))
    if (models.length === 0)
      return libraries.length === 0 ? 'no model seen yet' : `${libraries.join(', ')} found, but no model seen yet`
    const seen = models.flatMap(({ watched, sightings }) =>
      sightings.slice(0, 1).map(({ library, libraryVersion, name }) => {
        const from = libraryVersion === null ? library : `${library} ${libraryVersion}`
        return `${from} (${name} as ${watched.name} ${watched.version})`
      }),
    )
    return `watching ${seen.join(', ')}`
  }

  #sight(sighting: ModelSighting): ModelTap | null {
    const entry = this.#entryFor(sighting) ?? this.#givenEntry(sighting)
    const { witness } = this.#options
    if (entry === null || entry?.config?.watch === false || (entry === undefined && !this.config.discover)) {
      witness?.sighted(sighting, null)
      return null
    }
    const known = this.#knownModel(sighting, entry)
    if (known === null) return null
    if (++this.#taps > maxTaps) {
      this.warn('internal', 'sightings', `more than ${maxTaps} models were opened; later ones are not watched`)
      return null
    }
    const { name, version, manifest, baseline } = known.watched
    const tap = new SightedModelTap({
      sighting,
      watched: known.watched,
      config: entry?.config ?? null,
      warn: (kind, subject, reason) => this.warn(kind, subject, reason),
      witness: witness?.sighted(sighting, { name, version, described: manifest !== null || baseline !== null }),
    })
    known.taps.push(tap)
    known.sightings.push(sighting)
    this.#checkArtefact(known.watched, sighting)
    return tap
  }

  #entryFor(sighting: ModelSighting): LoadedModel | undefined {
    const { models } = this.config
    const matched = matchModel(sighting, models)
    if (matched !== undefined) {
      this.#matched.add(matched)
      return matched
    }
    const only = models.length === 1 ? models[0]! : undefined
    if (only?.config !== null || only === undefined || !hasShapeOf(only, sighting)) return undefined
    // The first of that shape, and the same opened again.
    const first = this.#models.get(entryKey(models, only))?.sightings[0]
    if (first !== undefined && !isSame(first, sighting)) return undefined
    this.#matched.add(only)
    return only
  }

  /** What the application says itself; undefined when it says nothing, null when that is wrong. */
  #givenEntry({ given, name }: ModelSighting): LoadedModel | undefined | null {
    if (given === undefined) return undefined
    const problems: Problems = []
    const manifest = given.manifest === undefined ? null : readManifest(given.manifest, problems)
    const baseline = given.baseline === undefined ? null : readBaseline(given.baseline, problems)
    if (problems.length === 0) return { config: null, manifest, baseline }
    this.warn('configuration', name, problems.join('; '))
    return null
  }

  #knownModel(sighting: ModelSighting, entry: LoadedModel | undefined): KnownModel | null {
    const key =
      entry === undefined || !this.config.models.includes(entry)
        ? [sighting.kind, sighting.name, sighting.file, sighting.artefactDigest].join('\0')
        : entryKey(this.config.models, entry)
    const known = this.#models.get(key)
    if (known !== undefined) return known
    if (this.#models.size >= maxModels) {
      this.warn('internal', 'models', `more than ${maxModels} different models; later ones are not watched`)
      return null
    }
    const manifest = entry?.manifest ?? null
    const baseline = entry?.baseline ?? null
    const described = manifest?.model ?? baseline?.model
    const given = entry?.config?.model
    const name = given?.name ?? described?.name ?? this.#nameFor(sighting, key)
    const version = given?.version ?? described?.version ?? sighting.given?.version ?? defaultVersion(sighting)
    const watched = new WatchedModel({
      name,
      version,
      manifest,
      baseline,
      features: described === undefined ? sighting.given?.features : undefined,
      monitorOptions: {
        exportIntervalMillis: this.#intervalMillis,
        ...(this.config.collector === null ? {} : { collector: this.config.collector }),
        ...(this.#options.witness === undefined ? {} : { export: false, collector: false as const }),
        ...(this.#instance === undefined ? {} : { instance: this.#instance }),
      },
      clock: this.#options.clock,
      intervalMillis: this.#intervalMillis,
      warn: (kind, reason) => this.warn(kind, name, reason),
    })
    const model = { watched, taps: [], sightings: [] }
    this.#models.set(key, model)
    return model
  }

  /** Two files of one name are two models, not two versions of one. */
  #nameFor(sighting: ModelSighting, key: string): string {
    const short = defaultName(sighting)
    const subject = sighting.file ?? key
    const name = (this.#names.get(short) ?? subject) === subject ? short : longerName(sighting)
    this.#names.set(name, subject)
    return name
  }

  #checkArtefact({ name, manifest }: WatchedModel, { artefactDigest, name: seen }: ModelSighting): void {
    const expected = manifest?.artefact?.digest
    if (expected === undefined || artefactDigest === null || expected === artefactDigest) return
    this.warn('artefact-mismatch', name, `${seen} has digest ${artefactDigest}, but the manifest says ${expected}`)
  }
}

function entryKey(models: readonly LoadedModel[], entry: LoadedModel): string {
  return `entry ${models.indexOf(entry)}`
}

function isSame(a: ModelSighting, b: ModelSighting): boolean {
  if (a.artefactDigest !== null && a.artefactDigest === b.artefactDigest) return true
  return a.kind === b.kind && a.name === b.name && a.file === b.file
}
