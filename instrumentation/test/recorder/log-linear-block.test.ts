import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logLinearBound } from '../../src/contract/index.ts'
import {
  learningExponents,
  learningScales,
  LogLinearBlock,
  maxLearningCells,
} from '../../src/recorder/log-linear-block.ts'
import { learningIndex } from '../../src/recorder/log-linear-index.ts'
import type { LogLinearCells, NumericReading } from '../../src/recorder/numeric-block.ts'

type Reading = NumericReading & { cells: LogLinearCells }

const column = { bounds: null, origin: null, low: -Infinity, high: Infinity }

function record(block: LogLinearBlock, values: readonly number[]): Reading {
  block.recordColumn(0, Float64Array.from(values), values.length)
  return block.read(0) as Reading
}

function read(values: readonly number[]): Reading {
  return record(new LogLinearBlock([column]), values)
}

function cellsInUse({ positive, negative }: LogLinearCells): number {
  return positive.counts.length + negative.counts.length
}

/** What the cells must be at a scale, counted value by value. */
function expectCells(cells: LogLinearCells, values: readonly number[]): void {
  const indices = { positive: new Map<number, number>(), negative: new Map<number, number>() }
  let zeros = 0
  for (const value of values) {
    const magnitude = Math.abs(value)
    if (magnitude <= 2 ** learningExponents.lowest) {
      zeros++
      continue
    }
    const side = value > 0 ? indices.positive : indices.negative
    const index = Math.min(learningIndex(magnitude, cells.scale), learningExponents.highest * 2 ** cells.scale - 1)
    side.set(index, (side.get(index) ?? 0) + 1)
  }
  expect(cells.zeroCount).toBe(zeros)
  for (const sign of ['positive', 'negative'] as const) {
    const { offset, counts } = cells[sign]
    const own = new Map(counts.flatMap((count, i) => (count === 0 ? [] : [[offset + i, count] as const])))
    expect(own).toEqual(new Map([...indices[sign]].sort(([a], [b]) => a - b)))
    expect(counts.at(0) === 0 || counts.at(-1) === 0, 'empty ends').toBe(false)
  }
}

/** A run of values near one another, at any place. */
const cluster = fc
  .record({
    middle: fc.oneof(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, 1, 300, -300, 1.7e12),
    ),
    spread: fc.integer({ min: -25, max: 2 }).map((exponent) => 2 ** exponent),
    places: fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 }),
  })
  .map(({ middle, spread, places }) => places.map((place) => middle * (1 + spread * place)).filter(Number.isFinite))
const clusters = fc.array(cluster, { minLength: 1, maxLength: 8 })

describe('a log-linear block', () => {
  it('puts each magnitude between the bounds of its cell, on the side of its sign', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -60, max: 2 ** 60, noNaN: true }), fc.boolean(), (magnitude, negative) => {
        const { cells } = read([negative ? -magnitude : magnitude])
        const [side, other] = negative ? [cells.negative, cells.positive] : [cells.positive, cells.negative]
        expect(other.counts).toEqual([])
        expect(side.counts).toEqual([1])
        expect(cells.scale).toBe(learningScales.finest)
        expect(magnitude).toBeLessThanOrEqual(logLinearBound(side.offset, cells.scale))
        expect(magnitude).toBeGreaterThan(logLinearBound(side.offset - 1, cells.scale))
      }),
    )
  })

  it('has powers of two in the cell that ends with them', () => {
    const { cells } = read([1, 2, 4])
    expect(cells.scale).toBe(6)
    expect(cells.positive.offset).toBe(-1)
    expect(cells.positive.counts.flatMap((count, i) => (count > 0 ? [i] : []))).toEqual([0, 64, 128])
  })

  it('a feature of 300 ± 3 used to have one cell', () => {
    const values = Array.from({ length: 1000 }, (_, i) => 297 + (6 * i) / 999)
    const { cells } = read(values)
    expect(cells.positive.counts.filter((count) => count > 0).length).toBeGreaterThan(80)
    expect(Math.max(...cells.positive.counts)).toBeLessThan(30)
    // Its tails too, as far as those of a normal distribution of a million values go.
    expect(cellsInUse(read([285, ...values, 315]).cells)).toBeGreaterThan(80)
  })

  it('counts every value in its cell through growth in both directions and coarser scales, and clips what is beyond its range', () => {
    fc.assert(
      fc.property(clusters, fc.boolean(), (lists, atOnce) => {
        const block = new LogLinearBlock([column])
        let scale: number = learningScales.finest
        const seen: number[] = []
        for (const values of atOnce ? [lists.flat()] : lists) {
          seen.push(...values)
          const { cells, count } = record(block, values)
          expect(count).toBe(seen.length)
          expect(cells.scale).toBeLessThanOrEqual(scale)
          scale = cells.scale
          expectCells(cells, seen)
          if (scale > learningScales.coarsest) expect(cellsInUse(cells)).toBeLessThanOrEqual(maxLearningCells)
        }
      }),
      { numRuns: 1500 },
    )
  })

  it('is only as coarse as its cells need, and never coarser than 9 %', () => {
    fc.assert(
      fc.property(clusters, (lists) => {
        const values = lists.flat()
        const { cells } = read(values)
        expect(cells.scale).toBeGreaterThanOrEqual(learningScales.coarsest)
        if (cells.scale === learningScales.finest) return
        const needed = [1, -1].map((sign) => {
          const magnitudes = values.map((value) => Math.min(sign * value, 2 ** 64)).filter((value) => value > 2 ** -64)
          if (magnitudes.length === 0) return 0
          const [least, most] = [Math.min(...magnitudes), Math.max(...magnitudes)]
          return learningIndex(most, cells.scale + 1) - learningIndex(least, cells.scale + 1) + 1
        })
        // Of several scales at once the last that had too many cells.
        expect(needed[0]! + needed[1]!).toBeGreaterThan(maxLearningCells)
      }),
      { numRuns: 500 },
    )
  })

  it('keeps its scale over intervals, and moves its cells along with values that move', () => {
    fc.assert(
      fc.property(clusters, (lists) => {
        const block = new LogLinearBlock([column])
        let scale: number = learningScales.finest
        for (const values of lists) {
          const { cells, count } = record(block, values)
          expect(count).toBe(values.length)
          expect(cells.scale).toBeLessThanOrEqual(scale)
          scale = cells.scale
          expectCells(cells, values)
          block.reset()
          const empty = block.read(0) as Reading
          expect(empty.cells).toMatchObject({ scale, zeroCount: 0, positive: { counts: [] }, negative: { counts: [] } })
        }
      }),
      { numRuns: 500 },
    )
  })

  it('takes no more memory however long it counts', () => {
    const block = new LogLinearBlock([column])
    for (let i = 0; i < 5000; i++) block.record(0, 1.7e12 + 3e5 * i)
    expect(block.bytes).toBeLessThanOrEqual(8 * maxLearningCells + 32)
    for (let exponent = -1073; exponent < 1024; exponent++)
      for (const sign of [1, -1]) block.record(0, sign * 2 ** exponent)
    const all = block.bytes
    expect(all).toBeLessThanOrEqual(2 * 1024 * 8 + 32)
    for (let exponent = -1073; exponent < 1024; exponent++) block.record(0, 1.5 * 2 ** exponent)
    expect(block.bytes).toBe(all)
  })

  it('counts zero and minus zero in the zero cell', () => {
    expect(read([0, -0]).cells).toMatchObject({ zeroCount: 2, positive: { counts: [] }, negative: { counts: [] } })
  })
})
