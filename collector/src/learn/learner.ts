import type { Baseline } from '@driftline/instrumentation/contract'
import { freezeBaseline, FreezeError } from '../baseline/freeze-baseline.ts'
import type { Clock } from '../clock.ts'
import type { ModelVersionSummary, Store } from '../store/store.ts'
import { countRows } from './count-rows.ts'
import { formatCount } from '../diagnose/words.ts'
import {
  defaultLearnSettings,
  isLearnt,
  learningOf,
  learningText,
  type Learning,
  type LearnSettings,
} from './learning.ts'
import { learnSliceMs, readSlices } from './read-slices.ts'

export interface LearnerOptions {
  readonly store: Store
  readonly clock: Pick<Clock, 'now'>
  /** False: nothing is frozen unless a person asks for it. */
  readonly settings: LearnSettings | false
  /** Called when a version has got a baseline, so that evaluation takes it up. */
  readonly onFrozen: (model: string, version: string) => void
  readonly log: (line: string) => void
}

/** What came of a freeze. */
export interface Frozen {
  readonly digest: string
  readonly baseline: Baseline
  readonly notes: readonly string[]
}

/** Why a person's freeze was refused: `status` as HTTP has it. */
export class FreezeRefusal extends Error {
  override readonly name = 'FreezeRefusal'
  readonly status: 404 | 409
  constructor(status: 404 | 409, message: string) {
    super(message)
    this.status = status
  }
}

export interface Learner {
  /** Looks at every version without a baseline, and freezes those that have learned enough. Never rejects. */
  tick(): Promise<void>
  /** Null for a version that has a baseline or no data, and while learning is turned off. */
  progress(model: string, version: string): Promise<Learning | null>
  /**
   * Freezes at once.
   *
   * @throws FreezeRefusal for an unknown version, too few rows, or one that has a baseline already unless it is to be replaced
   */
  freeze(model: string, version: string, options?: { readonly replace?: boolean }): Promise<Frozen>
}

/** After a freeze that was not possible it is tried again when there are so many more rows. */
const retryGrowth = 1.1

/** What is known of a version that learns. All of it can be read again from the store. */
interface LearningState {
  /** Blocks up to this sequence are counted. */
  cursor: number
  /** By start of the slice. */
  readonly rows: Map<number, number>
  told: boolean
  retryAtRows: number
}

