import {
  attributes as attributeNames,
  layoutKey,
  type BucketLayout,
  type LogLinearLayout,
  type MetricDefinition,
} from '@driftline/instrumentation/contract'
import {
  makeShape,
  seriesKey,
  seriesWidth,
  type AttributeValue,
  type BlockShape,
  type Scope,
  type Series,
} from '../observation/block.ts'
import { GenerationCache } from './generation-cache.ts'
import type { KeyValue } from './otlp-tree.ts'
import type { ReceiveLimits } from './receive-limits.ts'
import { rejection, type Rejection } from './rejections.ts'
import { checkAttributes, checkBounds } from './validate-point.ts'

/** Metric and attributes of a point, without layout. */
export interface SeriesTemplate {
  readonly metric: string
  readonly attributes: Readonly<Record<string, AttributeValue>>
  /** As of `seriesKey`. */
  readonly key: string
  /** 53 bits of a hash of the key. */
  readonly hash: number
  /** Parts of the scope's identity that stand on the point; null when there are none. */
  readonly identity: PointIdentity | null
  /** The series that was last seen with this metric and attributes: nearly always the next one too. */
  last: SeriesEntry | null
}

/** What identifies a model can stand on points, for backends and exporters that lose scope attributes. Equal ones are the same object. */
export type PointIdentity = Readonly<
  Partial<Pick<Scope, 'model' | 'version' | 'segment' | 'manifestDigest' | 'baselineDigest'>>
>

export interface LayoutEntry {
  readonly layout: BucketLayout | null
  readonly key: string
}

/** One series as blocks hold it. Equal series are nearly always the same object. */
export interface SeriesEntry {
  readonly id: number
  readonly template: SeriesTemplate
  readonly layoutEntry: LayoutEntry
  readonly series: Series
  readonly width: number
}

/** The series of one block, in order. */
export interface BlockPlan {
  readonly entries: readonly SeriesEntry[]
  readonly shape: BlockShape
}

/** Attribute name on the point, by the part of the scope that it stands for. */
export const identityAttributes: readonly (readonly [keyof PointIdentity, string])[] = [
  ['model', attributeNames.modelName.name],
  ['version', attributeNames.modelVersion.name],
  ['segment', attributeNames.segment.name],
  ['manifestDigest', attributeNames.manifestDigest.name],
  ['baselineDigest', attributeNames.baselineDigest.name],
]
const identityPart = new Map(identityAttributes.map(([part, name]) => [name, part]))

/** Layout of a sum: none. */
export const sumLayout: LayoutEntry = { layout: null, key: '' }

/**
 * Capacities in UTF-16 units of the keys, about the bytes they take. Each holds what a hundred recorders of a thousand series send,
 * and no more than a few dozen MiB of whatever an attacker sends.
 */
const templateCapacity = 16_000_000
const entryCapacity = 16_000_000
const layoutCapacity = 8_000_000
const planCapacity = 32_000_000
/** What an entry weighs beside its key. */
const entryOverhead = 300

/**
 * Remembers series, layouts and shapes, so that the second export of a recorder costs a lookup per point. Attribute and bounds lists
 * are known by the array itself (the decoders hand out the same one for equal content), everything else by content.
 */
export class SeriesCatalogue {
  readonly #limits: ReceiveLimits
  /** By attribute list; one template or refusal per metric that was seen with it. */
  readonly #templates = new GenerationCache<readonly KeyValue[], TemplateResult[]>(templateCapacity)
  readonly #identities = new GenerationCache<string, PointIdentity>(layoutCapacity)
  readonly #layoutsByBounds = new GenerationCache<readonly number[], LayoutEntry | Rejection>(layoutCapacity)
  readonly #layouts = new GenerationCache<string, LayoutEntry>(layoutCapacity)
  readonly #entries = new GenerationCache<string, SeriesEntry>(entryCapacity)
  readonly #plans = new GenerationCache<number, BlockPlan>(planCapacity)
  #nextId = 1

  constructor(limits: ReceiveLimits) {
    this.#limits = limits
  }

  template(definition: MetricDefinition, attributes: readonly KeyValue[]): SeriesTemplate | Rejection {
    let results = this.#templates.get(attributes)
    if (results !== undefined) {
      for (let i = 0; i < results.length; i++) {
        if (results[i]!.definition === definition) return results[i]!.result
      }
    }
    const result = this.#makeTemplate(definition, attributes)
    if (results === undefined) {
      results = []
      this.#templates.set(attributes, results, entryOverhead + ('key' in result ? 2 * result.key.length : 0))
    }
    results.push({ definition, result })
    return result
  }

