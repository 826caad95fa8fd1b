import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { labelJson, type RowTerms, readFeedbackFile } from '../../../src/cli/feedback-rows.ts'
import { toCsv } from '../../../src/cli/query-values.ts'

const TERMS: RowTerms = { delimiter: ',', textLabels: false, endpoint: undefined }

const read = async (text: string, terms: Partial<RowTerms> = {}) => {
  const stream = Readable.from([Buffer.from(text)])
  const { rows } = await readFeedbackFile(stream, 'labels.csv', { ...TERMS, ...terms })
  return Array.fromAsync(rows)
}

/** The items of a file; what is none is its fault. */
const items = async (text: string, terms: Partial<RowTerms> = {}) =>
  (await read(text, terms)).map(({ item, fault }) => (item === null ? fault : JSON.parse(item)))

test('readFeedbackFile() makes an item of each row', async () => {
  const text =
    '\ufeffrow,prediction_id,label,observed_at,endpoint\r\n' +
    '2,g.0.0-1-7,late,2026-01-02T03:04:05Z,m\r\n' +
    ',"g.0.0-1-8","on, ""time""\nor so",,\r\n' +
    '\r\n'
  expect(await items(text)).toEqual([
    {
      ...{ prediction_id: 'g.0.0-1-7', label: 'late', row: 2 },
      ...{ observed_at: '2026-01-02T03:04:05Z', endpoint: 'm' },
    },
    { prediction_id: 'g.0.0-1-8', label: 'on, "time"\nor so' },
  ])
})

test('readFeedbackFile() does as it is told', async () => {
  const text = 'request_id;label;endpoint\na;1;\nb;2;n\n'
  expect(await items(text, { delimiter: ';', textLabels: true, endpoint: 'm' })).toEqual([
    { request_id: 'a', label: '1', endpoint: 'm' },
    { request_id: 'b', label: '2', endpoint: 'n' },
  ])
})

test('readFeedbackFile() says of which line a row is, and what is wrong with it', async () => {
  const text = 'prediction_id,label,row\na,1,0\n,1,\n"b\nb",1,\nc,,\nd,1,x\ne,1\nf,1,2,3\ng,1,-1\n'
  const rows = await read(text)
  expect(rows.map(({ line, fault }) => [line, fault])).toEqual([
    [2, ''],
    [3, 'no id'],
    [5, ''],
    [6, 'no label'],
    [7, 'row "x" is no number from 0'],
    [8, '2 values for 3 columns'],
    [9, '4 values for 3 columns'],
    [10, 'row "-1" is no number from 0'],
  ])
  expect(rows[6]?.cells).toEqual(['f', '1', '2', '3'])
})

test('readFeedbackFile() passes over what a file of rejected rows has beside', async () => {
  const text = 'line,reason,prediction_id,label\n17,no label,a,1\n'
  expect(await items(text)).toEqual([{ prediction_id: 'a', label: 1 }])
})

test.each([
  ['', 'labels.csv is empty'],
  ['a,label\n', 'labels.csv:1  unknown column "a"; columns are prediction_id or request_id,'],
  ['prediction_id\n', 'labels.csv:1  no column "label"'],
  ['label,row\n', 'labels.csv:1  no column of ids'],
  ['label,label,request_id\n', 'labels.csv:1  two columns "label"'],
  ['prediction_id;label\n', 'labels.csv:1  unknown column "prediction_id;label"'],
  ['prediction_id,label\na,1\nb,"2\n', 'labels.csv:3  is no CSV: Quote Not Closed'],
  ['prediction_id,label\na,"1"2\n', 'labels.csv:2  is no CSV: Invalid Closing Quote'],
  [`prediction_id,label\na,"${'x'.repeat(70_000)}"\n`, 'is no CSV: Max Record Size'],
])('readFeedbackFile() of %j fails', async (text, wanted) => {
  await expect(read(text)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(wanted),
  })
})

test.each([
  ['1', '1'],
  ['-0.50', '-0.50'],
  ['9007199254740993', '9007199254740993'],
  ['1e400', '1e400'],
  ['007', '"007"'],
  ['1.', '"1."'],
  ['+1', '"+1"'],
  ['NaN', '"NaN"'],
  ['true', 'true'],
  ['False', 'false'],
  ['yes', '"yes"'],
  ['[1, null]', '[1, null]'],
  ['[1', '"[1"'],
  ['{"a":1}', '"{\\"a\\":1}"'],
])('labelJson() of %s is %s', (text, json) => {
  expect(labelJson(text, false)).toBe(json)
  expect(labelJson(text, true)).toBe(JSON.stringify(text))
})

test('readFeedbackFile() reads back what was written as CSV', async () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, text), { maxLength: 5 }), async (pairs) => {
      const lines = [['request_id', 'label'], ...pairs].map((cells) => cells.map(toCsv).join(','))
      const found = await items(`${lines.join('\n')}\n`, { textLabels: true })
      expect(found).toEqual(pairs.map(([request_id, label]) => ({ request_id, label })))
    }),
  )
})
