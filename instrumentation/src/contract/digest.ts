import { createHash } from 'node:crypto'

/** A value that JSON can carry. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined }

/**
 * Canonical JSON: keys sorted by UTF-16 code units, no white space, numbers as ECMAScript prints them.
 * Keys whose value is undefined are left out, as JSON.stringify does.
 *
 * @throws TypeError for NaN and infinite numbers, which JSON cannot carry.
 * @see RFC 8785, JSON Canonicalization Scheme.
 * @example canonicalJson({ b: 1, a: [true, null] }) // '{"a":[true,null],"b":1}'
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value !== 'object') {
    if (typeof value === 'number' && !Number.isFinite(value))
      throw new TypeError(`canonical JSON cannot carry ${value}`)
    return JSON.stringify(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as { readonly [key: string]: Json | undefined }
  const members: string[] = []
  // The default sort compares UTF-16 code units, which is the order that RFC 8785 asks for.
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`)
  }
  return `{${members.join(',')}}`
}

/** `sha256:` + hex of the given bytes or UTF-8 text. */
export function digestBytes(content: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`
}

/** `sha256:` + hex over the canonical JSON of a value: the digest by which manifests and baselines are known. */
export function digestJson(value: Json): string {
  return digestBytes(canonicalJson(value))
}
