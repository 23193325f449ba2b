import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { runPipelines } from '../../instrumentation/test/patch/read-pipelines.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const nodes = [
  ['22', here('nodes/node_modules/node22/bin/node')],
  ['24', process.execPath],
  ['26', here('nodes/node_modules/node26/bin/node')],
] as const
const libraries = [
  ['3.5.0', here('oldest')],
  ['4.3.1', here('../..')],
] as const

describe.each(nodes)('on Node %s', (_major, node) => {
  describe.each(libraries)('transformers.js %s', (version, folder) => {
    it.each(['esm', 'cjs'] as const)('is watched as %s, and answers as it does alone', async (format) => {
      expect(readdirSync(join(folder, 'node_modules/@huggingface'))).toContain('transformers')
      const plain = await runPipelines({ format, patched: false, folder, node })
      const run = await runPipelines({ format, patched: true, folder, node })
      expect(JSON.stringify(run.answers)).toBe(JSON.stringify(plain.answers))
      expect(run.libraries).toContainEqual({ library: '@huggingface/transformers', version })
      expect(run.taps.map(({ sighting, rows, drops }) => [sighting.name, rows.length, drops.length])).toEqual([
        ['text-classification', 9, 0],
        ['zero-shot-classification', 1, 0],
        ['feature-extraction', 1, 0],
        ['text-generation', 2, 0],
      ])
      expect(run.warnings.filter(({ kind }) => kind !== 'second-copy' && kind !== 'unsupported-version')).toEqual([])
    })
  })
})
