import type { DetectorPlan, FeaturePlan } from '../plan.ts'
import { DetectorShape } from './detector-recorder.ts'
import { orderSlots, type SlotOrder } from './numeric-features.ts'

/** Times that the remembered key order is replaced; rows of ever-changing shape are then read by name, which is slower. */
const maxKeyOrders = 16

/** Keys of a row that are remembered, as a multiple of the features: a row may carry ids and the like. */
const maxKeysPerFeature = 4

/** A key of a row that is no feature. */
export const notAFeature: number = -(2 ** 30)

/**
 * How rows of a model are laid out, and what is noted of the one row that is being read. Shared by all segments,
 * which is safe because recording is synchronous and `ModelRecorder` refuses to be entered twice.
 */
export class RowShape {
  readonly names: readonly string[]
  /** For each feature its numeric slot, or the bit complement (~) of its place among the categorical features. */
  readonly places: readonly number[]
  /** Whether all features are numeric, each in the slot of its own number: a row of floats can be copied as it is. */
  readonly inSlotOrder: boolean
  readonly numericCount: number
  readonly categoricalCount: number
  readonly order: SlotOrder
  /** By slot, why the row that is being read has no number there: 0 it has one, else 1 + the reason. */
  readonly reasons: Uint8Array
  readonly categories: Int32Array
  readonly detector: DetectorShape | null
  readonly #placeByName: ReadonlyMap<string, number>
  /** Keys of the latest rows in the order in which `for in` gives them, with the place of each. */
  keys: readonly string[]
  keyPlaces: readonly number[]
  /** Features that rows with these keys lack as an own or enumerable property: a getter of their class may still have them. */
  absent: readonly number[] = []
  /** Those of them whose name any object has a member of, such as `constructor`. */
  absentMembers: readonly number[] = []
  /** By feature, whether any object has a member of its name. */
  readonly isMember: readonly boolean[]
  #keyOrders = 0

  constructor(features: readonly FeaturePlan[], detector: DetectorPlan | null = null) {
    this.names = features.map(({ name }) => name)
    this.order = orderSlots(features.flatMap((feature) => (feature.kind === 'numeric' ? [feature.bounds] : [])))
    let numericSeen = 0
    let categoricalSeen = 0
    this.isMember = this.names.map((name) => name in Object.prototype)
    this.places = features.map(({ kind }) =>
      kind === 'numeric' ? this.order.slots[numericSeen++]! : ~categoricalSeen++,
    )
    this.inSlotOrder = this.places.every((place, i) => place === i)
    this.numericCount = numericSeen
    this.categoricalCount = categoricalSeen
    this.reasons = new Uint8Array(numericSeen)
    this.categories = new Int32Array(categoricalSeen)
    this.detector = detector === null ? null : new DetectorShape(detector, this.places, numericSeen)
    this.#placeByName = new Map(this.names.map((name, i) => [name, this.places[i]!]))
    this.keys = this.names
    this.keyPlaces = this.places
  }

  /** Takes over the key order of a row that did not have the remembered one; false when that was done too often. May throw as the row does. */
  learnKeys(row: object): boolean {
    if (this.#keyOrders >= maxKeyOrders) return false
    this.#keyOrders++
    const keys: string[] = []
    for (const key in row) {
      keys.push(key)
      if (keys.length > maxKeysPerFeature * this.names.length) return false
    }
    const present = new Set(keys)
    this.keys = keys
    this.keyPlaces = keys.map((key) => this.#placeByName.get(key) ?? notAFeature)
    const absent = this.names.flatMap((name, i) => (present.has(name) ? [] : [i]))
    this.absent = absent.filter((feature) => !this.isMember[feature])
    this.absentMembers = absent.filter((feature) => this.isMember[feature])
    return true
  }
}

/** The value of a feature whose name any object has a member of: undefined when the row has just that, or its class a method. */
export function readMember(row: object, name: string): unknown {
  const value = (row as Record<string, unknown>)[name]
  if (Object.hasOwn(row, name)) return value
  // `__proto__` gives the prototype.
  return typeof value === 'function' || value === Object.getPrototypeOf(row) ? undefined : value
}
