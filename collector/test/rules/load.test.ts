import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadRules, maximumRuleFileBytes } from '../../src/rules/load.ts'
import { RuleFileError } from '../../src/rules/problem.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'driftline-rules-'))
})
afterAll(() => rm(directory, { recursive: true }))

let files = 0
async function load(extension: string, text: string) {
  const path = join(directory, `rules-${files++}${extension}`)
  await writeFile(path, text)
  return loadRules(path)
}

/** The problems of a file, one a line, without the line that names the file. */
async function problemsOf(extension: string, text: string): Promise<string[]> {
  const error: unknown = await load(extension, text).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(RuleFileError)
  return (error as RuleFileError).message
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
}

const json = `{
  "model": "employment",
  "window": { "size": "1h" },
  "falseAlarmBudget": "1 per 30d",
  "rules": [
    { "name": "inputs moved", "signal": "feature-drift", "severity": "warning" },
    { "name": "psi", "signal": "feature-drift", "severity": "critical", "test": "psi", "threshold": 0.25 }
  ]
}
`
const yaml = `# rules of the employment model
model: employment
window:
  size: 1h
falseAlarmBudget: 1 per 30d
rules:
  - name: inputs moved
    signal: feature-drift
    severity: warning
  - { name: psi, signal: feature-drift, severity: critical, test: psi, threshold: 0.25 }
`
const typescript = `import type { RuleFile } from '@driftline/collector/rules'

interface Named { readonly name: string }
const psi: Named = { name: 'psi' }
const file: RuleFile = {
  model: 'employment',
  window: { size: '1h' },
  falseAlarmBudget: '1 per 30d',
  rules: [
    { name: 'inputs moved', signal: 'feature-drift', severity: 'warning' },
    { ...psi, signal: 'feature-drift', severity: 'critical', test: 'psi', threshold: 0.25 },
  ],
} satisfies RuleFile
export default file
`
const javascript = `export default ${json}`

