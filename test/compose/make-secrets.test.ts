import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { files, makeSecrets } from '../../docker/make-secrets.ts'

describe('making secrets', () => {
  let directory: string
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'driftline-secrets-'))
  })
  afterEach(() => rmSync(directory, { recursive: true }))
  const content = (path: string): string => readFileSync(join(directory, path), 'utf8')

  it('makes every secret once, readable by nobody else', () => {
    const lines = makeSecrets(directory, { ADMIN_TOKEN: '' })
    expect(lines).toContain('ADMIN_TOKEN: made')
    const first = files.map(({ path }) => content(path))
    for (const { path } of files) expect(statSync(join(directory, path)).mode & 0o777, path).toBe(0o400)
    expect(makeSecrets(directory, {})).toEqual([])
    expect(files.map(({ path }) => content(path))).toEqual(first)
    const distinct = new Set(
      [
        'influxdb/token',
        'influxdb/password',
        'grafana/password',
        'collector/ingest-token',
        'collector/admin-token',
      ].map(content),
    )
    expect(distinct.size).toBe(5)
    for (const value of distinct) expect(value).toMatch(/^[0-9a-f]{64}$/)
    expect(lines.join()).not.toMatch(/[0-9a-f]{16}/)
  })

  it('tells both ends the same', () => {
    makeSecrets(directory, {})
    expect(content('collector/influx-token')).toBe(content('influxdb/token'))
    expect(content('grafana/influx-token')).toBe(content('influxdb/token'))
    expect(JSON.parse(content('influxdb3/admin-token.json'))).toEqual({
      token: content('collector/influx3-token'),
      name: '_admin',
    })
    const header = parseEnv(content('server/otlp.env'))['OTEL_EXPORTER_OTLP_HEADERS']!
    expect(decodeURIComponent(header)).toBe(`authorization=Bearer ${content('collector/ingest-token')}`)
  })

  it('takes what is given before what was made, and says that it changed', () => {
    makeSecrets(directory, {})
    const given = {
      INFLUX_TOKEN: 'a-token-of-a-person',
      GRAFANA_INFLUX_TOKEN: 'a-token-that-only-reads',
      INGEST_TOKEN: '%=,;"#-and-so-on-',
    }
    const lines = makeSecrets(directory, given)
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^INFLUX_TOKEN: changed/)
    expect(content('collector/influx-token')).toBe('a-token-of-a-person')
    expect(content('grafana/influx-token')).toBe('a-token-that-only-reads')
    const header = parseEnv(content('server/otlp.env'))['OTEL_EXPORTER_OTLP_HEADERS']!
    expect(decodeURIComponent(header)).toBe(`authorization=Bearer ${given.INGEST_TOKEN}`)
    makeSecrets(directory, {})
    expect(content('collector/influx-token')).toBe('a-token-of-a-person')
  })

  it('goes on where a run was ended in the middle', () => {
    makeSecrets(directory, {})
    writeFileSync(join(directory, 'grafana/password.tmp'), 'half', { mode: 0o400 })
    const before = content('grafana/password')
    makeSecrets(directory, {})
    expect(content('grafana/password')).toBe(before)
  })

  it('names every secret that cannot be used, shows none, and writes nothing', () => {
    const bad = {
      ADMIN_TOKEN: 'hidden',
      INGEST_TOKEN: 'hidden$hidden$hidden',
      INFLUX3_TOKEN: 'hidden-hidden-hidden-hidden',
      INFLUX_PASSWORD: 'hidden',
    }
    let message = ''
    try {
      makeSecrets(directory, bad)
    } catch (error) {
      message = (error as Error).message
    }
    for (const name of Object.keys(bad)) expect(message).toContain(`${name}: expected`)
    expect(message).not.toContain('hidden')
    expect(() => content('influxdb/token')).toThrow('ENOENT')
  })
})
