import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tagCondition } from '../../src/grafana/influxql-text.ts'
import { hasInfluxd, startInfluxd, type Influxd } from '../support/influxd.ts'

const names = ['plain', "o'brien", 'a$timeFilter/b', 'a$timeFilter/b2', '$', 'é $x_(.*)', 'back\\slash $1']

describe.skipIf(!hasInfluxd)('a comparison with a tag, against a real InfluxDB', () => {
  let influxd: Influxd
  beforeAll(async () => {
    influxd = await startInfluxd()
    await influxd.query('CREATE DATABASE "d"')
    const lines = names.map((name, index) => `m,model=${name.replaceAll(' ', '\\ ')} v=${index} 1000000000`)
    await influxd.write(lines.join('\n'), 'd')
  }, 60_000)
  afterAll(() => influxd?.dispose())

  it.each(names)('finds %s alone, and all others', async (name) => {
    const found = async (operator: '=' | '!=') => {
      const condition = tagCondition('model', operator, name)
      expect(condition.includes('$'), 'Grafana would expand it').toBe(false)
      const [answer] = await influxd.query(`SELECT v FROM m WHERE ${condition}`, 'd')
      return (answer!.series?.[0]?.values ?? []).map((row) => names[row[1] as number])
    }
    expect(await found('=')).toEqual([name])
    expect(new Set(await found('!='))).toEqual(new Set(names.filter((other) => other !== name)))
  })
})
