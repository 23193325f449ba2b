import { subscribe } from 'node:diagnostics_channel'
import { existsSync, readFileSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname, isAbsolute, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where a library was found. */
export interface AboutModule {
  /** From its package.json; null when that has none. */
  readonly version: string | null
  /** Absolute path of the module that was loaded. */
  readonly file: string
}

type ApplyRequire = (exports: unknown, about: AboutModule) => void
type ApplyImport = (namespace: object, about: AboutModule) => Readonly<Record<string, unknown>> | void

const required = new Map<string, ApplyRequire[]>()
/** Files whose exports were handed out: a module is loaded once, but required often. */
const appliedFiles = new Set<string>()

interface ImportHook {
  readonly packageName: string
  readonly entryPattern: RegExp
  readonly exportNames: readonly string[]
  readonly apply: ApplyImport
}
const imported: ImportHook[] = []

/** Marks the module that stands before a library's entry. */
const wrapperQuery = '?driftline'

const requireHere: NodeJS.Require = nodeModule.createRequire(import.meta.url)

/**
 * Calls `apply` once for every copy of a package's CommonJS entry, after it was loaded: by `require`, by an `import` of the CommonJS
 * file, or before now. It can change what the exports hold; it cannot replace them.
 *
 * Node tells of every CommonJS module through this channel, whoever loads it; nothing of Node is patched for that.
 */
export function onRequire(packageName: string, apply: (exports: unknown, about: AboutModule) => void): void {
  if (required.size === 0) subscribe('tracing:module.require:end', onModuleLoaded)
  const known = required.get(packageName)
  if (known === undefined) required.set(packageName, [apply])
  else known.push(apply)
  const marker = `${sep}node_modules${sep}${packageName.replaceAll('/', sep)}${sep}`
  for (const [file, module] of Object.entries(requireHere.cache)) {
    if (!file.includes(marker) || module?.loaded !== true || !isEntry(file, packageName)) continue
    appliedFiles.add(file)
    quietly(() => apply(module.exports, { version: packageVersion(file, packageName), file }))
  }
}

/**
 * Puts a module before the ESM entry of a package: `apply` gets the entry's namespace once it was evaluated, and the members it returns
 * take the place of the exports of these names. Only `import` is concerned; what `require` loads goes to `onRequire`.
 *
 * @param entryPattern the path inside the package, such as `/^dist\/transformers\.node\.mjs$/`
 * @param exportNames exports that may be replaced: ESM wants to know them before anything runs
 */
export function onImport(
  packageName: string,
  entryPattern: RegExp,
  exportNames: readonly string[],
  apply: (namespace: object, about: AboutModule) => Readonly<Record<string, unknown>> | void,
): void {
  if (typeof nodeModule.registerHooks !== 'function') return
  if (imported.length === 0) nodeModule.registerHooks({ resolve: resolveWrapper, load: loadWrapper })
  imported.push({ packageName, entryPattern, exportNames, apply })
}

interface RequireEvent {
  readonly id?: unknown
  readonly parentFilename?: unknown
  readonly result?: unknown
  readonly error?: unknown
}

function onModuleLoaded(event: unknown): void {
  const { id, parentFilename, result, error } = event as RequireEvent
  if (typeof id !== 'string' || error !== undefined || result === undefined) return
  // A relative path stays inside a package, whose entry is on its way already.
  if (id.startsWith('.') || id.startsWith('node:')) return
  quietly(() => {
    const packageName = isAbsolute(id) ? packageOf(id) : id
    const applies = packageName === null ? undefined : required.get(packageName)
    if (applies === undefined) return
    const file = isAbsolute(id) ? id : resolveFrom(parentFilename, id)
    if (file === null || appliedFiles.has(file) || (isAbsolute(id) && !isEntry(file, packageName!))) return
    appliedFiles.add(file)
    const about = { version: packageVersion(file, packageName!), file }
    for (const apply of applies) quietly(() => apply(result, about))
  })
}

function resolveFrom(parentFilename: unknown, id: string): string | null {
  const parent = typeof parentFilename === 'string' && isAbsolute(parentFilename) ? parentFilename : null
  return (parent === null ? requireHere : nodeModule.createRequire(parent)).resolve(id)
}

/** The registered package whose folder holds a file; null when there is none. */
function packageOf(file: string): string | null {
  const start = file.lastIndexOf(`${sep}node_modules${sep}`)
  if (start < 0) return null
  const [first = '', second = ''] = file.slice(start + `${sep}node_modules${sep}`.length).split(sep, 2)
  return first.startsWith('@') ? `${first}/${second}` : first
}

/** Whether a file is what `require(packageName)` gives beside it. */
function isEntry(file: string, packageName: string): boolean {
  try {
    return nodeModule.createRequire(file).resolve(packageName) === file
  } catch {
    return false
  }
}

function packageVersion(file: string, packageName: string): string | null {
  for (let directory = dirname(file); directory !== dirname(directory); directory = dirname(directory)) {
    const manifest = join(directory, 'package.json')
    if (!existsSync(manifest)) continue
    try {
      // Inside packages lie further package.json that only say `type`.
      const { name, version } = JSON.parse(readFileSync(manifest, 'utf8')) as { name?: unknown; version?: unknown }
      if (name === packageName) return typeof version === 'string' ? version : null
    } catch {
      return null
    }
  }
  return null
}

function findImportHook(url: string): ImportHook | undefined {
  if (!url.startsWith('file:')) return undefined
  return imported.find(({ packageName, entryPattern }) => {
    const inside = pathInside(url, packageName)
    return inside !== null && entryPattern.test(inside)
  })
}

/** The part of a URL behind the folder of a package. */
function pathInside(url: string, packageName: string): string | null {
  const marker = `/node_modules/${packageName}/`
  const start = url.lastIndexOf(marker)
  return start < 0 ? null : url.slice(start + marker.length)
}

function resolveWrapper(
  specifier: string,
  context: nodeModule.ResolveHookContext,
  nextResolve: (specifier: string, context?: Partial<nodeModule.ResolveHookContext>) => nodeModule.ResolveFnOutput,
): nodeModule.ResolveFnOutput {
  const resolved = nextResolve(specifier, context)
  try {
    if (context.conditions?.includes('require')) return resolved
    const hook = findImportHook(resolved.url)
    if (hook === undefined) return resolved
    const { parentURL } = context
    // The package itself goes on to use its own entry, and so does the wrapper, which lies in the package by its URL.
    if (parentURL !== undefined && pathInside(parentURL, hook.packageName) !== null) return resolved
    return { ...resolved, url: `${resolved.url}${wrapperQuery}`, format: 'module', shortCircuit: true }
  } catch {
    return resolved
  }
}

function loadWrapper(
  url: string,
  context: nodeModule.LoadHookContext,
  nextLoad: (url: string, context?: Partial<nodeModule.LoadHookContext>) => nodeModule.LoadFnOutput,
): nodeModule.LoadFnOutput {
  if (!url.endsWith(wrapperQuery)) return nextLoad(url, context)
  const realUrl = url.slice(0, -wrapperQuery.length)
  const hook = findImportHook(realUrl)
  if (hook === undefined) return nextLoad(url, context)
  return { format: 'module', shortCircuit: true, source: wrapperSource(hook, realUrl) }
}

const wrapperApply = Symbol.for('driftline.module-hooks')

/** A module that exports what the real one does, but for what a patch replaces. */
function wrapperSource({ exportNames }: ImportHook, realUrl: string): string {
  Object.defineProperty(globalThis, wrapperApply, { value: replacements, configurable: true })
  const real = JSON.stringify(realUrl)
  return [
    `import * as real from ${real}`,
    // A local export goes before one of the same name that comes by a star, which leaves out the default.
    `export * from ${real}`,
    `const replaced = globalThis[Symbol.for('driftline.module-hooks')](${real}, real)`,
    ...exportNames.map((name, i) => `const e${i} = replaced.${name}\nexport { e${i} as ${name} }`),
    ...(hasDefaultExport(realUrl) ? ['export default real.default'] : []),
  ].join('\n')
}

/** By its text: taking one for granted wrongly only adds an export that is undefined. */
function hasDefaultExport(realUrl: string): boolean {
  return /\bexport\s+default\b|\bas\s+default\b/.test(readFileSync(fileURLToPath(realUrl), 'utf8'))
}

function replacements(realUrl: string, namespace: object): Readonly<Record<string, unknown>> {
  const hook = findImportHook(realUrl)
  const real = namespace as Readonly<Record<string, unknown>>
  if (hook === undefined) return real
  const file = fileURLToPath(realUrl)
  const replaced = quietly(() => hook.apply(namespace, { version: packageVersion(file, hook.packageName), file }))
  return Object.fromEntries(hook.exportNames.map((name) => [name, replaced?.[name] ?? real[name]]))
}

/** A patch that fails leaves the library as it was. */
function quietly<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
