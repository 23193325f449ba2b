import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValues, encodeValues, maximumValueBytes } from '../../../src/store/sqlite/value-codec.ts'

function encode(values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(values.length * maximumValueBytes)
  return bytes.slice(0, encodeValues(values, bytes, 0))
}

const anyValue = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, Number.NaN, 239, 240, 2287, 2288, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32),
  fc.nat(300),
  fc.constant(0),
)

describe('packed values', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.array(anyValue, { maxLength: 600 }), (values) => {
        const bytes = encode(values)
        const back = new Float64Array(values.length + 1).fill(7)
        expect(decodeValues(bytes, 0, back, values.length)).toBe(bytes.length)
        expect([...back.subarray(0, values.length)]).toEqual(values)
        expect(back[values.length]).toBe(7)
      }),
      { numRuns: 2_000 },
    )
  })

  it.each([
    [[0], 1],
    [[0, 0], 2],
    [new Array(256).fill(0), 2],
    [new Array(257).fill(0), 3],
    [[239], 1],
    [[240], 2],
    [[2287], 2],
    [[2288], 3],
    [[65_536], 5],
    [[-1], 9],
    [[Number.NaN], 1],
  ])('%# take as many bytes as documented', (values, length) => {
    expect(encode(values)).toHaveLength(length)
  })

  it('are written and read from a position on', () => {
    const bytes = new Uint8Array(20)
    const end = encodeValues([300, 0.5], bytes, 3)
    expect([...bytes.subarray(0, 3)]).toEqual([0, 0, 0])
    const values = new Float64Array(2)
    expect(decodeValues(bytes, 3, values, 2)).toBe(end)
    expect([...values]).toEqual([300, 0.5])
  })

  it('are refused when they end early or make no sense, and never written past the end', () => {
    expect(() => decodeValues(encode([1, 2, 0.5]).subarray(0, 8), 0, new Float64Array(3), 3)).toThrow(RangeError)
    expect(() => decodeValues(Uint8Array.of(0xfc, 200), 0, new Float64Array(3), 3)).toThrow('damaged at byte 2')
    expect(() => decodeValues(Uint8Array.of(0xff), 0, new Float64Array(1), 1)).toThrow('damaged')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(60), (bytes, count) => {
        const values = new Float64Array(count + 1).fill(7)
        try {
          expect(decodeValues(bytes, 0, values, count)).toBeLessThanOrEqual(bytes.length)
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError)
        }
        expect(values[count]).toBe(7)
      }),
      { numRuns: 5_000 },
    )
  })
})
