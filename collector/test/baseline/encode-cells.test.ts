import { expect, it } from 'vitest'
import { categoryEncoder, noCell, numericEncoder, type Encoded } from '../../src/baseline/encode-cells.ts'

const { missing, nan, infinite, wrongType } = noCell

function cellsOf(encode: ReturnType<typeof numericEncoder>, values: readonly unknown[], text: boolean): number[] {
  const into: Encoded = { cells: new Int32Array(values.length), numbers: new Float64Array(values.length) }
  encode(values, text, 0, values.length, into)
  return [...into.cells]
}

it('reads numbers in text cells, and tells why there is none', () => {
  const cells = [
    '0',
    '0.5',
    ' 1 ',
    '1e0',
    '-1',
    '+2',
    '',
    '   ',
    'NaN',
    'nan',
    '-NaN',
    'inf',
    '-Inf',
    'Infinity',
    '1e999',
    'x',
    '0x10',
    '0b1',
    '1,5',
    '1_0',
    'null',
    '0',
    '-0',
    '00012',
  ]
  expect(cellsOf(numericEncoder([0, 1]), cells, true)).toEqual([
    0,
    1,
    1,
    1,
    0,
    2,
    missing,
    missing,
    nan,
    nan,
    nan,
    infinite,
    infinite,
    infinite,
    infinite,
    wrongType,
    wrongType,
    wrongType,
    wrongType,
    wrongType,
    wrongType,
    0,
    0,
    2,
  ])
})

it('takes only numbers for numbers elsewhere, as the recorder does', () => {
  const values = [0, 0.5, 2, 3n, null, undefined, Number.NaN, Infinity, -Infinity, '1', true, {}, [1], new Date(0)]
  expect(cellsOf(numericEncoder([0, 1]), values, false)).toEqual([
    0,
    1,
    2,
    2,
    missing,
    missing,
    nan,
    infinite,
    infinite,
    wrongType,
    wrongType,
    wrongType,
    wrongType,
    wrongType,
  ])
})

it('finds categories, the last cell for all others', () => {
  const encode = categoryEncoder(['1', 'a', 'true'], false)
  expect(cellsOf(encode, ['a', '1', 'true', 'b', '', ' ', 'A', '_OTHER'], true)).toEqual([
    1,
    0,
    2,
    3,
    missing,
    missing,
    3,
    3,
  ])
  expect(cellsOf(encode, ['a', 1, 1n, true, '', null, Number.NaN, -Infinity, [], 1.5], false)).toEqual([
    1,
    0,
    0,
    2,
    3,
    missing,
    nan,
    infinite,
    wrongType,
    3,
  ])
})

it('takes for booleans what says true or false, and nothing else', () => {
  const encode = categoryEncoder(['false', 'true'], true)
  expect(cellsOf(encode, ['true', 'False', 'TRUE', '1', '0', 'yes', '', '2'], true)).toEqual([
    1,
    0,
    1,
    1,
    0,
    wrongType,
    missing,
    wrongType,
  ])
  expect(cellsOf(encode, [true, false, 1, 0, 'true', 'false', '1', 'True', 2, null], false)).toEqual([
    1,
    0,
    1,
    0,
    1,
    0,
    wrongType,
    wrongType,
    wrongType,
    missing,
  ])
})

it('counts a column that is not there as missing', () => {
  const into: Encoded = { cells: new Int32Array(2), numbers: new Float64Array(2) }
  numericEncoder([1])(undefined, true, 3, 5, into)
  expect([...into.cells]).toEqual([missing, missing])
})
