/** Whether a method can be replaced: its object may be frozen, or have it as a getter. */
export function isPatchable(owner: object, name: string): boolean {
  const property = Object.getOwnPropertyDescriptor(owner, name)
  if (typeof property?.value !== 'function') return false
  return property.configurable === true || property.writable === true
}

/** Puts another function in a method's place, which looks like it from outside: by its name, its length and how it is listed. */
export function replaceMethod(owner: object, name: string, replacement: (...given: never[]) => unknown): void {
  const property = Object.getOwnPropertyDescriptor(owner, name)!
  const original = property.value as (...given: unknown[]) => unknown
  Object.defineProperties(replacement, {
    name: { value: original.name, configurable: true },
    length: { value: original.length, configurable: true },
  })
  if (property.configurable === true) Object.defineProperty(owner, name, { ...property, value: replacement })
  else (owner as Record<string, unknown>)[name] = replacement
}
