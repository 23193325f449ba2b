/** The input features of the model, in the order in which its tensor holds them. The codes are those of the US census. */
export const features = [
  'AGEP',
  'SCHL',
  'MAR',
  'RELP',
  'DIS',
  'ESP',
  'CIT',
  'MIG',
  'MIL',
  'ANC',
  'NATIVITY',
  'DEAR',
  'DEYE',
  'DREM',
  'SEX',
  'RAC1P',
] as const

export type FeatureName = (typeof features)[number]

/** What a client sends about one person. Absent and null mean unknown. */
export type PersonRow = { readonly [name in FeatureName]?: unknown } & { readonly id?: unknown }

/** A number that no code has: one-hot encoding inside the graph turns it, like every unknown code, into zeros. */
const unknownCode = -1

/**
 * Writes one row into a row-major tensor: the age in years, then the codes as numbers. An unknown age is NaN, for which the
 * graph puts the training median.
 */
export function encodeRow(row: PersonRow, tensor: Float32Array, offset: number): void {
  tensor[offset] = typeof row.AGEP === 'number' ? row.AGEP : Number.NaN
  for (let i = 1; i < features.length; i++) tensor[offset + i] = encodeCode(row[features[i]!])
}

function encodeCode(code: unknown): number {
  if (typeof code !== 'string' && typeof code !== 'number') return unknownCode
  const number = code === '' ? Number.NaN : Number(code)
  return Number.isInteger(number) ? number : unknownCode
}
