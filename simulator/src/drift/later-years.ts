import type { Drift } from './drift.ts'

/** What really happened: the rows of the years after the model was trained, in their order. */
export const laterYears: Drift = {
  name: 'real',
  description: 'rows of the years 2016 to 2018, year after year',
  truth: {
    causes: ['category-mix'],
    features: [],
    explanation:
      'nothing was planted: people who report no ancestry (ANC 4) became more, 14 % in 2015 and 17 % in 2018, ' +
      'and the top code of AGEP rose from 94 to 95',
  },
  source: 'later-years',
  plant: (row) => row,
}
