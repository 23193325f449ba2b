import type { Drift } from './drift.ts'

/** SCHL has the codes 0 to 24. */
const codes = 25
/** Coprime to the number of codes, so that every code gets another one's place and none is lost. */
const step = 7
const offset = 3

/** An encoder that was rebuilt with its categories in another order: all values are known ones, and mean something else. */
export const shuffledCodes: Drift = {
  name: 'shuffled-codes',
  description: 'the codes of SCHL (education) are exchanged for one another',
  truth: {
    causes: ['permuted-categories', 'category-mix'],
    features: ['SCHL'],
    explanation: 'the codes of SCHL were permuted, as by an encoder with another order of categories',
  },
  plant(row) {
    const code = Number(row['SCHL'])
    if (row['SCHL'] === null || !Number.isInteger(code) || code < 0 || code >= codes) return row
    return { ...row, SCHL: String((code * step + offset) % codes) }
  },
}
