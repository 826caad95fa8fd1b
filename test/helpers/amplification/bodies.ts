/** Bodies that cost as much as their authors can think of, of any length. */

import { gzipSync } from 'node:zlib'
import { plainBytesMax } from '../../../src/server/content-encoding.ts'
import { LENGTH_BYTES } from '../../../src/server/protocols/oip/tensor-bytes.ts'
import { grpcMessages } from './messages.ts'
import type { PlanName } from './plans.ts'
import type { DecodeTask } from './process.ts'

const encoder = new TextEncoder()
const RATIO = plainBytesMax(1) - plainBytesMax(0)

/** As many units as fit between start and end. `#` is another number each time. */
const repeated = (bytes: number, start: string, unit: string, end: string): string => {
  const parts = [start]
  for (let length = start.length + end.length, i = 0; length < bytes; i++) {
    const part = unit.replace('#', `${i}`)
    parts.push(part, ',')
    length += part.length + 1
  }
  return `${parts.join('').slice(0, -1)}${end}`
}

type Text = readonly [start: string, unit: string, end: string]
type Kind = readonly [title: string, format: DecodeTask['format'], plan: PlanName, text: Text]

const FEATURES: Text[0] = '{"features":{'
const INSTANCES: Text[0] = '{"instances":['
const oipData = (datatype: string, shape: string): string =>
  `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[${shape}],"data":[`

