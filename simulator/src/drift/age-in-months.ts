import type { Drift } from './drift.ts'

const monthsPerYear = 12

/** A unit change: somebody upstream begins to send ages in months. */
export const ageInMonths: Drift = {
  name: 'age-in-months',
  description: 'AGEP arrives in months instead of years',
  truth: {
    causes: ['unit-or-scale-change'],
    features: ['AGEP'],
    explanation: `AGEP was multiplied by ${monthsPerYear}: a change of unit from years to months`,
  },
  plant: (row) => (typeof row['AGEP'] === 'number' ? { ...row, AGEP: row['AGEP'] * monthsPerYear } : row),
}
