import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FormatError, parseBaseline } from '@driftline/instrumentation/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runDriftline } from '../../src/cli/run-driftline.ts'
import { memoryIo } from '../cli/memory-io.ts'

let directory: string
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'driftline-attributions-'))))
afterEach(() => rm(directory, { recursive: true }))

/** Two chunks of 60 rows; the second half of each chunk has no attributions. */
const rows = Array.from({ length: 120 }, (_, i) => {
  const attributed = i % 60 < 30
  const size = i < 60 ? 0.25 : 0.75
  return `${20 + (i % 50)},${i % 3 === 0 ? 'Bern' : 'Wien'},${attributed ? (i % 2 === 0 ? size : -size) : ''},${attributed && i >= 60 ? 0.5 : ''},${i}`
})
const header = 'age,city,shap_age,shap_city,t'

async function build(args: string[], content = [header, ...rows, ''].join('\n')) {
  await writeFile(join(directory, 'train.csv'), content)
  const io = memoryIo(directory, {})
  const common = ['--data', 'train.csv', '--model', 'm', '--version', '1', '--out', 'b.json', '--time', 't']
  const status = await runDriftline(['baseline', 'build', ...common, '--chunks', '2', ...args], io)
  const baseline = status === 0 ? parseBaseline(JSON.parse(await readFile(join(directory, 'b.json'), 'utf8'))) : null
  return { status, io, baseline }
}

describe('baseline build --attributions', () => {
  it('sums the sizes of attributions by feature and chunk, of rows that have any', async () => {
    const { baseline } = await build(['--attributions', 'shap_', '--attribution-method', 'shap'])
    expect(baseline!.features.map(({ name }) => name)).toEqual(['age', 'city'])
    expect(baseline!.attributions).toEqual({
      method: 'shap',
      rows: 60,
      features: ['age', 'city'],
      meanAbsolute: [0.5, 0.25],
      chunks: [
        { rows: 30, absoluteSums: [7.5, 0] },
        { rows: 30, absoluteSums: [22.5, 15] },
      ],
    })
  })

  it('needs a column for each feature, and tells when none holds a number', async () => {
    const without = await build(
      ['--attributions', 'shap_', '--features', 'age,city'],
      `age,city,shap_age,t\n1,a,2,0\n2,b,3,1\n`,
    )
    expect(without.status).not.toBe(0)
    expect(without.io.err()).toContain('"shap_city"')
    const empty = await build(
      ['--attributions', 'shap_'],
      [header, ...rows.map((_, i) => `${i},a,,,${i}`), ''].join('\n'),
    )
    expect(empty.baseline!.attributions).toBeUndefined()
    expect(empty.io.err()).toContain('no row has a number in a column that begins with shap_')
  })

  it.each([
    [['--attributions', ''], 'an empty prefix'],
    [['--attribution-method', 'shap'], 'needs --attributions'],
  ])('refuses %j', async (args, message) => {
    const { status, io } = await build(args)
    expect(status).not.toBe(0)
    expect(io.err()).toContain(message)
  })

  it('leaves baselines without it as they were', async () => {
    const { baseline } = await build(['--exclude', 'shap_age,shap_city'])
    expect(baseline).not.toHaveProperty('attributions')
  })
})

describe('attributions of a baseline', () => {
  const problemsOf = async (change: (attributions: Record<string, unknown>) => unknown): Promise<string> => {
    const { baseline } = await build(['--attributions', 'shap_'])
    const changed = { ...baseline, attributions: change(structuredClone(baseline!.attributions) as never) }
    try {
      parseBaseline(changed)
      return ''
    } catch (error) {
      expect(error).toBeInstanceOf(FormatError)
      return (error as Error).message
    }
  }

  it.each([
    ['nothing', (one: object) => one, ''],
    ['rows', (one: object) => ({ ...one, rows: 121 }), 'but rows is 120'],
    ['rows of chunks', (one: object) => ({ ...one, rows: 59 }), 'add up to 60, but attributions.rows is 59'],
    ['features', (one: object) => ({ ...one, features: ['age', 'town'] }), 'no feature of the baseline'],
    ['length', (one: object) => ({ ...one, meanAbsolute: [1] }), 'expected 2 numbers'],
    ['sign', (one: object) => ({ ...one, meanAbsolute: [-0.5, 0.25] }), '>= 0'],
    ['sums', (one: object) => ({ ...one, meanAbsolute: [0.6, 0.25] }), 'but the chunks add up to 30'],
    ['chunks', (one: object) => ({ ...one, chunks: [] }), 'expected 2 chunks'],
    ['fields', (one: object) => ({ ...one, more: 1 }), 'more'],
  ])('are checked: %s', async (_, change, message) => {
    const problems = await problemsOf(change)
    if (message === '') expect(problems).toBe('')
    else expect(problems).toContain(message)
  })
})
