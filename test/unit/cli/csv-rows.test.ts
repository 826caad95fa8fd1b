import { Readable } from 'node:stream'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LINE_BYTES_MAX, linesOf } from '../../../src/cli/csv-lines.ts'
import { type CsvRow, csvRows } from '../../../src/cli/csv-rows.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

const read = (text: string | Buffer, delimiter = ','): Promise<CsvRow[]> =>
  Array.fromAsync(csvRows(linesOf(Readable.from([Buffer.from(text)])), delimiter))

/** Line and values of each row; what is wrong with it instead, where something is. */
const told = async (text: string | Buffer, delimiter?: string) =>
  (await read(text, delimiter)).map(({ line, cells, fault }) =>
    fault === '' ? [line, ...cells] : [line, `!${fault}`, ...cells],
  )

const NOT_CLOSED = '!a quote is not closed'
const INSIDE = '!a quote inside of a value without quotes'
const BEHIND = '!a value goes on behind its quotes'

test.each([
  ['', []],
  [
    'a,b\n\n\nc,\n',
    [
      [1, 'a', 'b'],
      [4, 'c', ''],
    ],
  ],
  [
    'a,"b, ""c""\nd"\ne,f',
    [
      [1, 'a', 'b, "c"\nd'],
      [3, 'e', 'f'],
    ],
  ],
  [
    'a,"b\r\nc"\r\n\r\nd,e\r\n',
    [
      [1, 'a', 'b\r\nc'],
      [4, 'd', 'e'],
    ],
  ],
  [
    'a,"b\rc"\rd,""\r',
    [
      [1, 'a', 'b\rc'],
      [3, 'd', ''],
    ],
  ],
  [
    ',\n" "\n',
    [
      [1, '', ''],
      [2, ' '],
    ],
  ],
])('csvRows() of %j', async (text, wanted) => {
  expect(await told(text)).toEqual(wanted)
})

test('csvRows() takes what it is told for the delimiter', async () => {
  expect(await told('a;"b;c";,\n', ';')).toEqual([[1, 'a', 'b;c', ',']])
  expect(await told('a😀"b😀"😀c\n', '😀')).toEqual([[1, 'a', 'b😀', 'c']])
})

test.each([
  [
    'a,"b\nc,d\ne,f\n',
    [
      [1, NOT_CLOSED, 'a,"b'],
      [2, 'c', 'd'],
      [3, 'e', 'f'],
    ],
  ],
  [
    'a,"b\nc,"d"\ne,f\n',
    [
      [1, NOT_CLOSED, 'a,"b'],
      [2, 'c', 'd'],
      [3, 'e', 'f'],
    ],
  ],
  [
    'a,"b\n"c",d\n',
    [
      [1, NOT_CLOSED, 'a,"b'],
      [2, 'c', 'd'],
    ],
  ],
  [
    'a,"b\n\n\nc,"d',
    [
      [1, NOT_CLOSED, 'a,"b'],
      [4, NOT_CLOSED, 'c,"d'],
    ],
  ],
  [
    'a,5" pipe\r\nc,d\r\n',
    [
      [1, INSIDE, 'a,5" pipe'],
      [2, 'c', 'd'],
    ],
  ],
  [
    'a, "b"\nc,d\n',
    [
      [1, INSIDE, 'a, "b"'],
      [2, 'c', 'd'],
    ],
  ],
  [
    'a,"b"c\nd,e\n',
    [
      [1, BEHIND, 'a,"b"c'],
      [2, 'd', 'e'],
    ],
  ],
  [
    'a,"\nb"c\nd,e\n',
    [
      [1, NOT_CLOSED, 'a,"'],
      [2, INSIDE, 'b"c'],
      [3, 'd', 'e'],
    ],
  ],
])('csvRows() puts aside no more than the line to blame, of %j', async (text, wanted) => {
  expect(await told(text)).toEqual(wanted)
})

const BYTES_MAX = LINE_BYTES_MAX

test('csvRows() looks for the end of a quote far, but not for ever', async () => {
  const far = `a,"${'b,c\n'.repeat(100_000)}"\nd,e\n`
  expect((await read(far)).map(({ line, fault }) => [line, fault])).toEqual([
    [1, ''],
    [100_002, ''],
  ])
  const count = BYTES_MAX / 4
  const tooFar = await read(`a,"x\n${'b,c\n'.repeat(count)}d,x"\ne,f\n`)
  expect(tooFar).toHaveLength(count + 3)
  expect(tooFar.filter(({ fault }) => fault !== '').map(({ line }) => line)).toEqual([1, count + 2])
})

test('csvRows() puts aside the beginning of a line that is too long, and what is open before it', async () => {
  const long = 'x'.repeat(BYTES_MAX + 1)
  const fault = `a line of more than ${BYTES_MAX} bytes, whose beginning this is`
  expect(await read(`a,b\n${long}\n"c\n${long}"\nd,e`)).toEqual([
    { line: 1, cells: ['a', 'b'], fault: '' },
    { line: 2, cells: ['x'.repeat(1024)], fault },
    { line: 3, cells: ['"c'], fault: 'a quote is not closed' },
    { line: 4, cells: ['x'.repeat(1024)], fault },
    { line: 5, cells: ['d', 'e'], fault: '' },
  ])
  expect((await read(`${'x'.repeat(BYTES_MAX)}\na`)).map((row) => row.fault)).toEqual(['', ''])
})

test('csvRows() takes no letters that it has to guess', async () => {
  const text = Buffer.from('a,caf\xe9\n"b\n\xe9",c\nd,e\n', 'latin1')
  const fault = '!it is no UTF-8: save the file in UTF-8'
  expect(await told(text)).toEqual([
    [1, fault, 'a,café'],
    [2, fault, '"b\né",c'],
    [4, 'd', 'e'],
  ])
  expect(await told('a,\ufffd\n')).toEqual([[1, 'a', '\ufffd']])
})

/** Texts that look like CSV, more or less. */
const text = fc
  .array(fc.constantFrom('a', 'b', ',', '"', '""', '\n', '\n', '"a"', ' '), { maxLength: 30 })
  .map((parts) => parts.join(''))

test('csvRows() reads what is CSV as others do, and else every line once, in order', async () => {
  await fc.assert(
    fc.asyncProperty(text, async (text) => {
      const rows = await read(text)
      const lines = rows.map(({ line }) => line)
      expect(lines).toEqual([...new Set(lines)].sort((a, b) => a - b))
      let wanted: string[][]
      try {
        wanted = parse(text, {
          ...{ skip_empty_lines: true, relax_column_count: true, record_delimiter: '\n' },
        })
      } catch {
        expect(rows.some(({ fault }) => fault !== '')).toBe(true)
        return
      }
      expect(rows.map(({ cells, fault }) => [fault, ...cells])).toEqual(
        wanted.map((cells) => ['', ...cells]),
      )
    }),
    { numRuns: propertyRuns(1000) },
  )
})

test('csvRows() is as good for the rows behind a broken one as if it were not there', async () => {
  const good = fc.array(fc.constantFrom('c,d', '"e",f', 'g,"h"'), { maxLength: 5 })
  const bad = fc.constantFrom('a,"b', 'a,b"', '"a"b,c', '"a,b', 'a,"""b', '"')
  await fc.assert(
    fc.asyncProperty(good, bad, good, async (before, broken, behind) => {
      const rows = await read([...before, broken, ...behind].join('\n'))
      const alone = await read([...before, ...behind].join('\n'))
      expect(rows.filter(({ fault }) => fault === '').map(({ cells }) => cells)).toEqual(
        alone.map(({ cells }) => cells),
      )
    }),
  )
})
