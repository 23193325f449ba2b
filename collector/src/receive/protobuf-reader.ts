import { OtlpDecodeError } from './decode-error.ts'

/** How a field is laid out on the wire; groups (3 and 4) were never part of proto3. */
export const wire = { varint: 0, fixed64: 1, lengthDelimited: 2, fixed32: 5 } as const

const twoTo32 = 2 ** 32

/**
 * Reads protobuf primitives from a buffer. Every method is given the end of the message it reads in, and throws rather than
 * read past it. Numbers come back as doubles, because bigints cost more than all else in a histogram point.
 *
 * @see https://protobuf.dev/programming-guides/encoding/
 */
export class ProtobufReader {
  position = 0
  readonly bytes: Uint8Array
  readonly view: DataView

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Field number and wire type as one number, `field << 3 | type`. */
  tag(end: number): number {
    const byte = this.bytes[this.position]!
    if (byte < 0x80 && this.position < end) {
      if (byte < 8) throw this.error('field number 0')
      this.position++
      return byte
    }
    return this.#longTag(end)
  }

  #longTag(end: number): number {
    const start = this.position
    const tag = this.varint32(end)
    if (this.position - start > 5) throw this.error('a tag of more than 5 bytes', start)
    if (tag >>> 3 === 0) throw this.error('field number 0', start)
    return tag
  }

  /** Reads the length of a field and returns where the field ends. */
  fieldEnd(end: number): number {
    const start = this.position
    let length = this.bytes[start]!
    if (length < 0x80 && start < end) this.position++
    else {
      // Added up as a double, so that a claimed length above 2^32 is seen as what it is.
      length = this.varint64(end)
    }
    if (length > end - this.position)
      throw this.error(`a length of ${length} bytes where ${end - this.position} are left`, start)
    return this.position + length
  }

  /** The low 32 bits of a varint, unsigned. */
  varint32(end: number): number {
    let result = 0
    const start = this.position
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= end) throw this.error('the message ends inside a number', start)
      const byte = this.bytes[this.position++]!
      if (shift < 32) result |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) break
        return result >>> 0
      }
    }
    throw this.error('a number of more than 64 bits', start)
  }

  /** An unsigned varint; beyond 2^53 the nearest double. */
  varint64(end: number): number {
    const byte = this.bytes[this.position]!
    if (byte < 0x80 && this.position < end) {
      this.position++
      return byte
    }
    this.#readWords(end)
    return this.#high * twoTo32 + this.#low
  }

  /** A signed varint (int64): a double when it is exact, else a bigint. */
  signedVarint64(end: number): number | bigint {
    this.#readWords(end)
    const value = (this.#high | 0) * twoTo32 + this.#low
    if (Number.isSafeInteger(value)) return value
    return (BigInt(this.#high | 0) << 32n) | BigInt(this.#low)
  }

  #low = 0
  #high = 0

  #readWords(end: number): void {
    const start = this.position
    let low = 0
    let high = 0
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= end) throw this.error('the message ends inside a number', start)
      const byte = this.bytes[this.position++]!
      const bits = byte & 0x7f
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >>> 4
      } else high |= bits << (shift - 32)
      if (byte < 0x80) {
        if (shift === 63 && byte > 1) break
        this.#low = low >>> 0
        this.#high = high >>> 0
        return
      }
    }
    throw this.error('a number of more than 64 bits', start)
  }

  /** Zigzag-encoded 32-bit integer. */
  sint32(end: number): number {
    const raw = this.varint32(end)
    return (raw >>> 1) ^ -(raw & 1)
  }

  bool(end: number): boolean {
    return this.varint64(end) !== 0
  }

  double(end: number): number {
    const at = this.#advance(8, end)
    return this.view.getFloat64(at, true)
  }

  /** An unsigned 64-bit integer; beyond 2^53 the nearest double. */
  fixed64(end: number): number {
    const at = this.#advance(8, end)
    return this.view.getUint32(at + 4, true) * twoTo32 + this.view.getUint32(at, true)
  }

  /** A signed 64-bit integer; beyond 2^53 the nearest double. */
  sfixed64(end: number): number {
    const at = this.#advance(8, end)
    return this.view.getInt32(at + 4, true) * twoTo32 + this.view.getUint32(at, true)
  }

  /**
   * Nanoseconds as whole microseconds, rounded down. 2^32 = 4294967 * 1000 + 296, so the sum is exact in doubles for every
   * time up to the year 2255.
   */
  micros(end: number): number {
    const at = this.#advance(8, end)
    const high = this.view.getUint32(at + 4, true)
    const low = this.view.getUint32(at, true)
    return high * 4294967 + Math.floor((high * 296 + low) / 1000)
  }

  /** Moves over a field of unknown meaning whose tag was just read. */
  skip(tag: number, end: number): void {
    switch (tag & 7) {
      case wire.varint:
        this.varint64(end)
        return
      case wire.fixed64:
        this.#advance(8, end)
        return
      case wire.lengthDelimited:
        this.position = this.fieldEnd(end)
        return
      case wire.fixed32:
        this.#advance(4, end)
        return
      default:
        throw this.error(`wire type ${tag & 7} of field ${tag >>> 3}`)
    }
  }

  error(problem: string, offset: number = this.position): OtlpDecodeError {
    return new OtlpDecodeError(problem, '', offset)
  }

  #advance(length: number, end: number): number {
    const at = this.position
    if (length > end - at) throw this.error(`the message ends inside a number of ${length} bytes`)
    this.position = at + length
    return at
  }
}