/** Decides when a model version without a baseline gets one made of its own data, and makes it. */
export function createLearner({ store, clock, settings, onFrozen, log }: LearnerOptions): Learner {
  const states = new Map<string, LearningState>()
  /** What was last said of a version that failed; '' for the list of them. */
  const failures = new Map<string, string>()
  /** One thing at a time: a freeze by hand shall not meet one of its own accord. */
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = queue.then(work)
    queue = result.catch(() => undefined)
    return result
  }

  async function tick(): Promise<void> {
    if (settings === false) return
    try {
      const versions = await store.modelVersions()
      const learning = new Set(versions.filter(isLearning).map(keyOf))
      for (const key of states.keys()) if (!learning.has(key)) states.delete(key)
      for (const key of failures.keys()) if (!learning.has(key)) failures.delete(key)
      for (const version of versions.filter(isLearning)) {
        // What is wrong with one model is no matter of the next.
        try {
          await inTurn(() => learn(version, settings))
          failures.delete(keyOf(version))
        } catch (error) {
          logFailure(keyOf(version), `learning ${version.model} ${version.version}`, error)
        }
      }
    } catch (error) {
      logFailure('', 'learning', error)
    }
  }

  /** Once per failure, not once per tick. */
  function logFailure(key: string, what: string, error: unknown): void {
    const text = `${what} failed and will be tried again: ${error instanceof Error ? error.message : String(error)}`
    if (failures.get(key) !== text) log(text)
    failures.set(key, text)
  }

  async function learn(version: ModelVersionSummary & { readonly firstMs: number }, own: LearnSettings): Promise<void> {
    const name = `${version.model} ${version.version}`
    const state = await counted(version)
    const learning = learningOf(own, sumOf(state.rows), version.firstMs)
    if (!state.told && learning.rows > 0) {
      state.told = true
      const until = new Date(learning.untilMs).toISOString()
      const fewer = isLearnt(learning, clock.now())
        ? ''
        : `; from ${until} on ${formatCount(own.minimumRows)} are enough`
      log(`${name} has no baseline: ${learningText(learning)}${fewer}`)
    }
    if (!isLearnt(learning, clock.now()) || learning.rows < state.retryAtRows) return
    // A baseline may have been put since the versions were listed.
    if ((await store.baselineFor(version.model, version.version)) !== null) return
    try {
      await make(version, [...state.rows.keys()], own.minimumRows)
    } catch (error) {
      if (!(error instanceof FreezeError || error instanceof FreezeRefusal)) throw error
      state.retryAtRows = Math.ceil(learning.rows * retryGrowth)
      // Old data may have been deleted meanwhile.
      state.cursor = 0
      state.rows.clear()
      log(`${name}: no baseline could be made yet: ${error.message}`)
    }
  }

  /** Rows by slice, up to now. */
  async function counted({ model, version }: { model: string; version: string }): Promise<LearningState> {
    const key = keyOf({ model, version })
    let state = states.get(key)
    if (state === undefined) states.set(key, (state = { cursor: 0, rows: new Map(), told: false, retryAtRows: 0 }))
    for (;;) {
      const touched = await store.touchedSlices(model, version, learnSliceMs, state.cursor)
      if (touched.length === 0) return state
      for (const { startMs } of touched)
        state.rows.set(startMs, countRows(await store.totals(model, version, startMs, startMs + learnSliceMs)))
      state.cursor = Math.max(...touched.map(({ lastSequence }) => lastSequence))
    }
  }

  async function make(
    { model, version, firstMs, lastMs }: ModelVersionSummary,
    occupied: readonly number[],
    minimumRows: number,
  ): Promise<Frozen> {
    const starts = [...occupied].sort((a, b) => a - b)
    const slices = await readSlices(store, {
      model,
      version,
      occupied: starts,
      firstMs: firstMs ?? 0,
      lastMs: lastMs ?? 0,
    })
    const manifest = await store.manifestFor(model, version)
    const { baseline, notes } = freezeBaseline({
      model: { name: model, version },
      createdAt: new Date(clock.now()).toISOString(),
      slices,
      manifest: manifest?.manifest ?? null,
    })
    if (baseline.rows < minimumRows)
      throw new FreezeRefusal(
        409,
        `${model} ${version} has ${formatCount(baseline.rows)} rows, and needs ${formatCount(minimumRows)}`,
      )
    const digest = await store.putBaseline(baseline)
    states.delete(keyOf({ model, version }))
    onFrozen(model, version)
    log(
      [`${model} ${version}: froze a baseline of ${formatCount(baseline.rows)} rows, ${digest}`, ...notes].join('\n  '),
    )
    return { digest, baseline, notes }
  }

  async function freeze(model: string, version: string, { replace = false } = {}): Promise<Frozen> {
    const found = (await store.modelVersions()).find((one) => one.model === model && one.version === version)
    if (found === undefined || found.firstMs === null) throw new FreezeRefusal(404, `no data of ${model} ${version}`)
    const exists = found.baselineDigest !== null
    if (exists && !replace)
      throw new FreezeRefusal(409, `${model} ${version} has the baseline ${found.baselineDigest}; ask to replace it`)
    const own = settings === false ? defaultLearnSettings : settings
    // A baseline that is replaced was usual once; the new one is made of what came lately.
    const fromMs = exists ? clock.now() - own.hours * 3_600_000 : 0
    const state = await counted({ model, version })
    const occupied = [...state.rows.keys()].filter((startMs) => startMs + learnSliceMs > fromMs)
    if (exists) states.delete(keyOf({ model, version }))
    const rows = occupied.reduce((sum, startMs) => sum + state.rows.get(startMs)!, 0)
    if (rows < own.minimumRows) {
      const since = exists ? ` of the last ${own.hours} hours` : ''
      throw new FreezeRefusal(
        409,
        `${model} ${version} has ${formatCount(rows)} rows${since}; at least ${formatCount(own.minimumRows)} are needed`,
      )
    }
    try {
      return await make(found, occupied, own.minimumRows)
    } catch (error) {
      if (error instanceof FreezeError) throw new FreezeRefusal(409, `${model} ${version}: ${error.message}`)
      throw error
    }
  }

  return {
    tick,
    async progress(model, version) {
      if (settings === false) return null
      const found = (await store.modelVersions()).find((one) => one.model === model && one.version === version)
      if (found === undefined || !isLearning(found)) return null
      const state = await inTurn(() => counted(found))
      return learningOf(settings, sumOf(state.rows), found.firstMs)
    },
    freeze: (model, version, options) => inTurn(() => freeze(model, version, options)),
  }
}

function isLearning(version: ModelVersionSummary): version is ModelVersionSummary & { readonly firstMs: number } {
  return version.baselineDigest === null && version.firstMs !== null
}

function sumOf(rows: ReadonlyMap<number, number>): number {
  let sum = 0
  for (const own of rows.values()) sum += own
  return sum
}

function keyOf({ model, version }: { readonly model: string; readonly version: string }): string {
  return `${model}\u0001${version}`
}
