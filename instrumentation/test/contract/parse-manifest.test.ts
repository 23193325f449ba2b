import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FormatError, parseManifest, type Manifest } from '../../src/contract/index.ts'

const digest = `sha256:${'f0'.repeat(32)}`

function sampleManifest(): Manifest {
  return {
    schema: 'driftline.manifest/1',
    model: { name: 'employment', version: '3', task: 'binary-classification' },
    createdAt: '2026-01-31T12:00:00+01:00',
    features: [
      {
        name: 'age',
        kind: 'numeric',
        unit: 'years',
        description: 'completed years',
        missing: 'not asked',
        range: { min: 0, max: 120 },
      },
      { name: 'city', kind: 'categorical', categories: ['Wien', 'Bern'] },
      { name: 'retired', kind: 'boolean' },
    ],
    output: { classes: ['0', '1'], positiveClass: '1', decisionThreshold: 0.5, decisionRule: '>=' },
    segment: { column: 'city' },
    artefact: { name: 'model.onnx', digest },
    data: { training: { name: 'train.csv', digest }, pipeline: { name: 'prepare.py', digest } },
    code: { commit: 'abc', dirty: false, file: { name: 'train.py', digest } },
    parameters: { explicit: { depth: 3, nested: { any: ['thing', null] } }, defaulted: {} },
    seeds: { split: 7 },
    versions: { 'scikit-learn': '1.9.1' },
    offlineMetrics: { data: { name: 'held-out.csv', digest }, values: { auc: 0.87 } },
    baselineDigest: digest,
  }
}

function problemsOf(value: unknown): readonly { path: string; message: string }[] {
  try {
    parseManifest(value)
  } catch (error) {
    if (error instanceof FormatError) return error.problems
    throw error
  }
  return []
}

function withChange(change: (manifest: any) => void): unknown {
  const manifest = structuredClone(sampleManifest())
  change(manifest)
  return manifest
}

describe('parseManifest', () => {
  it('accepts a manifest with every part, and the smallest one', () => {
    const manifest = sampleManifest()
    expect(parseManifest(manifest)).toBe(manifest)
    const { schema, model, createdAt } = manifest
    expect(problemsOf({ schema, model, createdAt, features: [] })).toEqual([])
  })

  const wrong: [string, (manifest: any) => void, string, string][] = [
    ['an unknown field', (m) => (m.artifact = m.artefact), 'artifact', 'unknown field; known here: $schema, schema'],
    ['a misspelt kind of parameters', (m) => (m.parameters.defaults = {}), 'parameters.defaults', 'unknown field'],
    ['an unknown task', (m) => (m.model.task = 'clustering'), 'model.task', 'one of'],
    ['an empty name', (m) => (m.model.name = ''), 'model.name', 'non-empty'],
    ['features that are missing', (m) => delete m.features, 'features', 'expected an array of features, got nothing'],
    ['a feature twice', (m) => (m.features[2].name = 'age'), 'features[2].name', 'is the name of features[0] already'],
    ['a range upside down', (m) => (m.features[0].range.min = 121), 'features[0].range', 'min 121 is above max 120'],
    [
      'a range of a category',
      (m) => (m.features[1].range = { min: 1 }),
      'features[1].range',
      'a categorical feature has no range',
    ],
    [
      'categories of a number',
      (m) => (m.features[0].categories = ['1']),
      'features[0].categories',
      'a numeric feature',
    ],
    ['_OTHER as a category', (m) => m.features[1].categories.push('_OTHER'), 'features[1].categories', 'leave it out'],
    [
      'a positive class that is none',
      (m) => (m.output.positiveClass = '2'),
      'output.positiveClass',
      'not one of output.classes',
    ],
    ['an infinite threshold', (m) => (m.output.decisionThreshold = Infinity), 'output.decisionThreshold', 'finite'],
    ['a rule that is none', (m) => (m.output.decisionRule = '<'), 'output.decisionRule', "'>', '>='"],
    ['a digest without prefix', (m) => (m.artefact.digest = 'f0'), 'artefact.digest', 'sha256'],
    ['a text as seed', (m) => (m.seeds.split = '7'), 'seeds.split', 'finite number, got "7"'],
    ['a number as version', (m) => (m.versions['scikit-learn'] = 1.9), 'versions["scikit-learn"]', 'expected a text'],
    ['a metric that is null', (m) => (m.offlineMetrics.values.auc = null), 'offlineMetrics.values.auc', 'finite'],
    ['metrics without values', (m) => delete m.offlineMetrics.values, 'offlineMetrics.values', 'got nothing'],
    ['a dirty flag as text', (m) => (m.code.dirty = 'no'), 'code.dirty', 'true or false'],
  ]
  it.each(wrong)('refuses %s', (_what, change, path, message) => {
    const problems = problemsOf(withChange(change))
    expect(problems.map((problem) => problem.path)).toEqual([path])
    expect(problems[0]!.message).toContain(message)
  })

  it('leaves names that the user chooses alone', () => {
    expect(problemsOf(withChange((m) => (m.parameters.explicit.anything = { deep: [1] })))).toEqual([])
    expect(problemsOf(withChange((m) => (m.versions['any name'] = '1')))).toEqual([])
  })

  it('throws nothing but FormatError, whatever JSON it is given', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(problemsOf(value)).not.toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  it('throws nothing but FormatError when any field holds any JSON', () => {
    const keys = Object.keys(sampleManifest())
    fc.assert(
      fc.property(fc.constantFrom(...keys), fc.jsonValue({ maxDepth: 4 }), (key, value) => {
        problemsOf(withChange((manifest) => (manifest[key] = value)))
      }),
      { numRuns: 2000 },
    )
  })
})
