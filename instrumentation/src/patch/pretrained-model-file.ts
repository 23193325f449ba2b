import { existsSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'

/** Where transformers.js looks for the file of a pretrained model, in its own words. */
export interface PretrainedModel {
  /** What was given to `pipeline()` or `from_pretrained()`: an id such as `Xenova/distilbert-base-uncased`, or a folder. */
  readonly id: string
  readonly options: {
    readonly subfolder?: unknown
    readonly model_file_name?: unknown
    readonly revision?: unknown
    readonly cache_dir?: unknown
  }
  /** `env` of the library. */
  readonly environment: { readonly localModelPath?: unknown; readonly cacheDir?: unknown }
  /** The element type that was chosen, which is part of the file's name; null when it is not known. */
  readonly dtype: string | null
}

/** From transformers.js 3.5.0 and 4.3.1, `DEFAULT_DTYPE_SUFFIX_MAPPING`; the others are their own suffix. */
const suffixes: Readonly<Record<string, string>> = { fp32: '', q8: '_quantized' }

/** Absolute path of the file that the session named `model` was made from; null when there is none on this disk. */
export function pretrainedModelFile({ id, options, environment, dtype }: PretrainedModel): string | null {
  if (id === '' || id.includes('\0') || /^https?:/.test(id)) return null
  const suffix = dtype === null ? '' : (suffixes[dtype] ?? `_${dtype}`)
  const file = join(text(options.subfolder, 'onnx'), `${text(options.model_file_name, 'model')}${suffix}.onnx`)
  const revision = text(options.revision, 'main')
  const folders = [
    ...(isAbsolute(id) ? [] : [join(text(environment.localModelPath, ''), id)]),
    id,
    // The library's cache on disk: only other revisions than the usual one are a folder of their own.
    join(text(options.cache_dir, text(environment.cacheDir, '')), id, revision === 'main' ? '' : revision),
  ]
  return folders.map((folder) => resolve(folder, file)).find((path) => existsSync(path)) ?? null
}

/** A name for people: the id, or the last part of a folder. */
export function pretrainedModelTitle(id: string): string {
  const parts = id.split(/[/\\]/).filter((part) => part !== '' && part !== '.' && part !== '..')
  const isFolder = isAbsolute(id) || id.startsWith('.') || id.includes('\\') || parts.length !== 2
  return isFolder ? (parts.at(-1) ?? id) : parts.join('/')
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' ? value : otherwise
}
