import { describe, expect, it } from 'vitest'
import { FormatError } from '../../src/contract/index.ts'
import { parseInstrumentConfig } from '../../src/zero-code/parse-config.ts'

const route = {
  match: { route: 'POST /predict' },
  model: { name: 'employment', version: '1' },
  request: { rows: '$.rows[*]', features: { age: '$.AGEP' }, id: '$.id', segment: '$.country' },
  response: { rows: '$.predictions[*]', score: '$.probability', classes: { true: 'employed' } },
}
const session = {
  match: { file: 'models/model.onnx' },
  watch: true,
  manifest: 'manifest.json',
  inputs: { order: ['a', 'b'], features: ['x', 'y'], missing: [-1, 'NaN'], segment: 'b' },
  outputs: { probabilities: 'p', class: 'label' },
}

function problemsOf(value: unknown): readonly string[] {
  try {
    parseInstrumentConfig(value)
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError)
    return (error as FormatError).problems.map(({ path, message }) => `${path}: ${message}`)
  }
  return []
}

describe('driftline.instrument.json', () => {
  it('is taken as it is when it is right', () => {
    const config = {
      $schema: './schema.json',
      schema: 'driftline.instrument/1',
      models: [route, session, { match: { task: 'text-classification' }, watch: false }, { match: { name: 'iris' } }],
      discover: false,
      collector: 'http://collector:4318',
    }
    expect(parseInstrumentConfig(config)).toBe(config)
    expect(problemsOf({ schema: 'driftline.instrument/1', models: [], collector: false })).toEqual([])
  })

  it('lists everything that is wrong with its place', () => {
    expect(
      problemsOf({
        schema: 'driftline.instrument/2',
        extra: 1,
        discover: 'no',
        collector: 'ftp://x',
        models: [
          { match: {} },
          { match: { file: 'a', name: 'b' } },
          { match: { route: '/predict' } },
          { ...route, match: { file: 'c' } },
          { match: { file: 'c' }, model: { version: '' } },
          {
            match: { name: 'd' },
            inputs: { features: ['x', 'x'], missing: [null], order: [] },
            outputs: { klass: 'a' },
          },
          { ...route, request: { features: [], rows: 1 }, response: { classes: { true: 1 } } },
        ],
      }),
    ).toEqual([
      'extra: unknown field; known here: $schema, schema, models, discover, collector',
      `schema: expected 'driftline.instrument/1', got "driftline.instrument/2"`,
      'discover: expected true or false, got "no"',
      'collector: expected an http or https URL, or false, got "ftp://x"',
      'models[0].match: exactly one of file, task, route, name is needed, not 0',
      'models[1].match: exactly one of file, task, route, name is needed, not 2',
      `models[2].match.route: expected an HTTP method in capitals, as in "POST /predict", at position 0 of the route "/predict"`,
      "models[3].request: only a model that is matched by 'route' has one",
      "models[3].response: only a model that is matched by 'route' has one",
      "models[4].match.file: 'c' is matched already at models[3].match",
      'models[4].model.name: expected a non-empty text, got nothing',
      'models[4].model.version: expected a non-empty text, got ""',
      'models[5].inputs.order: at least one name is needed; leave it out for the default',
      'models[5].inputs.features[1]: "x" is listed already at models[5].inputs.features[0]',
      'models[5].inputs.missing[0]: expected a finite number, got null',
      'models[5].outputs.klass: unknown field; known here: class, score, probabilities, logits, value',
      'models[6].request.rows: expected a non-empty text, got 1',
      'models[6].request.features: at least one name is needed; leave it out for the default',
      'models[6].response.classes.true: expected a non-empty text, got 1',
    ])
  })

  it.each([null, 7, [], 'x', { schema: 'driftline.instrument/1' }])('is refused when it is %j', (value) => {
    expect(problemsOf(value)).not.toEqual([])
  })

  it('names a JSON path that is none, which used to be found only when a request came', () => {
    const config = {
      schema: 'driftline.instrument/1',
      models: [
        {
          match: { route: 'POST /predict' },
          request: { rows: '$.rows[*', features: { age: 'AGEP' } },
          response: { score: '$..score' },
        },
      ],
    }
    const problems = problemsOf(config)
    expect(problems.map((problem) => problem.split(': ')[0])).toEqual([
      'models[0].request.rows',
      'models[0].request.features.age',
      'models[0].response.score',
    ])
  })
})
