import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ByteTable } from '../../src/receive/byte-table.ts'

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function findOrKeep(table: ByteTable<string>, bytes: Uint8Array): { value: string; known: boolean } {
  const value = Buffer.from(bytes).toString('hex')
  const found = table.find(viewOf(bytes), 0, bytes.length)
  if (found !== undefined) return { value: found, known: true }
  return { value: table.keep(viewOf(bytes), 0, bytes.length, value), known: false }
}

describe('ByteTable', () => {
  it('never takes one run for another', () => {
    const table = new ByteTable<string>(16, 64)
    // Short runs over few values: nearly equal ones meet in a table that is far too small.
    const run = fc.uint8Array({ max: 2, maxLength: 10 })
    fc.assert(
      fc.property(fc.array(run, { maxLength: 50 }), (runs) => {
        for (const bytes of runs) expect(findOrKeep(table, bytes).value).toBe(Buffer.from(bytes).toString('hex'))
      }),
      { numRuns: 300 },
    )
  })

  it('finds what comes again, in the same order and in another', () => {
    const table = new ByteTable<string>(1024, 64)
    const runs = Array.from({ length: 100 }, (_, i) => Buffer.from(`feature_${i}`))
    for (const bytes of runs) findOrKeep(table, bytes)
    expect(runs.filter((bytes) => findOrKeep(table, bytes).known)).toHaveLength(100)
    expect(runs.toReversed().filter((bytes) => findOrKeep(table, bytes).known)).toHaveLength(100)
  })

  it('finds nearly all of 1,000 runs in 4,096 places, and of numbers as bounds hold them', () => {
    const table = new ByteTable<string>(4096, 256)
    const runs = Array.from({ length: 1000 }, (_, i) =>
      Buffer.from(Float64Array.from({ length: 20 }, (_bound, j) => i + 1.5 * j).buffer),
    )
    for (const bytes of runs) findOrKeep(table, bytes)
    expect(runs.toReversed().filter((bytes) => findOrKeep(table, bytes).known).length).toBeGreaterThan(980)
  })

  it('does not keep runs that are too long', () => {
    const table = new ByteTable<string>(16, 8)
    const bytes = new Uint8Array(9)
    findOrKeep(table, bytes)
    expect(findOrKeep(table, bytes).known).toBe(false)
  })

  it('reads at any place of a larger buffer', () => {
    const table = new ByteTable<string>(16, 64)
    const bytes = Buffer.from('xxhello world!xhello world!')
    expect(table.find(viewOf(bytes), 2, 14)).toBeUndefined()
    table.keep(viewOf(bytes), 2, 14, 'greeting')
    expect(table.find(viewOf(bytes), 15, 27)).toBe('greeting')
    expect(table.find(viewOf(bytes), 15, 26)).toBeUndefined()
  })
})
