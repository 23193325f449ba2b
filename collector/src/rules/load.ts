import { readFile, stat } from 'node:fs/promises'
import { extname, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isNode, LineCounter, parseDocument, type Document } from 'yaml'
import type { LoadedRules } from './loaded.ts'
import { tryParseRules } from './parse.ts'
import { RuleFileError, type Path, type RuleProblem } from './problem.ts'

/** No rule file that a person keeps comes near this; a wrong path to a data file does. */
export const maximumRuleFileBytes: number = 1024 * 1024

const moduleExtensions = ['.ts', '.mts', '.js', '.mjs']
const dataExtensions = ['.json', '.yaml', '.yml']

/**
 * Loads a rule file: the default export of a .ts, .mts, .js or .mjs module, or the content of a .json, .yaml or .yml file.
 *
 * @throws RuleFileError with every problem, its path, and for JSON and YAML its line and column.
 */
export async function loadRules(path: string): Promise<LoadedRules> {
  const extension = extname(path).toLowerCase()
  await checkFile(path)
  if (moduleExtensions.includes(extension)) return loadModule(path)
  if (dataExtensions.includes(extension)) return loadData(path, extension === '.json')
  const known = [...moduleExtensions, ...dataExtensions].join(', ')
  throw new RuleFileError(path, [
    { path: '', message: `rules are read from ${known}; this file ends in ${JSON.stringify(extension)}` },
  ])
}

async function checkFile(path: string): Promise<void> {
  let file
  try {
    file = await stat(path)
  } catch (error) {
    throw new RuleFileError(path, [{ path: '', message: `the file cannot be read: ${messageOf(error)}` }], {
      cause: error,
    })
  }
  if (!file.isFile()) throw new RuleFileError(path, [{ path: '', message: 'is not a file' }])
  if (file.size > maximumRuleFileBytes) {
    throw new RuleFileError(path, [
      { path: '', message: `is larger than ${maximumRuleFileBytes} bytes; is it a rule file?` },
    ])
  }
}

async function loadModule(path: string): Promise<LoadedRules> {
  let module: { readonly default?: unknown }
  try {
    module = (await import(/* @vite-ignore */ pathToFileURL(resolve(path)).href)) as { readonly default?: unknown }
  } catch (error) {
    const [firstLine = ''] = messageOf(error).split('\n')
    const line = lineOf(error, resolve(path))
    const problem = {
      path: '',
      message: `the module cannot be loaded: ${firstLine}`,
      ...(line === null ? {} : { line }),
    }
    throw new RuleFileError(path, [problem], { cause: error })
  }
  if (module.default === undefined) {
    throw new RuleFileError(path, [
      { path: '', message: 'has no default export; write `export default defineRules({ ... })`' },
    ])
  }
  return finish(module.default, path, () => null)
}

/** Node begins the stack of a syntax error in TypeScript with `path:line`. */
function lineOf(error: unknown, path: string): number | null {
  const [firstLine = ''] = error instanceof Error ? (error.stack ?? '').split('\n') : []
  const line = firstLine.startsWith(`${path}:`) ? Number(firstLine.slice(path.length + 1)) : Number.NaN
  return Number.isInteger(line) && line > 0 ? line : null
}

async function loadData(path: string, isJson: boolean): Promise<LoadedRules> {
  const text = (await readFile(path, 'utf8')).replace(/^\uFEFF/, '')
  if (text.trim() === '') throw new RuleFileError(path, [{ path: '', message: 'is empty' }])
  const lines = new LineCounter()
  // JSON goes through the YAML reader too, because that one knows where each value stands and sees keys that are given twice.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    ...(isJson ? { schema: 'json' as const } : {}),
  })
  const content = isJson ? parseJson(text, path, document, lines) : readYaml(document, lines, path)
  return finish(content, path, (steps) => placeOf(document, lines, steps))
}

function readYaml(document: Document, lines: LineCounter, path: string): unknown {
  if (document.errors.length > 0) throw new RuleFileError(path, syntaxProblems(document, lines))
  try {
    return document.toJS() as unknown
  } catch (error) {
    // Aliases that unfold into more than the reader's bound end here.
    throw new RuleFileError(path, [{ path: '', message: messageOf(error) }], { cause: error })
  }
}

function parseJson(text: string, path: string, document: Document, lines: LineCounter): unknown {
  let content: unknown
  try {
    content = JSON.parse(text)
  } catch (error) {
    throw new RuleFileError(path, [jsonProblem(messageOf(error), document, lines)], { cause: error })
  }
  const twice = document.errors.filter((error) => error.code === 'DUPLICATE_KEY')
  if (twice.length > 0) throw new RuleFileError(path, syntaxProblems({ errors: twice }, lines))
  return content
}

/** JSON.parse puts its position into the message, sometimes; the YAML reader's first error is the next best place. */
function jsonProblem(message: string, document: Document, lines: LineCounter): RuleProblem {
  const position = /\(line (\d+) column (\d+)\)/.exec(message)
  const words = `not valid JSON: ${message.replace(/(?: in JSON)? at position \d+.*$/s, '')}`
  if (position !== null) return { path: '', message: words, line: Number(position[1]), column: Number(position[2]) }
  const [first] = document.errors
  if (first === undefined) return { path: '', message: words }
  const { line, col } = lines.linePos(first.pos[0])
  return { path: '', message: words, line, column: col }
}

function syntaxProblems({ errors }: Pick<Document, 'errors'>, lines: LineCounter): RuleProblem[] {
  return errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0])
    const message = error.code === 'DUPLICATE_KEY' ? 'this setting is given twice' : error.message
    return { path: '', message, line, column: col }
  })
}

function finish(
  content: unknown,
  path: string,
  place: (steps: Path) => { line: number; column: number } | null,
): LoadedRules {
  const { rules, problems } = tryParseRules(content, path)
  if (rules !== null) return rules
  const placed = problems.map(({ steps, ...problem }) => ({ ...problem, ...place(steps) }))
  throw new RuleFileError(path, placed)
}

/** Where the value of a path stands; for one that is absent, where the nearest thing around it stands. */
function placeOf(document: Document, lines: LineCounter, steps: Path): { line: number; column: number } | null {
  for (let depth = steps.length; depth >= 0; depth--) {
    const node = document.getIn(steps.slice(0, depth), true)
    if (isNode(node) && node.range) {
      const { line, col } = lines.linePos(node.range[0])
      return line === 0 ? null : { line, column: col }
    }
  }
  return null
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
