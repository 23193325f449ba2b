import { execFile } from 'node:child_process'
import { chmod, mkdtemp, open, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { digestJson, parseBaseline } from '@driftline/instrumentation/contract'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runDriftline } from '../../src/cli/run-driftline.ts'
import { memoryIo, type MemoryIo } from './memory-io.ts'

let directory: string
beforeEach(async () => void (directory = await mkdtemp(join(tmpdir(), 'driftline-cli-'))))
afterEach(() => rm(directory, { recursive: true }))

async function driftline(
  args: string[],
  options: { terminal?: boolean } = {},
): Promise<{ status: number; io: MemoryIo }> {
  const io = memoryIo(directory, options)
  return { status: await runDriftline(args, io), io }
}

async function save(name: string, content: string): Promise<void> {
  await writeFile(join(directory, name), content)
}

const train = [
  'age,city,score,label,t',
  ...Array.from(
    { length: 300 },
    (_, i) => `${20 + (i % 50)},${i % 3 === 0 ? 'Bern' : 'Wien'},${(i % 10) / 10},${i % 10 > 6 ? 1 : 0},${i}`,
  ),
  '',
].join('\n')
const build = ['baseline', 'build', '--data', 'train.csv', '--model', 'm', '--version', '1', '--out', 'b.json']
const roles = ['--target', 'label', '--score', 'score', '--time', 't']

