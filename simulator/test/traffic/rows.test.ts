import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readTrafficRows } from '../../src/traffic/rows.ts'

const features = [
  { name: 'AGEP', kind: 'numeric' },
  { name: 'SCHL', kind: 'categorical' },
] as const

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'driftline-rows-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

function file(text: string): string {
  const path = join(directory, 'rows.csv.gz')
  writeFileSync(path, gzipSync(text))
  return path
}

describe('readTrafficRows', () => {
  it('keeps id and features by kind, and the label apart from them', () => {
    const rows = readTrafficRows(file('id,AGEP,SCHL,employed\n7,41.5,021,1\n8,,3,0\n9,5,1,\n'), features, 'employed')
    expect(rows).toEqual([
      { row: { id: 7, AGEP: 41.5, SCHL: '021' }, label: true },
      { row: { id: 8, AGEP: null, SCHL: '3' }, label: false },
      { row: { id: 9, AGEP: 5, SCHL: '1' }, label: null },
    ])
  })

  it('names missing columns', () => {
    expect(() => readTrafficRows(file('id,AGEP\n1,2\n'), features, 'employed')).toThrow(
      /rows\.csv\.gz: no column SCHL, employed/,
    )
  })

  it('names the line with another number of cells', () => {
    expect(() => readTrafficRows(file('id,AGEP,SCHL,employed\n1,2,3,1\n1,2\n'), features, 'employed')).toThrow(
      /rows\.csv\.gz:3: 2 cells instead of 4/,
    )
  })
})