const KINDS: readonly Kind[] = [
  ['empty rows', 'features', 'sparse30', [INSTANCES, '{}', ']}']],
  ['empty rows of many columns', 'features', 'sparse500', [INSTANCES, '{}', ']}']],
  ['empty rows of texts', 'features', 'sparseText', [INSTANCES, '{}', ']}']],
  ['rows of one name', 'features', 'sparse500', [INSTANCES, '{"f0":1}', ']}']],
  ['rows of the last name', 'features', 'sparse500', [INSTANCES, '{"f499":1}', ']}']],
  ['empty lists for rows', 'features', 'sparse30', [INSTANCES, '[]', ']}']],
  ['names nobody knows', 'features', 'sparse30', [FEATURES, '"k#":1', '}}']],
  ['keys nobody knows', 'features', 'sparse30', ['{', '"k#":1', '}']],
  ['numbers for features', 'features', 'sparse30', ['{"features":[', '1', ']}']],
  ['objects for numbers', 'features', 'sparse30', ['{"features":[', '{}', ']}']],
  ['a long text', 'features', 'sparseText', ['{"features":{"f0":"', 'ab', '"}}']],
  ['a text of escapes', 'features', 'sparseText', ['{"features":{"f0":"', '\\u00e9', '"}}']],
  ['a text of short escapes', 'features', 'sparseText', ['{"features":{"f0":"', '\\n', '"}}']],
  [
    'a text of large characters',
    'features',
    'sparseText',
    ['{"features":{"f0":"', '\u{1f600}', '"}}'],
  ],
  ['a key of escapes', 'features', 'sparse30', ['{"features":{"', '\\u0041', '":1}}']],
  ['a long id', 'features', 'sparse30', ['{"request_id":"', 'ab', '"}']],
  ['a number of many digits', 'features', 'sparse30', ['{"features":{"f0":1', '0', '}}']],
  ['blanks', 'features', 'sparse30', ['{"features":', '\t\n ', '{}}']],
  ['rows of one number', 'features', 'fp64', [INSTANCES, '[0]', ']}']],
  ['numbers', 'features', 'fp64', ['{"features":[', '0', ']}']],
  ['long integers', 'features', 'int64', ['{"features":[', '9007199254740993', ']}']],
  ['small integers', 'features', 'int64', ['{"features":[', '0', ']}']],
  ['empty texts', 'features', 'text', ['{"features":[', '""', ']}']],
  ['rows of an empty text', 'features', 'text', [INSTANCES, '[""]', ']}']],
  ['texts of one escape', 'features', 'text', ['{"features":[', '"\\n"', ']}']],
  ['short texts', 'features', 'text', ['{"features":[', '"#"', ']}']],
  ['lists of nothing', 'features', 'fp32', ['{"features":[', '[]', ']}']],
  ['fp64 data', 'oip', 'fp64', [oipData('FP64', '1,#'), '0', ']}]}']],
  ['int64 data', 'oip', 'int64', [oipData('INT64', '1,#'), '0', ']}]}']],
  ['int64 data with exponents', 'oip', 'int64', [oipData('INT64', '1,#'), '1e0', ']}]}']],
  ['long int64 data', 'oip', 'int64', [oipData('INT64', '1,#'), '9007199254740993', ']}]}']],
  ['bool data', 'oip', 'bool', [oipData('BOOL', '1,#'), 'true', ']}]}']],
  ['empty texts as data', 'oip', 'text', [oipData('BYTES', '1,#'), '""', ']}]}']],
  ['short texts as data', 'oip', 'text', [oipData('BYTES', '1,#'), '"#"', ']}]}']],
  ['texts of one escape as data', 'oip', 'text', [oipData('BYTES', '1,#'), '"\\n"', ']}]}']],
  ['rows of one number as data', 'oip', 'fp64', [oipData('FP64', '#,1'), '[0]', ']}]}']],
  ['numbers with fractions', 'oip', 'fp32', [oipData('FP32', '1,#'), '1.00000001e-9', ']}]}']],
  [
    'halfway numbers',
    'oip',
    'fp64',
    [oipData('FP64', '1,#'), '9007199254740993.0000000001', ']}]}'],
  ],
  ['too much data', 'oip', 'fp64', [oipData('FP64', '1,3'), '0', ']}]}']],
  ['objects as data', 'oip', 'fp64', [oipData('FP64', '1,3'), '{}', ']}]}']],
  [
    'a shape of many dimensions',
    'oip',
    'fp64',
    ['{"inputs":[{"name":"x","datatype":"FP64","shape":[', '1', '],"data":[]}]}'],
  ],
  ['inputs of no name', 'oip', 'fp64', ['{"inputs":[', '{}', ']}']],
  ['inputs of other names', 'oip', 'fp64', ['{"inputs":[', '{"name":"k#"}', ']}']],
  ['outputs of other names', 'oip', 'fp64', ['{"outputs":[', '{"name":"k#"}', ']}']],
  [
    'outputs with parameters',
    'oip',
    'fp64',
    ['{"outputs":[{"name":"score","parameters":{', '"k#":1', '}}]}'],
  ],
  ['parameters', 'oip', 'fp64', ['{"parameters":{', '"k#":1', '}}']],
  ['parameters of objects', 'oip', 'fp64', ['{"parameters":{', '"k#":{"a":[]}', '}}']],
  ['keys that are ignored', 'oip', 'fp64', ['{"custom":{', '"k#":1', '}}']],
  ['short keys that are ignored', 'oip', 'fp64', ['{"custom":[', '{"":0}', ']}']],
  ['objects that are ignored', 'oip', 'fp64', ['{"custom":[', '{}', ']}']],
  ['lists of nothing for rows', 'tfs', 'int64', [INSTANCES, '[]', ']}']],
  ['whole lists of nothing', 'tfs', 'int64', ['{"inputs":[', '[]', ']}']],
  ['objects for rows', 'tfs', 'int64', [INSTANCES, '{"k":1}', ']}']],
  ['rows by their name', 'tfs', 'int64', [INSTANCES, '{"x":[1]}', ']}']],
  ['inputs nobody knows', 'tfs', 'int64', ['{"inputs":{', '"k#":1', '}}']],
  ['rows of one integer', 'tfs', 'int64', [INSTANCES, '[1]', ']}']],
  ['whole numbers', 'tfs', 'fp64', ['{"inputs":[', '[0]', ']}']],
  ['texts in base64', 'tfs', 'text', [INSTANCES, '[{"b64":""}]', ']}']],
  ['short texts in base64', 'tfs', 'text', [INSTANCES, '[{"b64":"YQ=="}]', ']}']],
  ['an id of escapes', 'oip', 'fp64', ['{"id":"', '\\u0041', '"}']],
]

