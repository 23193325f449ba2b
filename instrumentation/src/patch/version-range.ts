/**
 * Whether a version lies between two, which are given as `major.minor`, both inclusive with all their patches. An unknown version does not.
 *
 * @example isWithin('1.30.0-dev.2', { oldest: '1.20', newest: '1.30' }) // true
 */
export function isWithin(
  version: string | null,
  { oldest, newest }: { readonly oldest: string; readonly newest: string },
): boolean {
  const given = rank(version ?? '')
  return given !== null && given >= rank(oldest)! && given <= rank(newest)!
}

/** One number by which versions order up to their minor; null for what is no version. */
function rank(version: string): number | null {
  const match = /^(\d+)\.(\d+)/.exec(version)
  return match === null ? null : Number(match[1]) * 1_000_000 + Number(match[2])
}
