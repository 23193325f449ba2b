import { describe, expect, it } from 'vitest'
import type { Manifest } from '../../src/contract/index.ts'
import type { ModelConfig } from '../../src/zero-code/instrument-config.ts'
import { SightedModelTap } from '../../src/zero-code/model-tap.ts'
import type { ModelSighting, TensorValue } from '../../src/zero-code/sighting.ts'
import { WatchedModel } from '../../src/zero-code/watched-model.ts'
import { ManualClock } from '../manual-clock.ts'

const sighting: ModelSighting = {
  library: 'onnxruntime-node',
  libraryVersion: '1.30.0',
  kind: 'session',
  name: 'model.onnx',
  file: '/srv/model.onnx',
  artefactDigest: null,
  inputs: null,
  outputs: null,
}
const manifest: Manifest = {
  schema: 'driftline.manifest/1',
  model: { name: 'shop', version: '7', task: 'binary-classification' },
  createdAt: '2026-01-01T00:00:00Z',
  features: [
    { name: 'age', kind: 'numeric' },
    { name: 'income', kind: 'numeric' },
  ],
}

const floats = (...dims: number[]): TensorValue => ({
  data: new Float32Array(dims.reduce((product, size) => product * size, 1)).fill(0.5),
  dims,
  type: 'float32',
})

interface Tapped {
  readonly tap: SightedModelTap
  readonly warnings: readonly string[]
  /** Sums of what would be sent, by metric. */
  readonly sent: () => Promise<Readonly<Record<string, number>>>
}

function tapped({
  manifest = null,
  config = null,
}: {
  manifest?: Manifest | null
  config?: ModelConfig | null
}): Tapped {
  const warnings: string[] = []
  const watched = new WatchedModel({
    name: 'shop',
    version: '7',
    manifest,
    baseline: null,
    monitorOptions: { exportIntervalMillis: 10_000, export: false },
    clock: new ManualClock(1_000_000_003_000),
    intervalMillis: 10_000,
    warn: (kind, reason) => warnings.push(`${kind}: ${reason}`),
  })
  const warn = (kind: string, _: string, reason: string): void => void warnings.push(`${kind}: ${reason}`)
  const sent = async (): Promise<Record<string, number>> => {
    const sums: Record<string, number> = {}
    const { resourceMetrics } = await watched.monitor!.metricProducer.collect()
    for (const { metrics } of resourceMetrics.scopeMetrics) {
      for (const { descriptor, dataPoints } of metrics) {
        for (const { value } of dataPoints as readonly { readonly value: number | { readonly count: number } }[])
          sums[descriptor.name] = (sums[descriptor.name] ?? 0) + (typeof value === 'number' ? value : value.count)
      }
    }
    return sums
  }
  return { tap: new SightedModelTap({ sighting, watched, config, warn }), warnings, sent }
}

describe('a model whose features do not fit', () => {
  it.each([
    ['the configuration', { config: { match: { file: 'model.onnx' }, inputs: { features: ['a'] } } }, '1 features'],
    ['the manifest', { manifest }, '2 features'],
  ])('by %s used to send no answers, and to be told of twice', async (_, given, said) => {
    const { tap, warnings, sent } = tapped(given)
    for (let i = 0; i < 3; i++) tap.begin({ x: floats(2, 5) })!.end({ score: floats(2) })
    tap.begin({ x: floats(2, 5) })!.fail(new TypeError('no such operator'))
    expect(warnings).toEqual([expect.stringContaining(`mismatched-model: ${said} are declared`)])
    expect(await sent()).toMatchObject({
      'ml.prediction.score': 6,
      'ml.inference.duration': 4,
      'ml.monitor.dropped_rows': 8,
    })
  })

  it('in a single call keeps its answers where they are those of its rows, and complains of nothing else', async () => {
    const { tap, warnings, sent } = tapped({ manifest })
    tap.begin({ x: floats(2, 2) })!.end({ score: floats(2) })
    tap.begin({ x: floats(3, 7) })!.end({ score: floats(3) })
    tap.begin({ x: null })!.end({ score: floats(9) })
    expect(warnings.map((text) => text.split(':')[0])).toEqual(['unreadable-input', 'unreadable-input'])
    const { 'ml.prediction.score': scores, 'ml.monitor.dropped_rows': dropped } = await sent()
    expect([scores, dropped]).toEqual([5, 4])
  })
})
