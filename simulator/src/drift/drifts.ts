import { ageInMonths } from './age-in-months.ts'
import type { Drift } from './drift.ts'
import { laterYears } from './later-years.ts'
import { missingAge } from './missing-age.ts'
import { newCategory } from './new-category.ts'
import { noDrift } from './no-drift.ts'
import { shuffledCodes } from './shuffled-codes.ts'

/** Every drift that can be planted; a new one is a file beside the others and a line here. */
export const drifts: readonly Drift[] = [ageInMonths, missingAge, shuffledCodes, newCategory, laterYears, noDrift]
