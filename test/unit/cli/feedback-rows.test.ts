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
    [4, ''],
    [6, 'no label'],
    [7, 'row "x" is no number from 0'],
    [8, '2 values for 3 columns'],
    [9, '4 values for 3 columns'],
    [10, 'row "-1" is no number from 0'],
  ])
  expect(rows[6]?.cells).toEqual(['f', '1', '2', '3'])
})

test('readFeedbackFile() passes over what a file of rejected rows has beside', async () => {
  const text =
    'line,reason,prediction_id,label\n17,no label,a,1\n18,no label,b\n19,none,"c,""1"\n7\n'
  const stream = Readable.from([Buffer.from(text)])
  const { header, rows } = await readFeedbackFile(stream, 'labels.csv', TERMS)
  expect(header).toEqual(['prediction_id', 'label'])
  const [taken, ...others] = await Array.fromAsync(rows)
  expect(taken).toMatchObject({ item: '{"prediction_id":"a","label":1}', cells: ['a', '1'] })
  expect(others.map(({ cells, fault }) => [fault, ...cells])).toEqual([
    ['1 value for 2 columns', 'b'],
    ['1 value for 2 columns', 'c,"1'],
    ['0 values for 2 columns'],
  ])
})

test.each([
  ['', 'labels.csv is empty'],
  ['\na,label\n', 'labels.csv:2  unknown column "a"; columns are prediction_id or request_id,'],
  ['prediction_id\n', 'labels.csv:1  no column "label"'],
  ['label,row\n', 'labels.csv:1  no column of ids'],
  ['label,label,request_id\n', 'labels.csv:1  two columns "label"'],
  ['Request_ID;label\n', `unknown column "request_id;label" (--delimiter ';' has several of it)`],
  ['label\trequest_id\n', '(--delimiter tab has several of it); columns are'],
  ['a;b\n', 'unknown column "a;b"; columns are'],
  ['prediction_id,"label\na,1\n', 'labels.csv:1  a quote is not closed'],
])('readFeedbackFile() of %j fails', async (text, wanted) => {
  await expect(read(text)).rejects.toMatchObject({
    code: 'FILE_INVALID',
    message: expect.stringContaining(wanted),
  })
})

test('readFeedbackFile() says what it cannot read', async () => {
  const failing = Readable.from([Buffer.from('request_id,label\na,1\n')])
  const { rows } = await readFeedbackFile(failing, 'labels.csv', TERMS)
  failing.destroy(Object.assign(new Error('i/o error'), { code: 'EIO' }))
  const wanted = { code: 'FILE_INVALID', message: 'Cannot read labels.csv: EIO' }
  await expect(Array.fromAsync(rows)).rejects.toMatchObject(wanted)
  const utf16 = Readable.from([Buffer.from([0xff, 0xfe, 0, 0xd8])])
  await expect(readFeedbackFile(utf16, 'labels.csv', TERMS)).rejects.toThrow(
    'labels.csv is no text',
  )
})

test('readFeedbackFile() takes names of columns in any case', async () => {
  expect(await items('Prediction_ID, LABEL\na,1\n')).toEqual([{ prediction_id: 'a', label: 1 }])
})

test('readFeedbackFile() has a fault for each row that is none, and all others', async () => {
  const bad = ['b,"2', `c,${'x'.repeat(65_536)}`, `d,"${'y\n'.repeat(40_000)}"`, 'e,1"2', 'f']
  const text = `request_id,label\na,1\n${bad.join('\ng,1\n')}\nh,1\n`
  const rows = await read(text)
  expect(rows.filter(({ item }) => item !== null).map(({ cells }) => cells[0])).toEqual([
    ...'aggggh',
  ])
  expect(rows.filter(({ item }) => item === null).map(({ line, fault }) => [line, fault])).toEqual([
    [3, 'a quote is not closed'],
    [5, '65,565 bytes, more than 65,536'],
    [7, '120,029 bytes, more than 65,536'],
    [40_009, 'a quote inside of a value without quotes'],
    [40_011, '1 value for 2 columns'],
  ])
})

test('readFeedbackFile() lets no item grow by its form', async () => {
  const [least, most] = await read(
    `request_id,label\na,${'x'.repeat(65_507)}\na,${'x'.repeat(65_508)}\n`,
  )
  expect(Buffer.byteLength(least?.item ?? '')).toBe(65_536)
  expect(most?.fault).toBe('65,537 bytes, more than 65,536')
  const [controls] = await read(`request_id,label\na,"${'\u0001'.repeat(20_000)}"\n`)
  expect(controls?.fault).toBe('120,029 bytes, more than 65,536')
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
