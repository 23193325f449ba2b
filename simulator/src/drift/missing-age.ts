import type { Drift } from './drift.ts'

const share = 0.2

/** A field that a form no longer asks everybody for. */
export const missingAge: Drift = {
  name: 'missing-age',
  description: `AGEP is null in ${share * 100} % of the rows`,
  truth: {
    causes: ['missing-surge'],
    features: ['AGEP'],
    explanation: `AGEP was set to null in ${share * 100} % of the rows, at random`,
  },
  plant: (row, random) => (random() < share ? { ...row, AGEP: null } : row),
}
