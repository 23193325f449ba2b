import type { Block, BlockShape, Scope } from '../../observation/block.ts'
import type { SegmentTotals } from '../store.ts'
import { packTotals } from './packed-totals.ts'
import { fieldsPerBlock, type PackedCall, type WindowRow } from './protocol.ts'
import { encodeShapedValues, maximumBytes, storedShape, type ShapedValues } from './stored-shape.ts'

/**
 * The receiving thread's half of packing: encodes values and gives numbers to shapes and scopes, so that a call carries
 * neither series lists nor eight strings per block that the writer knows already.
 */
export class CallPacker {
  /**
   * UTF-16 units of the keys of known shapes and scopes. Beyond it all are forgotten on both sides: a sender whose exports are each
   * of another shape must not fill the memory. A recorder of 1,000 histograms takes some 150,000.
   */
  static readonly #keptKeyUnits = 32_000_000
  /** What a scope or shape weighs beside its key. */
  static readonly #keyOverhead = 300
  #bytes = new Uint8Array(1 << 16)
  #length = 0
  #nextNumber = 1
  #forget = false
  #shapes: { id: number; shape: ReturnType<typeof storedShape> }[] = []
  #scopes: { id: number; scope: Scope }[] = []
  #numberOfShape = new WeakMap<BlockShape, number>()
  #numberOfScope = new WeakMap<Scope, number>()
  readonly #numberByShapeKey = new Map<string, number>()
  readonly #numberByScopeKey = new Map<string, number>()
  #keyUnits = 0

  packBlocks(blocks: readonly Block[]): PackedCall & { readonly blocks: Float64Array } {
    this.#begin()
    const fields = new Float64Array(blocks.length * fieldsPerBlock)
    let next = 0
    for (const block of blocks) {
      checkInterval(block)
      fields[next++] = this.#scopeNumber(block.scope)
      fields[next++] = this.#shapeNumber(block.shape)
      fields[next++] = block.startMicros
      fields[next++] = block.endMicros
      fields[next++] = this.#length
      fields[next++] = this.#encode(block)
    }
    return { ...this.#finish(), blocks: fields }
  }

  packWindows(segments: readonly SegmentTotals[]): PackedCall & { readonly windows: WindowRow[] } {
    this.#begin()
    const windows = segments.map(({ segment, baselineDigest, totals, instances, throughSequence }) => {
      const packed = packTotals(totals)
      const firstByte = this.#length
      const bytes = this.#encode(packed)
      const shape = this.#shapeNumber(packed.shape)
      return { segment, baselineDigest, instances, throughSequence, shape, firstByte, bytes }
    })
    return { ...this.#finish(), windows }
  }

  #begin(): void {
    this.#length = 0
    if (this.#keyUnits < CallPacker.#keptKeyUnits) return
    this.#keyUnits = 0
    this.#numberByShapeKey.clear()
    this.#numberByScopeKey.clear()
    this.#numberOfShape = new WeakMap()
    this.#numberOfScope = new WeakMap()
    this.#shapes = []
    this.#scopes = []
    this.#forget = true
  }

  /** Definitions stay with the packer until a call takes them, so a call that fails while packing loses none. */
  #finish(): PackedCall {
    // A copy of exactly the bytes in use, which is transferred.
    const call = {
      forget: this.#forget,
      shapes: this.#shapes,
      scopes: this.#scopes,
      data: this.#bytes.slice(0, this.#length).buffer,
    }
    this.#forget = false
    this.#shapes = []
    this.#scopes = []
    return call
  }

  #encode(item: ShapedValues): number {
    if (item.values.length !== item.shape.width) {
      throw new RangeError(`a block has ${item.values.length} values where its shape asks for ${item.shape.width}`)
    }
    const needed = this.#length + maximumBytes(item.shape)
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
      larger.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = larger
    }
    const start = this.#length
    this.#length = encodeShapedValues(item, this.#bytes, start)
    return this.#length - start
  }

  #shapeNumber(shape: BlockShape): number {
    let number = this.#numberOfShape.get(shape)
    if (number !== undefined) return number
    const stored = storedShape(shape)
    number = this.#numberByShapeKey.get(stored.key)
    if (number === undefined) {
      number = this.#newNumber(this.#numberByShapeKey, stored.key)
      this.#shapes.push({ id: number, shape: { key: stored.key, series: stored.series } })
    }
    this.#numberOfShape.set(shape, number)
    return number
  }

  #scopeNumber(scope: Scope): number {
    let number = this.#numberOfScope.get(scope)
    if (number !== undefined) return number
    const { model, version, segment, instance, service, environment, manifestDigest, baselineDigest } = scope
    const parts = [model, version, segment, instance, service, environment, manifestDigest, baselineDigest]
    const key = JSON.stringify(parts)
    number = this.#numberByScopeKey.get(key)
    if (number === undefined) {
      number = this.#newNumber(this.#numberByScopeKey, key)
      this.#scopes.push({
        id: number,
        scope: { model, version, segment, instance, service, environment, manifestDigest, baselineDigest },
      })
    }
    this.#numberOfScope.set(scope, number)
    return number
  }

  #newNumber(numbers: Map<string, number>, key: string): number {
    const number = this.#nextNumber++
    numbers.set(key, number)
    this.#keyUnits += key.length + CallPacker.#keyOverhead
    return number
  }
}

/** One bad block must not take the other requests of its commit down with it. */
function checkInterval({ startMicros, endMicros }: Block): void {
  if (
    !Number.isSafeInteger(startMicros) ||
    !Number.isSafeInteger(endMicros) ||
    startMicros < 0 ||
    startMicros >= endMicros
  ) {
    throw new RangeError(
      `a block's interval must be whole microseconds since 1970, start before end; got ${startMicros} to ${endMicros}`,
    )
  }
}
