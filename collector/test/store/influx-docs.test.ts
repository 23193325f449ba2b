import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { defaultJournalLimits } from '../../src/journal/journal.ts'
import { derivedMeasurements } from '../../src/store/influx/derived-schema.ts'
import {
  cellsPerPoint,
  defaultInstanceSlots,
  pointMeasurements,
  pointTags,
  tagLength,
  windowFields,
} from '../../src/store/influx/point-schema.ts'
import { defaultInfluxSettings } from '../../src/store/influx/influx-settings.ts'

const text = readFileSync(new URL('../../../docs/influxdb.md', import.meta.url), 'utf8')

/** Rows of the table below a heading or sentence, cells without their code marks. */
function tableAfter(start: string): string[][] {
  const lines = text.slice(text.indexOf(start)).split('\n')
  const first = lines.findIndex((line) => line.startsWith('| ---'))
  const end = lines.findIndex((line, i) => i > first && !line.startsWith('|'))
  return lines.slice(first + 1, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', '')),
  )
}

describe('docs/influxdb.md', () => {
  it('has the measurements and fields that are written', () => {
    const written = Object.values(pointMeasurements).flatMap(({ measurement, fields }) =>
      Object.entries(fields).map(([field, meaning]) => [measurement, field, meaning]),
    )
    const plain = written.map((row) => row.map((cell) => cell.replaceAll('`', '')))
    expect(tableAfter('### Measurements')).toEqual(plain)
    expect(tableAfter('Points in `windows`')).toEqual(Object.entries(windowFields))
  })

  it('has the tags that are written', () => {
    expect(tableAfter('### Tags')).toEqual(
      Object.entries(pointTags).map(([tag, value]) => [tag, value.replaceAll('`', '')]),
    )
  })

  it('has the derived layer as it is written', () => {
    const all = derivedMeasurements()
    expect(tableAfter('### Derived measurements')).toEqual(
      all.map(({ measurement, description }) => [measurement, description]),
    )
    expect(tableAfter('### Derived tags')).toEqual(
      all.flatMap(({ measurement, tags }) => Object.entries(tags).map(([tag, value]) => [measurement, tag, value])),
    )
    expect(tableAfter('### Derived fields')).toEqual(
      all.flatMap(({ measurement, fields }) =>
        Object.entries(fields).map(([field, { unit, description }]) => [measurement, field, unit, description]),
      ),
    )
  })

  it('said nothing of when the journal drops what it holds', () => {
    const { segmentBytes, maximumBytes, maximumAgeMs } = defaultJournalLimits
    const [days, gibibytes, mebibytes] = [maximumAgeMs / 86_400_000, maximumBytes / 2 ** 30, segmentBytes / 2 ** 20]
    expect(text).toContain(`up to ${gibibytes} GiB and ${days} days, in files of ${mebibytes} MiB`)
  })

  it('has the limits of the code', () => {
    expect(text).toContain(`ceil(cells / ${cellsPerPoint})`)
    expect(text).toContain(`beyond \`b${cellsPerPoint - 1}\``)
    expect(text).toContain(`up to ${tagLength} characters`)
    expect(text).toContain(`default ${defaultInstanceSlots}`)
    expect(defaultInfluxSettings).toMatchObject({
      database: 'driftline',
      keepRawDays: 14,
      keepWindowsDays: 400,
      keepResultsDays: null,
      instanceSlots: defaultInstanceSlots,
    })
  })
})
