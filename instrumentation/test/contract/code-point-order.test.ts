import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { compareCodePoints } from '../../src/contract/index.ts'

it('orders texts by code point, unlike the default sort', () => {
  const texts = ['\u{1F600}', '\uFF5E', 'b', 'a', 'ab', '']
  expect(texts.sort(compareCodePoints)).toEqual(['', 'a', 'ab', 'b', '\uFF5E', '\u{1F600}'])
})

it('agrees with comparing arrays of code points', () => {
  const points = (text: string) => Array.from(text, (character) => character.codePointAt(0)!)
  const compare = (a: number[], b: number[]) => {
    const at = a.findIndex((point, i) => point !== b[i])
    return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1)
  }
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '\uD7FF', '\uE000', '\uFFFF', '\u{10000}', '\u{10FFFF}') })
  fc.assert(
    fc.property(text, text, (a, b) => Math.sign(compareCodePoints(a, b)) === Math.sign(compare(points(a), points(b)))),
  )
})