  #makeTemplate(definition: MetricDefinition, list: readonly KeyValue[]): SeriesTemplate | Rejection {
    const problem = checkAttributes(list, this.#limits)
    if (problem !== null) return problem
    const own: [string, AttributeValue][] = []
    const identity: { -readonly [K in keyof PointIdentity]: string } = {}
    for (const { key, value } of list) {
      const part = identityPart.get(key)
      const plain = value as AttributeValue
      if (part === undefined) own.push([key, plain])
      else if (plain !== '') identity[part] = String(plain)
    }
    for (const name of definition.required) {
      if (!own.some(([key]) => key === name)) return rejection('missing_attribute', `has no attribute ${name}`)
    }
    // A baseline cannot name it, so nothing would ever be learned from the model. Other attributes may be empty, such as a category.
    if (own.some(([key, value]) => key === attributeNames.featureName.name && value === ''))
      return rejection('bad_attributes', `has an empty ${attributeNames.featureName.name}`)
    own.sort(([a], [b]) => (a < b ? -1 : 1))
    // A null prototype would not survive a copy; a key such as __proto__ becomes a property this way, too.
    const attributes = Object.fromEntries(own)
    const key = seriesKey(definition.name, attributes)
    return {
      metric: definition.name,
      attributes,
      key,
      hash: hash53(key),
      identity: this.#identity(identity),
      last: null,
    }
  }

  #identity(identity: PointIdentity): PointIdentity | null {
    const key = JSON.stringify(identity)
    if (key === '{}') return null
    let known = this.#identities.get(key)
    if (known === undefined) {
      known = identity
      this.#identities.set(key, known, key.length + entryOverhead)
    }
    return known
  }

  /** The layout with the given bounds, or what is wrong with them. */
  explicitLayout(bounds: readonly number[]): LayoutEntry | Rejection {
    let result = this.#layoutsByBounds.get(bounds)
    if (result === undefined) {
      result = checkBounds(bounds, this.#limits) ?? this.#layout({ kind: 'explicit', bounds })
      this.#layoutsByBounds.set(bounds, result, 8 * bounds.length + entryOverhead)
    }
    return result
  }

  logLinearLayout(layout: LogLinearLayout): LayoutEntry {
    return this.#layout(layout)
  }

  #layout(layout: BucketLayout): LayoutEntry {
    const key = layoutKey(layout)
    let entry = this.#layouts.get(key)
    if (entry === undefined) {
      entry = { layout, key }
      this.#layouts.set(key, entry, 2 * key.length + entryOverhead)
    }
    return entry
  }

  entry(template: SeriesTemplate, layoutEntry: LayoutEntry): SeriesEntry {
    const { last } = template
    if (last !== null && (last.layoutEntry === layoutEntry || last.layoutEntry.key === layoutEntry.key)) return last
    const key = `${template.key}\u0003${layoutEntry.key}`
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      const series = { metric: template.metric, attributes: template.attributes, layout: layoutEntry.layout }
      entry = { id: this.#nextId++, template, layoutEntry, series, width: seriesWidth(series) }
      this.#entries.set(key, entry, key.length + entryOverhead)
    }
    template.last = entry
    return entry
  }

  /** The plan for exactly these series, when it is known. */
  findPlan(entries: readonly SeriesEntry[]): BlockPlan | undefined {
    const plan = this.#plans.get(hashOfIds(entries))
    if (plan === undefined || plan.entries.length !== entries.length) return undefined
    for (let i = 0; i < entries.length; i++) if (plan.entries[i] !== entries[i]) return undefined
    return plan
  }

  makePlan(entries: readonly SeriesEntry[]): BlockPlan {
    const shape = makeShape(entries.map((entry) => entry.series))
    const plan = { entries, shape }
    this.#plans.set(hashOfIds(entries), plan, shape.key.length + 16 * entries.length + entryOverhead)
    return plan
  }
}

interface TemplateResult {
  readonly definition: MetricDefinition
  readonly result: SeriesTemplate | Rejection
}

function hashOfIds(entries: readonly SeriesEntry[]): number {
  let hash = entries.length
  for (let i = 0; i < entries.length; i++) {
    hash = Math.imul(hash ^ entries[i]!.id, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  return hash
}

/** Two 32-bit multiplicative hashes of the UTF-16 units, put together to 53 bits: enough to tell 200,000 series apart. */
function hash53(text: string): number {
  let low = 0x811c9dc5
  let high = 0xdeadbeef
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x9e3779b1)
    high ^= high >>> 13
  }
  low ^= low >>> 16
  return ((high >>> 11) & 0x1fffff) * 2 ** 32 + (low >>> 0)
}
