import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { maxMeasuredUnits, measureText } from '../../src/patch/text-statistics.ts'

describe('measureText', () => {
  it('measures a sentence', () => {
    expect(measureText('The film, THE film: 2 hours!')).toEqual({
      characters: 28,
      words: 6,
      meanWordLength: (3 + 4 + 3 + 4 + 1 + 5) / 6,
      nonLetterShare: 4 / 23,
      upperShare: 4 / 19,
      distinctWordShare: 4 / 6,
    })
  })

  it('gives zeros for a text without words, and never a number that is none', () => {
    const nothing = { words: 0, meanWordLength: 0, upperShare: 0, distinctWordShare: 0 }
    expect(measureText('')).toEqual({ ...nothing, characters: 0, nonLetterShare: 0 })
    expect(measureText(' \n\t\u00a0\u3000')).toEqual({ ...nothing, characters: 5, nonLetterShare: 0 })
    expect(measureText('🙂🙂!')).toEqual({ ...nothing, characters: 3, nonLetterShare: 1 })
  })

  it.each([
    ['German', 'ÄRGER über Öl', { words: 3, upperShare: 6 / 11, meanWordLength: 11 / 3 }],
    ['Cyrillic', 'Привет мир', { words: 2, upperShare: 1 / 9, nonLetterShare: 0 }],
    ['Greek', 'ΟΔΟΣ οδοσ', { words: 2, distinctWordShare: 1 }],
    ['Arabic, with marks', 'مَرْحَبًا', { words: 1, upperShare: 0, nonLetterShare: 0 }],
    ['Hindi, with marks', 'नमस्ते दुनिया', { words: 2, nonLetterShare: 0 }],
    ['Japanese, without spaces', '映画は面白かった。', { words: 1, meanWordLength: 8, nonLetterShare: 1 / 9 }],
    ['letters beyond the first plane', '𝐀𝐛 𐐀𐐨', { characters: 5, words: 2, upperShare: 2 / 4 }],
    ['apostrophes', "don't ’tis rock'n'roll 'quoted'", { words: 4, meanWordLength: (5 + 3 + 11 + 6) / 4 }],
    ['halves of surrogate pairs', 'a\ud800b', { characters: 3, words: 2, nonLetterShare: 1 / 3 }],
  ])('knows the letters of %s', (_name, text, expected) => {
    expect(measureText(text)).toMatchObject(expected)
  })

  it('looks at the beginning of a huge text, and scales the counts', () => {
    const text = 'Word, '.repeat(1_000_000)
    const start = performance.now()
    const measured = measureText(text)
    // A thousand times what it takes, and a hundredth of what the whole text would.
    expect(performance.now() - start).toBeLessThan(1_000)
    expect(measured.characters).toBe(6_000_000)
    expect(measured.words / 1_000_000).toBeCloseTo(1, 3)
    expect(measured).toMatchObject({ meanWordLength: expect.closeTo(4, 2), upperShare: expect.closeTo(0.25, 3) })
  })

  it('does not cut a pair of surrogates in two at the end of what it looks at', () => {
    const text = `${'a'.repeat(maxMeasuredUnits - 1)}😀b`
    expect(measureText(text)).toMatchObject({ nonLetterShare: 0, words: 1 })
  })

  it('gives counts that fit the text, and shares between 0 and 1, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        const measured = measureText(text)
        expect(measured.characters).toBe(Array.from(text).length)
        expect(measured.words).toBeLessThanOrEqual(measured.characters)
        expect(measured.meanWordLength * measured.words).toBeLessThanOrEqual(measured.characters + 1e-9)
        for (const share of [measured.nonLetterShare, measured.upperShare, measured.distinctWordShare]) {
          expect(share).toBeGreaterThanOrEqual(0)
          expect(share).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('does not depend on case but in the share of upper case', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-zA-Z '.,0-9]{0,80}$/), (text) => {
        const { upperShare: _, ...lower } = measureText(text.toLowerCase())
        expect(measureText(text)).toMatchObject(lower)
      }),
    )
  })
})
