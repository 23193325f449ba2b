import { nextDown, type Baseline } from '../../src/contract/index.ts'

/** A small baseline with every part that the format knows. */
export function sampleBaseline(): Baseline {
  const decision = { threshold: 0.5, rule: '>=', positiveClass: '1', negativeClass: '0' } as const
  return {
    schema: 'driftline.baseline/1',
    model: { name: 'employment', version: '3' },
    createdAt: '2026-01-31T12:00:00.000Z',
    source: { name: 'train.csv', digest: `sha256:${'0a'.repeat(32)}`, boundsRankError: 0 },
    rows: 10,
    features: [
      {
        name: 'age',
        kind: 'numeric',
        missing: 1,
        invalid: { nan: 1, wrong_type: 1 },
        chunkMissing: [1, 0],
        chunkInvalid: [0, 2],
        range: { min: 0, max: 120 },
        outOfRange: 1,
        bounds: [-1, 30, 60],
        counts: [0, 4, 2, 1],
        values: 7,
        mean: 35,
        variance: 400,
        min: 0,
        max: 130,
        chunks: [
          [0, 3, 1, 0],
          [0, 1, 1, 1],
        ],
      },
      {
        name: 'city',
        kind: 'categorical',
        missing: 0,
        invalid: {},
        categories: ['Bern', 'Wien', '\uFF5E', '\u{1F600}'],
        counts: [4, 3, 1, 1, 1],
        values: 10,
        chunks: [
          [3, 1, 1, 0, 0],
          [1, 2, 0, 1, 1],
        ],
      },
      {
        name: 'retired',
        kind: 'boolean',
        missing: 0,
        invalid: {},
        categories: ['false', 'true'],
        counts: [6, 4, 0],
        values: 10,
      },
    ],
    predictions: {
      classes: { categories: ['0', '1'], counts: [6, 4, 0], values: 10 },
      score: {
        bounds: [-5e-324, 0.25, nextDown(0.5), 1],
        counts: [0, 3, 3, 4, 0],
        values: 10,
        mean: 0.4,
        variance: 0.1,
        min: 0,
        max: 0.9,
      },
      confidence: { bounds: [0.5, 1], counts: [0, 10, 0], values: 10, mean: 0.8, variance: 0.1, min: 0.6, max: 1 },
      scoreByLabel: { '0': [0, 3, 2, 0, 0], '1': [0, 0, 1, 4, 0] },
      decision,
    },
    labels: { categories: ['0', '1'], counts: [5, 5, 0], values: 10 },
    chunking: { column: 'time', rows: [5, 5], durationMs: 3_600_000 },
    segments: {
      column: 'retired',
      values: {
        true: {
          rows: 4,
          chunkRows: [2, 2],
          features: [
            {
              name: 'age',
              kind: 'numeric',
              missing: 0,
              invalid: {},
              bounds: [-1, 30, 60],
              counts: [0, 4, 0, 0],
              values: 4,
              mean: 20,
              variance: 0,
              min: 20,
              max: 20,
              chunks: [
                [0, 2, 0, 0],
                [0, 2, 0, 0],
              ],
            },
            {
              name: 'city',
              kind: 'categorical',
              missing: 0,
              invalid: {},
              categories: ['Bern', 'Wien', '\uFF5E', '\u{1F600}'],
              counts: [4, 0, 0, 0, 0],
              values: 4,
            },
            {
              name: 'retired',
              kind: 'boolean',
              missing: 0,
              invalid: {},
              categories: ['false', 'true'],
              counts: [0, 4, 0],
              values: 4,
            },
          ],
          predictions: {},
        },
      },
    },
  }
}
