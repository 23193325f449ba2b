import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

/** onnxruntime-node, onnxruntime-web and TensorFlow.js at their oldest and newest supported versions, on every supported Node. */
const run = promisify(execFile)
const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const nodes = [
  ['22', here('nodes/node_modules/node22/bin/node')],
  ['24', process.execPath],
  ['26', here('nodes/node_modules/node26/bin/node')],
] as const
const places = [
  ['oldest', here('oldest/package.json'), { onnxruntime: '1.20.1', tfjs: '4.10.0' }],
  ['newest', here('../../instrumentation/package.json'), { onnxruntime: '1.30.0', tfjs: '4.22.0' }],
] as const

interface Seen {
  readonly answers: unknown[]
  readonly seen: readonly { readonly libraryVersion: string; readonly name: string; readonly calls: unknown[] }[]
  readonly warnings: unknown[]
}

async function child(node: string, program: string, task: Readonly<Record<string, unknown>>): Promise<Seen> {
  const file = here(`../../instrumentation/test/support/${program}`)
  const { stdout } = await run(node, ['-C', '@driftline/source', file, JSON.stringify(task)])
  return JSON.parse(stdout) as Seen
}

describe.each(nodes)('on Node %s', (_, node) => {
  describe.each(places)('the %s version', (_age, from, versions) => {
    it.each([
      ['onnxruntime-node', 'require'],
      ['onnxruntime-node', 'import'],
      ['onnxruntime-web', 'require'],
      ['onnxruntime-web', 'import'],
    ])('of %s by %s is seen, and answers as without', async (library, by) => {
      const plain = await child(node, 'run-session.ts', { library, by, from, watched: false })
      const watched = await child(node, 'run-session.ts', { library, by, from, watched: true })
      expect(watched.answers).toEqual(plain.answers)
      expect(watched.answers).toHaveLength(4)
      expect(watched.warnings).toEqual([])
      expect(watched.seen).toMatchObject([{ library, libraryVersion: versions.onnxruntime, name: 'model.onnx' }])
      expect(watched.seen[0]!.calls).toHaveLength(3)
    })

    it.each(['require', 'import'])('of TensorFlow.js by %s is seen, and answers as without', async (by) => {
      const plain = await child(node, 'run-tfjs.ts', { by, from, watched: false })
      const watched = await child(node, 'run-tfjs.ts', { by, from, watched: true })
      expect(watched.answers).toEqual(plain.answers)
      expect(watched.answers).toHaveLength(3)
      expect(watched.warnings).toEqual([])
      expect(watched.seen).toMatchObject([
        { libraryVersion: versions.tfjs, name: 'difference' },
        { libraryVersion: versions.tfjs, name: 'graph-model' },
      ])
      expect(watched.seen.map(({ calls }) => calls.length)).toEqual([1, 2])
    })
  })
})