describe('driftline baseline build', () => {
  beforeEach(() => save('train.csv', train))

  it('writes a baseline that reads back, with a summary of it', async () => {
    const { status, io } = await driftline([
      ...build,
      ...roles,
      '--range',
      'age=18:120',
      '--segment',
      'city',
      '--features',
      'age,city',
    ])
    expect([status, io.err()]).toEqual([0, 'note: 1 of 2 segments have fewer than 200 rows and are left out\n'])
    const text = await readFile(join(directory, 'b.json'), 'utf8')
    const baseline = parseBaseline(JSON.parse(text))
    expect(baseline).toMatchObject({
      model: { name: 'm', version: '1' },
      rows: 300,
      createdAt: expect.stringMatching(/^2026-01-31T12:/),
    })
    expect(text).toMatch(/\n {6}"counts": \[[\d,]+\],\n/)
    expect(await readdir(directory)).toEqual(['b.json', 'train.csv'])
    const summary = io.out()
    expect(summary).toContain('m 1: 300 rows of train.csv')
    expect(summary).toContain(`digest ${digestJson(baseline as never)}`)
    expect(summary).toContain('decision: 1 when score >= 0.5, else 0')
    expect(summary).toMatch(/^age +numeric +300 +0 % +0 % +44.5 +14.4309 +20 .. 69 \(allowed 18..120\) +2\d bounds$/m)
    expect(summary).toMatch(/^city +categorical +300 .* Wien 66.7 %, Bern 33.3 % +2 categories$/m)
    expect(summary.endsWith('written to b.json\n')).toBe(true)
  })

  it('prints exactly one JSON document with --json', async () => {
    const { status, io } = await driftline([...build, ...roles, '--json'])
    expect([status, io.err()]).toEqual([0, ''])
    expect(JSON.parse(io.out())).toMatchObject({
      out: 'b.json',
      rows: 300,
      chunks: 6,
      features: [
        { name: 'age', kind: 'numeric' },
        { name: 'city', kind: 'categorical' },
      ],
    })
    expect(io.out().trim().split('\n')).toHaveLength(1)
  })

  it('shows progress to a person, and removes it; nothing when nobody looks', async () => {
    const { io } = await driftline([...build, ...roles], { terminal: true })
    expect(io.err()).toMatch(/\r\u001b\[K {0,2}\d+ % {2}300 rows, \d+ rows\/s/)
    expect(io.err().endsWith('\r\u001b[K')).toBe(true)
    expect((await driftline([...build, ...roles])).io.err()).toBe('')
  })

  it('takes its features from a manifest', async () => {
    const manifest = {
      schema: 'driftline.manifest/1',
      model: { name: 'm', version: '2', task: 'binary-classification' },
      createdAt: '2026-01-01T00:00:00Z',
      features: [{ name: 'age', kind: 'numeric', range: { min: 18 } }],
    }
    await save('manifest.json', JSON.stringify(manifest))
    const args = [
      'baseline',
      'build',
      '--data',
      'train.csv',
      '--manifest',
      'manifest.json',
      '--out',
      'b.json',
      '--json',
    ]
    const { status, io } = await driftline(args)
    expect(status, io.err()).toBe(0)
    const baseline = parseBaseline(JSON.parse(await readFile(join(directory, 'b.json'), 'utf8')))
    expect(baseline).toMatchObject({
      model: { name: 'm', version: '2' },
      features: [{ name: 'age', range: { min: 18 } }],
    })
    expect((await driftline([...args, '--version', '1'])).io.err()).toContain('--manifest is of m 2, not of m 1')
    await save('manifest.json', JSON.stringify({ ...manifest, modle: 1, createdAt: 'today' }))
    const wrong = await driftline(args)
    expect(wrong.status).toBe(1)
    expect(wrong.io.err().split('\n').slice(0, 2)).toEqual([
      expect.stringMatching(/^driftline baseline build: .*manifest\.json, modle: unknown field/),
      expect.stringMatching(/^driftline baseline build: .*manifest\.json, createdAt: expected an ISO 8601 time/),
    ])
  })

  const usage: [string[], string][] = [
    [['--type', 'age=integer'], '--type age: expected numeric, categorical, boolean, ignore, got "integer"'],
    [['--type', 'age'], '--type: expected COL=KIND, got "age"'],
    [['--range', 'age=5'], '--range: expected COL=MIN:MAX, got "age=5"'],
    [['--range', 'age=9:5'], '--range age: 9 is above 5'],
    [['--range', 'age=a:5'], '--range age: expected a number, got "a"'],
    [['--threshold', '0.5'], '--threshold needs --score COL'],
    [['--score', 'score', '--threshold', 'half'], '--threshold: expected a number, got "half"'],
    [['--score', 'score', '--decision-rule', '<'], '--decision-rule: expected >, >=, got "<"'],
    [['--chunks', '5'], '--chunks needs --time COL'],
    [['--time', 't', '--chunks', '1'], '--chunks: expected a whole number from 2 to 10000, got "1"'],
    [['--time', 't', '--chunks', '5', '--chunk-duration', '1h'], '--chunks and --chunk-duration exclude each other'],
    [
      ['--time', 't', '--chunk-duration', 'long'],
      '--chunk-duration: expected a duration such as 30s, 5m, 1h or 1d, got "long"',
    ],
    [['--features', 'age,age'], '--features: "age" is named twice'],
    [['--features', 'age,label', '--target', 'label'], '--features names "label", which is the --target column'],
    [['--max-categories', '0'], '--max-categories: expected a whole number from 1 to 10000, got "0"'],
    [['--format', 'xml'], '--format: expected csv, tsv, jsonl, parquet, got "xml"'],
    [['--colour'], "Unknown option '--colour'"],
    [['stray'], "Unexpected argument 'stray'"],
  ]
  it.each(usage)('calls %j a usage error', async (args, message) => {
    const { status, io } = await driftline([...build, ...args])
    expect(status).toBe(2)
    expect(io.out()).toBe('')
    expect(io.err()).toContain(`driftline baseline build: ${message}`)
    expect(io.err()).toContain('Try: driftline baseline build --help')
  })

  it('asks for what is missing', async () => {
    expect((await driftline(['baseline', 'build', '--out', 'b.json'])).io.err()).toContain('--data FILE is missing')
    expect(
      (await driftline(['baseline', 'build', '--data', 'train.csv', '--version', '1', '--out', 'b.json'])).io.err(),
    ).toContain('--model NAME is missing')
    expect((await driftline(build.slice(0, -2))).io.err()).toContain('--out FILE is missing')
  })

  const bad: [string, string | null, string[], string][] = [
    ['a file that is not there', null, [], 'train.csv: no such file'],
    ['an empty file', '', [], 'train.csv: the file is empty'],
    ['only a header', 'a,b\n', [], 'train.csv: has no rows'],
    ['a ragged row', 'a,b\n1,2\n3\n', [], 'train.csv, line 3: expected 2 fields as in the header, got 1'],
    [
      'a missing column',
      'a,b\n1,2\n',
      ['--target', 'y'],
      'train.csv: has no column "y" (--target); its columns are a, b',
    ],
    [
      'a column of --type that is not there',
      'a,b\n1,2\n',
      ['--type', 'c=numeric'],
      'train.csv: has no column "c" (--type); its columns are a, b',
    ],
    ['an open quote', 'a,b\n1,"2\n', [], 'train.csv, line 2: a quote is opened and never closed'],
  ]
  it.each(bad)('says in one line what is wrong: %s', async (_what, content, args, message) => {
    if (content === null) await rm(join(directory, 'train.csv'))
    else await save('train.csv', content)
    const { status, io } = await driftline([...build, ...args])
    expect([status, io.out()]).toEqual([1, ''])
    expect(io.err()).toBe(`driftline baseline build: ${join(directory, message)}\n`)
    expect(await readdir(directory)).not.toContain('b.json')
  })

  it('keeps the old file when the new one can not be written', async () => {
    const args = [...build.slice(0, -1), 'gone/b.json']
    const { status, io } = await driftline(args)
    expect(status).toBe(1)
    expect(io.err()).toContain(`${join(directory, 'gone/b.json')}: can not be written (`)
  })

  it('says that a file may not be read', async () => {
    await chmod(join(directory, 'train.csv'), 0)
    await chmod(directory, 0o755)
    // Root may read everything, and becomes nobody for the while.
    const isRoot = process.geteuid!() === 0
    if (isRoot) process.seteuid!(65_534)
    try {
      expect((await driftline(build)).io.err()).toContain('train.csv: no permission to read it')
    } finally {
      if (isRoot) process.seteuid!(0)
    }
  })
})

describe('driftline baseline show', () => {
  beforeEach(async () => {
    await save('train.csv', train)
    await driftline([...build, ...roles])
  })

  it('prints a table for people, or one JSON document', async () => {
    const { status, io } = await driftline(['baseline', 'show', 'b.json'])
    expect([status, io.err()]).toEqual([0, ''])
    expect(io.out()).toContain('6 time-ordered chunks by t, 50 to 50 rows')
    const json = await driftline(['baseline', 'show', 'b.json', '--json'])
    expect(JSON.parse(json.io.out())).toMatchObject({
      rows: 300,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      features: [
        { name: 'age', kind: 'numeric', missing: 0, mean: 44.5 },
        { name: 'city', categories: 2 },
      ],
      chunking: { column: 't', chunks: 6 },
      segments: null,
    })
  })

  it('lists everything that is wrong with a baseline, each with file and field', async () => {
    const baseline = JSON.parse(await readFile(join(directory, 'b.json'), 'utf8'))
    baseline.features[0].counts[1] = -1
    baseline.rowz = 1
    await save('b.json', JSON.stringify(baseline))
    const { status, io } = await driftline(['baseline', 'show', 'b.json'])
    expect(status).toBe(1)
    expect(io.err()).toContain(
      `${join(directory, 'b.json')}, features[0].counts[1]: expected a whole number >= 0, got -1\n`,
    )
    expect(io.err()).toContain('b.json, rowz: unknown field')
    await save('b.json', '{"schema":')
    expect((await driftline(['baseline', 'show', 'b.json'])).io.err()).toContain('b.json: not JSON (')
  })

  it('wants one file', async () => {
    const { status, io } = await driftline(['baseline', 'show'])
    expect([status, io.err()]).toEqual([
      2,
      'driftline baseline show: expected one FILE, got 0\nTry: driftline baseline show --help\n',
    ])
  })
})

describe('driftline', () => {
  it('lists its commands, and says more about each', async () => {
    for (const args of [[], ['--help'], ['help']]) {
      const { status, io } = await driftline(args)
      expect(status).toBe(0)
      expect(io.out()).toContain('baseline build   make baseline.json from training data')
    }
    expect((await driftline(['baseline', 'build', '--help'])).io.out()).toContain('Usage: driftline baseline build')
    expect((await driftline(['baseline', '--help'])).io.out()).toContain('baseline show')
  })

  it('knows what it does not know', async () => {
    const { status, io } = await driftline(['basline'])
    expect(status).toBe(2)
    expect(io.err()).toContain('there is no command "basline"')
    expect((await driftline(['baseline', 'bild'])).io.err()).toContain(
      'there is no command "baseline bild"; known are baseline build, baseline show',
    )
  })

  it('builds from many rows in a small heap', async () => {
    const file = await open(join(directory, 'many.csv'), 'w')
    await file.write('a,b,c,d,e,t\n')
    for (let block = 0; block < 40; block++) {
      const rows = Array.from({ length: 10_000 }, (_, i) => {
        const row = block * 10_000 + i
        return `${(row * 7919) % 100_003},${row % 97},text ${row % 13},${row / 8},long text number ${(row * 31) % 200_003},${row}\n`
      })
      await file.write(rows.join(''))
    }
    await file.close()
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
    // 400,000 rows of six texts are 150 MB of strings and pointers when they are kept.
    const args = ['--max-old-space-size=64', '-C', '@driftline/source', main, 'baseline', 'build', '--data', 'many.csv']
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [...args, '--model', 'm', '--version', '1', '--time', 't', '--out', 'b.json', '--json'],
      { cwd: directory },
    )
    expect(JSON.parse(stdout)).toMatchObject({ rows: 400_000, chunks: 168 })
  })

  it('runs as a program', async () => {
    await save('train.csv', train)
    const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
    const run = promisify(execFile)
    const options = { cwd: directory }
    const { stdout, stderr } = await run(
      process.execPath,
      ['-C', '@driftline/source', main, ...build, ...roles, '--json'],
      options,
    )
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({ rows: 300 })
    const failed = await run(
      process.execPath,
      ['-C', '@driftline/source', main, 'baseline', 'show', 'none.json'],
      options,
    ).catch((error: unknown) => error as { code: number; stdout: string; stderr: string })
    expect(failed).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^driftline baseline show: .*none\.json: no such file\n$/),
    })
  })
})
