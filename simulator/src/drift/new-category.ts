import type { Drift } from './drift.ts'

const share = 0.1
/** Codes of RELP (relation to the head of the household) end at 17. */
const neverSeen = '38'

/** A code list that got a new entry. */
export const newCategory: Drift = {
  name: 'new-category',
  description: `RELP has a code never seen before (${neverSeen}) in ${share * 100} % of the rows`,
  truth: {
    causes: ['new-category'],
    features: ['RELP'],
    explanation: `RELP was set to the unknown code ${neverSeen} in ${share * 100} % of the rows, at random`,
  },
  plant: (row, random) => (random() < share ? { ...row, RELP: neverSeen } : row),
}
