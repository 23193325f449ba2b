import { createHash, timingSafeEqual } from 'node:crypto'

/**
 * Whether an Authorization header shows the expected bearer token. Compares digests, so that neither the length of the token nor the
 * place of the first difference can be read off the time taken.
 */
export function showsToken(header: string | undefined, expected: string): boolean {
  const shown = /^Bearer (.+)$/i.exec(header ?? '')?.[1] ?? ''
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(shown), digest(expected))
}