describe('loadRules', () => {
  it('reads the same rules from every kind of file', async () => {
    const loaded = await Promise.all([
      load('.json', json),
      load('.json', `\uFEFF${json}`),
      load('.yaml', yaml),
      load('.yml', yaml),
      load('.ts', typescript),
      load('.mts', typescript),
      load('.mjs', javascript),
    ])
    expect(loaded[0]?.rules.map(({ name }) => name)).toEqual(['inputs moved', 'psi'])
    expect(new Set(loaded.map(({ digest }) => digest)).size).toBe(1)
    for (const { source } of loaded) expect(source.startsWith(directory)).toBe(true)
  })

  it('places every problem of a YAML file', async () => {
    const wrong = yaml
      .replace('size: 1h', 'size: 1 hour')
      .replace('severity: warning', 'severity: loud\n    fro: 2h')
      .replace('0.25', '0,25')
    expect(await problemsOf('.yaml', wrong)).toEqual([
      'line 4, column 9: window.size: expected a duration like "30s", "5m", "1h" or "7d", got "1 hour"',
      'line 9, column 15: rules[0].severity: unknown value "loud"; valid: info, warning, critical',
      'line 10, column 10: rules[0].fro: unknown setting, did you mean "for"?; known: name, severity, features, segment, for, keepFiringFor, notify, signal',
      // In a flow map `0,25` is a value and a key; the reader of the file sees what became of it.
      'line 11, column 5: rules[1]["25"]: unknown setting; known: name, severity, features, segment, for, keepFiringFor, notify, signal, test, threshold, minimumRows, correction',
      expect.stringContaining('rules[1].threshold: psi is a distance: expected a number above 0, got 0'),
    ])
  })

  it('places every problem of a JSON file', async () => {
    const wrong = json.replace('0.25', '"0,25"').replace('"severity": "warning"', '"severty": "warning"')
    expect(await problemsOf('.json', wrong)).toEqual([
      'line 6, column 5: rules[0].severity: is missing; expected one of info, warning, critical',
      expect.stringMatching(/^line 6, column 69: rules\[0\]\.severty: unknown setting, did you mean "severity"\?/),
      expect.stringMatching(/^line 7, column \d+: rules\[1\]\.threshold: expected a number, got "0,25"$/),
    ])
  })

  it('lists every problem of a module', async () => {
    const wrong = typescript
      .replace("'1 per 30d'", "'often'")
      .replace('threshold: 0.25', 'threshold: -1')
      .replace('satisfies RuleFile', '')
    expect(await problemsOf('.ts', wrong)).toEqual([
      'falseAlarmBudget: expected a budget like "1 per 30d" or "2 per week", got "often"',
      'rules[1].threshold: psi is a distance: expected a number above 0, got -1',
    ])
  })

  it('places syntax errors', async () => {
    expect(await problemsOf('.json', json.replace('"1h" }', '"1h" '))).toEqual([
      expect.stringMatching(/^line \d+, column \d+: not valid JSON: /),
    ])
    expect(await problemsOf('.json', '{ "model": ')).toEqual([expect.stringContaining('not valid JSON: ')])
    expect(await problemsOf('.yaml', yaml.replace('  size: 1h', '  size: [1h'))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^line \d+, column \d+: /)]),
    )
    expect(await problemsOf('.ts', 'export default {')).toEqual([
      expect.stringContaining('the module cannot be loaded: '),
    ])
    expect(await problemsOf('.mjs', 'throw new Error("boom")')).toEqual(['the module cannot be loaded: boom'])
  })

  it('reads TypeScript in plain Node, with defineRules from the public entry', async () => {
    const broken = join(directory, 'broken.ts')
    await writeFile(broken, 'export const one = 1\nenum Two { three }\nexport default Two\n')
    const script = `
      import { loadRules } from ${JSON.stringify(new URL('../../src/rules/load.ts', import.meta.url).href)}
      const { digest, rules } = await loadRules(${JSON.stringify(fileURLToPath(new URL('fixtures/employment.rules.ts', import.meta.url)))})
      const error = await loadRules(${JSON.stringify(broken)}).catch((reason) => reason)
      console.log(JSON.stringify({ digest, names: rules.map((rule) => rule.name), message: error.message }))
    `
    const run = await promisify(execFile)(
      process.execPath,
      ['-C', '@driftline/source', '--input-type=module', '-e', script],
      { timeout: 20_000 },
    )
    expect(JSON.parse(run.stdout)).toEqual({
      digest: (await load('.yaml', yaml)).digest,
      names: ['inputs moved', 'psi'],
      message: `${broken}: 1 problem\n  line 2: the module cannot be loaded: TypeScript enum is not supported in strip-only mode`,
    })
  })

  it('sees settings that are given twice', async () => {
    expect(await problemsOf('.json', json.replace('"window"', '"model": "other",\n  "window"'))).toEqual([
      'line 3, column 3: this setting is given twice',
    ])
    expect(await problemsOf('.yaml', `${yaml}model: other\n`)).toEqual([
      'line 11, column 1: this setting is given twice',
    ])
  })

  it('says what is wrong with a file that is no rule file', async () => {
    expect(await problemsOf('.toml', '')).toEqual([
      'rules are read from .ts, .mts, .js, .mjs, .json, .yaml, .yml; this file ends in ".toml"',
    ])
    expect(await problemsOf('.json', '')).toEqual(['is empty'])
    expect(await problemsOf('.yaml', '# nothing\n')).toEqual([expect.stringContaining('expected an object, got null')])
    expect(await problemsOf('.mjs', 'export const rules = {}')).toEqual([
      expect.stringContaining('has no default export'),
    ])
    expect(await problemsOf('.json', ' '.repeat(maximumRuleFileBytes + 1))).toEqual([
      expect.stringContaining('is larger than'),
    ])
    await expect(loadRules(join(directory, 'absent.json'))).rejects.toThrow('the file cannot be read: ENOENT')
    await expect(loadRules(directory)).rejects.toThrow('is not a file')
  })

  it('is not drowned by aliases that unfold without end', async () => {
    const levels = Array.from(
      { length: 12 },
      (_, i) => `l${i + 1}: &l${i + 1} [${Array.from({ length: 10 }, () => `*l${i}`).join(', ')}]`,
    )
    expect(await problemsOf('.yaml', `l0: &l0 x\n${levels.join('\n')}\n`)).toEqual([expect.stringContaining('alias')])
  })
})
