import { describe, expect, it } from 'vitest'
import { describeDestination, metricsExporterChoice } from '../../src/zero-code/destination.ts'

describe('describeDestination', () => {
  it('is without the password, and with the variable when that is no URL', () => {
    expect(describeDestination({})).toBe('http://localhost:4318')
    expect(
      describeDestination({
        OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: ' ',
        OTEL_EXPORTER_OTLP_ENDPOINT: 'http://user:secret@collector:4318/?token=secret',
      }),
    ).toBe('http://collector:4318')
    for (const text of ['127.0.0.1:14318', 'localhost:4318', 'notaurl', 'ftp://collector'])
      expect(describeDestination({ OTEL_EXPORTER_OTLP_ENDPOINT: text })).toBe(
        'nowhere, as OTEL_EXPORTER_OTLP_ENDPOINT is no http or https URL',
      )
  })
})

describe('metricsExporterChoice', () => {
  it.each([
    [undefined, true, null],
    ['', true, null],
    ['otlp', true, null],
    ['none', false, null],
    [' None ', false, null],
    ['otlp,none', true, null],
    ['console', true, 'console'],
    ['otlp, prometheus, console', true, 'prometheus, console'],
  ])('of %j', (OTEL_METRICS_EXPORTER, exports, others) => {
    const choice = metricsExporterChoice({ OTEL_METRICS_EXPORTER })
    expect(choice.exports).toBe(exports)
    expect(choice.problem).toBe(
      others === null ? null : `OTEL_METRICS_EXPORTER: Driftline sends by otlp, and not by ${others}`,
    )
  })
})