/** Strings are repeated without commas. */
const isWithin = (start: string): boolean => /("|1|:)$/.test(start)

const textOf = ([start, unit, end]: Text, bytes: number): string => {
  if (isWithin(start)) {
    const times = Math.max(1, Math.floor((bytes - start.length - end.length) / unit.length))
    return start + unit.repeat(times) + end
  }
  const isCounted = start.includes('#')
  const places = isCounted ? start.replace('#', '1000000') : start
  const text = repeated(bytes, places, unit, end)
  if (!isCounted) return text
  const count = text.slice(places.length, -end.length).split(',').length
  return text.replace('1000000', String(count))
}

const deep = (open: string, close: string, bytes: number): string =>
  open.repeat(Math.ceil(bytes / 2)) + close.repeat(Math.ceil(bytes / 2))

const COMMENT = 0x10
const HEADER_BYTES = 10

/** Compressed as well as may be: what would be refused has a comment that makes it long enough. */
const atCap = (plain: Uint8Array): Uint8Array => {
  const packed = gzipSync(plain, { level: 9 })
  const missing = Math.ceil((plain.length - plainBytesMax(packed.length)) / RATIO)
  if (missing <= 0) return packed
  const head = Uint8Array.from(packed.subarray(0, HEADER_BYTES))
  head[3]! |= COMMENT
  const comment = Buffer.from(`${'x'.repeat(missing)}\0`)
  return Buffer.concat([head, comment, packed.subarray(HEADER_BYTES)])
}

export interface Hostile {
  readonly title: string
  readonly task: DecodeTask
}

const task = (
  format: DecodeTask['format'],
  plan: PlanName,
  body: Uint8Array,
  more: Partial<DecodeTask> = {},
): DecodeTask => ({ format, plan, body, encoding: '', jsonBytes: -1, ...more })

const binary = (plan: PlanName, datatype: string, count: number, tail: Uint8Array): DecodeTask => {
  const json = encoder.encode(
    `{"inputs":[{"name":"x","datatype":"${datatype}","shape":[1,${count}],"parameters":{"binary_data_size":${tail.length}}}]}`,
  )
  const body = new Uint8Array(json.length + tail.length)
  body.set(json)
  body.set(tail, json.length)
  return task('oip', plan, body, { jsonBytes: json.length })
}

const binaries = (bytes: number): Hostile[] => {
  const lone = new Uint8Array(bytes)
  for (let at = 0; at + 5 <= bytes; at += 5) lone.set([1, 0, 0, 0, 0x61 + (at % 26)], at)
  const whole = Math.floor(bytes / 5) * 5
  return [
    {
      title: 'binary empty texts',
      task: binary('text', 'BYTES', bytes / 4, new Uint8Array(bytes)),
    },
    { title: 'binary short texts', task: binary('text', 'BYTES', whole / 5, lone.slice(0, whole)) },
    { title: 'binary int64', task: binary('int64', 'INT64', bytes / 8, new Uint8Array(bytes)) },
    { title: 'binary bool', task: binary('bool', 'BOOL', bytes, new Uint8Array(bytes)) },
    { title: 'raw fp32', task: task('oip', 'fp32', new Uint8Array(bytes), { jsonBytes: 0 }) },
  ]
}

const messages = (bytes: number): Hostile[] =>
  grpcMessages(bytes).map(({ title, plan, body }) => ({ title, task: task('grpc', plan, body) }))

/** All kinds; `bytes`: about so many, before they are compressed. */
export const hostiles = (bytes: number, encoding: '' | 'gzip'): Hostile[] => {
  const plain = [
    ...KINDS.map(([title, format, plan, text]) => ({
      title,
      task: task(format, plan, encoder.encode(textOf(text, bytes))),
    })),
    ...binaries(bytes),
    { title: 'deep lists', task: task('features', 'fp64', encoder.encode(deep('[', ']', bytes))) },
    {
      title: 'deep objects',
      task: task('oip', 'fp64', encoder.encode(deep('{"a":', '}', bytes))),
    },
  ]
  // Messages are inflated before they are here, by rules of gRPC's own.
  if (encoding === '') return [...plain, ...messages(bytes)]
  return plain.map(({ title, task: given }) => ({
    title: `${title}, gzip`,
    task: { ...given, body: atCap(given.body), encoding },
  }))
}

/** Bodies of so many texts that what they take in a run is more than what any run takes. */
export const textsToRun = (encoding: '' | 'gzip'): Hostile[] =>
  [2 ** 19, 2 ** 20, 2 ** 23].map((count) => {
    const given = binary('text', 'BYTES', count, new Uint8Array(count * LENGTH_BYTES))
    const title = `${count} empty texts in a run${encoding === '' ? '' : ', gzip'}`
    if (encoding === '') return { title, task: given }
    return { title, task: { ...given, body: atCap(given.body), encoding } }
  })
