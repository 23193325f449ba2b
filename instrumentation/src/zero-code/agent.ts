import type { Clock } from '../clock.ts'
import type { MonitorStatistics } from '../monitor.ts'
import { DriftlineConfigError, readOptions, type MonitorOptions } from '../options.ts'
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

/** Taps of one process: one for each library, digest and shape of a model, however often it is opened. More than this are something that changes forever. */
const maxTaps = 1_000

/** Lines that say what is watched. Models that come later than these are in the statistics. */
const maxAnnouncements = 6

/** Names in a line of a model that no entry of the configuration means. */
const maxListed = 10

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
  /** By what they depend on: a session that is opened anew for every request gets the tap of the one before, and leaves nothing behind. */
  readonly taps: Map<string, SightedModelTap>
  /** The first of each tap. */
  readonly sightings: ModelSighting[]
  announced: boolean
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
  /** Models that no entry means, in words, by the kind of entry that could have. */
  readonly #unlisted = { file: new Set<string>(), task: new Set<string>() }
  readonly #toldUnmatched = new Set<LoadedModel>()
  readonly #intervalMillis: number
  readonly #instance: string | undefined
  readonly #monitorOptions: MonitorOptions
  /** Undefined until somebody needs to know: a process without a model is told nothing of exporters. */
  #settingsProblem: string | null | undefined
  #taps = 0
  #requests = 0
  #announcements = 0
  #cancelAnnouncement: (() => void) | null = null
  #waitsForUnlisted = false

  constructor(options: AgentOptions) {
    this.#options = options
    this.config = options.config
    this.#warnings = new WarningLog(options.print)
    const { millis, problem } = exportInterval(options.environment)
    this.#intervalMillis = millis
    if (problem !== null) this.warn('configuration', 'export interval', problem)
    this.#instance = inheritedInstance(options.environment)
    this.#monitorOptions = {
      exportIntervalMillis: this.#intervalMillis,
      ...this.#collectorOption(),
      ...(options.witness === undefined ? {} : { export: false, collector: false as const }),
      ...(this.#instance === undefined ? {} : { instance: this.#instance }),
    }
  }

  sight(sighting: ModelSighting): ModelTap | null {
    try {
      if (this.settingsProblem !== null) return null
      return this.#sight(sighting)
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
    if (this.#announcements === 0 && this.#unannounced.length === 0) this.#announceSoon(this.#intervalMillis)
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
        calls: [...taps.values()].reduce((sum, tap) => sum + tap.calls, 0),
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
    await Promise.all([...this.#models.values()].map(({ watched }) => watched.flush()))
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
    return this.#unmatchedModels.map(describeEntry)
  }

  get #unmatchedModels(): readonly LoadedModel[] {
    return this.config.models.filter((model) => !this.#matched.has(model) && model.config?.watch !== false)
  }

  /** Why no model can be monitored in this environment, in words; null when models can be. */
  get settingsProblem(): string | null {
    if (this.#settingsProblem !== undefined) return this.#settingsProblem
    this.#settingsProblem = null
    try {
      const anyModel = { model: { name: 'any', version: '1' }, features: [] }
      readOptions({ ...anyModel, ...this.#monitorOptions }, this.#options.environment)
    } catch (error) {
      this.#settingsProblem = error instanceof DriftlineConfigError ? error.problems.join('; ') : String(error)
      this.warn('configuration', 'nothing is watched', this.#settingsProblem)
    }
    return this.#settingsProblem
  }

  /**
   * Tells of entries of the configuration that were given in vain so far, each once.
   *
   * @param all `false`: only those beside which a model of their kind was seen that no entry means
   * @param where words on where they were looked for, if that is not everywhere
   */
  warnOfUnmatched(all: boolean, where = ''): void {
    const { file, task } = this.#unlisted
    const entries = this.#unmatchedModels.filter(
      ({ config }) =>
        all || (config?.match.task !== undefined ? task.size > 0 : config?.match.route === undefined && file.size > 0),
    )
    const untold = entries.filter((entry) => !this.#toldUnmatched.has(entry))
    if (untold.length === 0) return
    for (const entry of untold) this.#toldUnmatched.add(entry)
    const seen = [...file, ...task]
    const others = seen.length === 0 ? '' : `; seen, but not listed there: ${listed(seen)}`
    this.warn(
      'configuration',
      listed(untold.map(describeEntry)),
      `nothing matched that entry of the configuration so far${where}${others}`,
    )
  }

  /** Says what is watched, of models that were not told of yet; the first time also that there is none. */
  announce(): void {
    this.#cancelAnnouncement?.()
    this.#cancelAnnouncement = null
    const fresh = this.#unannounced
    if (this.#announcements > 0 && (fresh.length === 0 || this.#announcements >= maxAnnouncements)) return
    // What keeps everything from being watched was told, and no line says that it is.
    if (this.settingsProblem !== null) return
    this.#announcements++
    for (const model of fresh) model.announced = true
    this.#options.print(
      `driftline: ${this.#describe(fresh)}; metrics go to ${describeDestination(this.#options.environment)} every ${this.#intervalMillis / 1000} s`,
    )
  }

  /** For a process that ends before the line was due. */
  announceModels(): void {
    if (this.#unannounced.length > 0) this.announce()
  }

  get #unannounced(): readonly KnownModel[] {
    return [...this.#models.values()].filter(({ announced, watched }) => !announced && !watched.failed)
  }

  #announceSoon(delayMillis: number): void {
    if (this.#announcements >= maxAnnouncements) return
    this.#cancelAnnouncement?.()
    this.#cancelAnnouncement = this.#options.clock.after(delayMillis, () => this.announce(), { hold: false })
  }

  #describe(models: readonly KnownModel[]): string {
    const libraries = this.#libraries.map(({ name, version }) => (version === null ? name : `${name} ${version}`))
    if (models.length === 0) {
      const found = libraries.length === 0 ? '' : `${libraries.join(', ')} found, but `
      if (this.#models.size > 0) return `${found}no model can be watched; the warnings before say why`
      if (this.#unlisted.file.size + this.#unlisted.task.size > 0) return `${found}no model that is to be watched`
      return `${found}no model seen yet`
    }
    const seen = models.flatMap(({ watched, sightings }) =>
      sightings.slice(0, 1).map(({ library, libraryVersion, name }) => {
        const from = libraryVersion === null ? library : `${library} ${libraryVersion}`
        return `${from} (${name} as ${watched.name} ${watched.version})`
      }),
    )
    return `watching ${seen.join(', ')}`
  }

  /** A bad address turns off only what it is for. */
  #collectorOption(): Pick<MonitorOptions, 'collector'> {
    if (this.config.collector !== null) return { collector: this.config.collector }
    const { DRIFTLINE_COLLECTOR_URL: variable } = this.#options.environment
    if (variable === undefined || variable === '' || variable === 'false') return {}
    if (URL.canParse(variable) && /^https?:$/.test(new URL(variable).protocol)) return {}
    this.warn(
      'configuration',
      'DRIFTLINE_COLLECTOR_URL',
      'an http or https URL or false is needed; frozen baselines are not fetched',
    )
    return { collector: false }
  }

  #sight(sighting: ModelSighting): ModelTap | null {
    const configured = this.#entryFor(sighting)
    if (configured === undefined) this.#noteUnlisted(sighting)
    const entry = configured ?? this.#givenEntry(sighting)
    const { witness } = this.#options
    if (entry === null || entry?.config?.watch === false || (entry === undefined && !this.config.discover)) {
      witness?.sighted(sighting, null)
      return null
    }
    const known = this.#knownModel(sighting, entry)
    if (known === null) return null
    this.#checkArtefact(known.watched, sighting)
    // Of the first alone: a session for every request would put the line off for as long as requests come.
    if (known.taps.size === 0 && !known.watched.failed) this.#announceSoon(announceAfterMillis)
    const key = tapKey(sighting)
    const before = known.taps.get(key)
    if (before !== undefined) return before
    if (this.#taps >= maxTaps) {
      this.warn(
        'internal',
        'sightings',
        `more than ${maxTaps} different models were opened; later ones are not watched`,
      )
      return null
    }
    this.#taps++
    const { name, version, manifest, baseline } = known.watched
    const tap = new SightedModelTap({
      sighting,
      watched: known.watched,
      config: entry?.config ?? null,
      warn: (kind, subject, reason) => this.warn(kind, subject, reason),
      witness: witness?.sighted(sighting, { name, version, described: manifest !== null || baseline !== null }),
    })
    known.taps.set(key, tap)
    known.sightings.push(sighting)
    return tap
  }

  /** A model that no entry means, beside an entry that means no model: most likely a slip in its name. An interval later, for others may come. */
  #noteUnlisted({ kind, name }: ModelSighting): void {
    if (this.config.models.length === 0 || kind === 'route' || kind === 'object') return
    const names = kind === 'pipeline' ? this.#unlisted.task : this.#unlisted.file
    if (names.size < maxListed) names.add(name)
    if (this.#waitsForUnlisted) return
    this.#waitsForUnlisted = true
    this.#options.clock.after(this.#intervalMillis, () => this.warnOfUnmatched(false), { hold: false })
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
      monitorOptions: this.#monitorOptions,
      clock: this.#options.clock,
      intervalMillis: this.#intervalMillis,
      warn: (kind, reason) => this.warn(kind, name, reason),
    })
    const model = { watched, taps: new Map(), sightings: [], announced: false }
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

function describeEntry({ config, manifest, baseline }: LoadedModel): string {
  return config === null ? `the shape of ${(manifest ?? baseline)?.model.name}` : describeMatch(config.match)
}

/** What a tap's reading depends on. Where the library does not describe the model, its first call does, and the place it came from must do. */
function tapKey({ library, kind, name, file, artefactDigest, inputs, outputs }: ModelSighting): string {
  const place = inputs === null || outputs === null ? [kind, name, file] : null
  return JSON.stringify([library, artefactDigest, inputs, outputs, place])
}

function listed(names: readonly string[]): string {
  const more = names.length - maxListed
  return names.slice(0, maxListed).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

function isSame(a: ModelSighting, b: ModelSighting): boolean {
  if (a.artefactDigest !== null && a.artefactDigest === b.artefactDigest) return true
  return a.kind === b.kind && a.name === b.name && a.file === b.file
}
