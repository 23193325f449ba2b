/** The first Node whose modules can be watched without a loader thread, and that has every function that is imported here. */
const oldest = { major: 22, minor: 15 } as const

/** Why nothing can be watched under a version of Node, in words; null when it can. */
export function reasonAgainstNode(version: string): string | null {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > oldest.major || (major === oldest.major && minor >= oldest.minor)) return null
  return `Node ${version} is too old: ${oldest.major}.${oldest.minor} or later is needed`
}
