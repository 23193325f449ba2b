import { describe, expect, it } from 'vitest'
import { ageInMonths } from '../../src/drift/age-in-months.ts'
import { drifts } from '../../src/drift/drifts.ts'
import { missingAge } from '../../src/drift/missing-age.ts'
import { newCategory } from '../../src/drift/new-category.ts'
import { shuffledCodes } from '../../src/drift/shuffled-codes.ts'
import { seededRandom } from '../../src/random.ts'

const person = { id: 1, AGEP: 42, SCHL: '21', RELP: '0', SEX: '2' }
const never = (): number => 0.999

describe.each(drifts.map((drift) => [drift.name, drift] as const))('drift %s', (_, drift) => {
  it('leaves the row it was given untouched, and all features but those of its truth', () => {
    const row = Object.freeze({ ...person })
    const planted = drift.plant(row, () => 0)
    const touched = Object.keys(person).filter((name) => planted[name] !== person[name as keyof typeof person])
    expect(touched).toEqual(drift.truth?.features ?? [])
    expect(Object.keys(planted)).toEqual(Object.keys(person))
  })

  it('is repeated by the same random numbers', () => {
    const run = (): unknown[] => {
      const random = seededRandom(9)
      return Array.from({ length: 200 }, () => drift.plant(person, random))
    }
    expect(run()).toEqual(run())
  })

  it('passes unknown values on', () => {
    const unknown = { id: 1, AGEP: null, SCHL: null, RELP: null }
    expect(drift.plant(unknown, never)).toEqual(unknown)
  })
})

describe('the drifts', () => {
  it('have names of their own', () => {
    expect(new Set(drifts.map(({ name }) => name)).size).toBe(drifts.length)
  })

  it('age-in-months multiplies by twelve', () => {
    expect(ageInMonths.plant(person, never)).toEqual({ ...person, AGEP: 504 })
  })

  it.each([
    [missingAge, 'AGEP', null, 0.2],
    [newCategory, 'RELP', '38', 0.1],
  ] as const)('%o touches the share it says', (drift, feature, value, share) => {
    const random = seededRandom(2)
    const rows = 20_000
    const touched = Array.from({ length: rows }, () => drift.plant(person, random)).filter(
      (row) => row[feature] === value,
    ).length
    expect(Math.abs(touched / rows - share)).toBeLessThan(5 * Math.sqrt((share * (1 - share)) / rows))
  })

  it('shuffled-codes exchanges the 25 codes for one another and leaves none but those that must', () => {
    const codes = Array.from({ length: 25 }, (_, code) => String(code))
    const exchanged = codes.map((SCHL) => shuffledCodes.plant({ ...person, SCHL }, never)['SCHL'])
    expect(new Set(exchanged)).toEqual(new Set(codes))
    expect(exchanged.filter((code, i) => code === codes[i]).length).toBeLessThanOrEqual(1)
    expect(shuffledCodes.plant({ ...person, SCHL: 'bb' }, never)['SCHL']).toBe('bb')
  })
})
