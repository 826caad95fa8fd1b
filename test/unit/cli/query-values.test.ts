import { DuckDBInstance } from '@duckdb/node-api'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toCsv, toJson, toText } from '../../../src/cli/query-values.ts'

/** The value of an expression, as DuckDB gives it. */
const evaluated = async (expression: string): Promise<unknown> => {
  const connection = await (await DuckDBInstance.create(':memory:')).connect()
  await connection.run("SET TimeZone = 'UTC'")
  const rows = await (await connection.run(`SELECT ${expression}`)).getRows()
  return rows[0]![0]
}

test.each([
  ['NULL', null],
  ["'a'", 'a'],
  ['true', true],
  ['1::BIGINT', 1],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ['9007199254740993', '9007199254740993'],
  ['-9007199254740993', '-9007199254740993'],
  ['170141183460469231731687303715884105727', '170141183460469231731687303715884105727'],
  ['1.50::DECIMAL(10, 2)', 1.5],
  ['-0.07::DECIMAL(10, 2)', -0.07],
  ['1234567890.1234567890::DECIMAL(38, 10)', '1234567890.1234567890'],
  ['0.1::DOUBLE + 0.2::DOUBLE', 0.1 + 0.2],
  ["'NaN'::DOUBLE", 'NaN'],
  ["'Infinity'::FLOAT", 'Infinity'],
  ["'-Infinity'::DOUBLE", '-Infinity'],
  ["TIMESTAMP '2026-01-02 03:04:05'", '2026-01-02T03:04:05.000Z'],
  ["TIMESTAMP '2026-01-02 03:04:05.5'", '2026-01-02T03:04:05.500Z'],
  ["TIMESTAMP '2026-01-02 03:04:05.123456'", '2026-01-02T03:04:05.123456Z'],
  ["TIMESTAMPTZ '2026-01-02 03:04:05+02'", '2026-01-02T01:04:05.000Z'],
  ["TIMESTAMP_NS '2026-01-02 03:04:05.123456789'", '2026-01-02T03:04:05.123456789Z'],
  ["'infinity'::TIMESTAMP", 'infinity'],
  ["DATE '2026-01-02'", '2026-01-02'],
  ["TIME '03:04:05'", '03:04:05'],
  ["'a'::ENUM('a', 'b')", 'a'],
  ['INTERVAL 1 DAY', '1 day'],
  ["'01234567-89ab-cdef-0123-456789abcdef'::UUID", '01234567-89ab-cdef-0123-456789abcdef'],
  ['[1, NULL, 9007199254740993]', [1, null, '9007199254740993']],
  ['[1, 2]::INTEGER[2]', [1, 2]],
  ["{'a': 1, 'b': [TIMESTAMP '2026-01-02']}", { a: 1, b: ['2026-01-02T00:00:00.000Z'] }],
  ["MAP {'k': 'NaN'::DOUBLE}", [{ key: 'k', value: 'NaN' }]],
  ['union_value(n := 2)', 2],
  ['\'{"a":1}\'::JSON', '{"a":1}'],
] as const)('toJson() of %s is %j', async (expression, wanted) => {
  expect(toJson(await evaluated(expression))).toEqual(wanted)
})

test('toText() shows texts bare', () => {
  expect([null, 'a b', 1.5, true, 10n].map(toText)).toEqual(['null', 'a b', '1.5', 'true', '10'])
})

test('toCsv() tells no value from an empty text', () => {
  expect([null, '', 'null', 1, true].map(toCsv)).toEqual(['', '""', 'null', '1', 'true'])
})

test('toCsv() writes what a reader of CSV reads', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\r', '\n', ' ', 'ü') })
  fc.assert(
    fc.property(fc.array(text, { minLength: 1 }), (texts) => {
      const line = texts.map(toCsv).join(',')
      expect(parse(line, { skip_empty_lines: false })).toEqual([texts])
    }),
  )
})
