/** No body takes more memory than some tens of times its bytes, whatever it holds. */

import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import type { DecodeOutcome, DecodeTask } from '../helpers/decode-thread.ts'

const MIB = 2 ** 20
const BODY_BYTES = 4 * MIB
/** For the code and some of what a body buys: a tree of its values would take 250 MB and more. */
const HEAP_MIB = 64

const thread = new Worker(new URL('../helpers/decode-thread.ts', import.meta.url), {
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: 16 },
})
atEnd(async () => {
  await thread.terminate()
})

const died = new Promise<never>((_, reject) => {
  thread.once('error', reject)
})

const outcomeOf = (task: DecodeTask): Promise<DecodeOutcome> => {
  const outcome = new Promise<DecodeOutcome>((resolve) => {
    thread.once('message', resolve)
  })
  thread.postMessage(task)
  return Promise.race([outcome, died])
}

/** As many units as fit between start and end. `#` is another number each time. */
const bodyOf = (start: string, unit: string, end: string): Uint8Array => {
  const parts = [start]
  for (let bytes = start.length, i = 0; bytes < BODY_BYTES; i++) {
    const part = unit.replace('#', `${i}`)
    parts.push(part, ',')
    bytes += part.length + 1
  }
  return new TextEncoder().encode(`${parts.join('').slice(0, -1)}${end}`)
}

const OIP_DATA = '{"inputs":[{"name":"x","datatype":"INT64","shape":[1,3],"data":['

/** title, [format, width], [start, unit, end], code */
const BOMBS: readonly (readonly [
  title: string,
  kind: readonly [DecodeTask['format'], number],
  text: readonly [string, string, string],
  code: string,
])[] = [
  ['objects for numbers', ['features', 30], ['{"features":[', '{}', ']}'], 'TENSOR_SHAPE_MISMATCH'],
  ['lists for numbers', ['features', 30], ['{"features":[', '[]', ']}'], 'TENSOR_SHAPE_MISMATCH'],
  ['numbers without end', ['features', 30], ['{"features":[', '1', ']}'], 'TENSOR_SHAPE_MISMATCH'],
  ['unknown names', ['features', 30], ['{"features":{', '"k#":1', '}}'], 'INPUT_UNKNOWN'],
  ['unknown keys', ['features', 30], ['{', '"k#":1', '}'], 'REQUEST_MALFORMED'],
  ['empty rows', ['features', 1], ['{"instances":[', '{}', ']}'], ''],
  [
    'empty rows of many',
    ['features', 500],
    ['{"instances":[', '{}', ']}'],
    'TENSOR_SHAPE_MISMATCH',
  ],
  ['rows of one value', ['features', 0], ['{"instances":[', '[1]', ']}'], ''],
  ['values of one row', ['features', 0], ['{"features":[', '1', ']}'], ''],
  ['nothing in lists', ['features', 0], ['{"features":[', '[]', ']}'], 'TENSOR_SHAPE_MISMATCH'],
  ['too much data', ['oip', 0], [OIP_DATA, '1', ']}]}'], 'TENSOR_SHAPE_MISMATCH'],
  ['objects as data', ['oip', 0], [OIP_DATA, '{}', ']}]}'], 'TENSOR_SHAPE_MISMATCH'],
  ['inputs without name', ['oip', 0], ['{"inputs":[', '{}', ']}'], 'REQUEST_MALFORMED'],
  ['outputs without name', ['oip', 0], ['{"outputs":[', '{}', ']}'], 'REQUEST_MALFORMED'],
  ['keys nobody reads', ['oip', 0], ['{"custom":{', '"k#":1', '}}'], 'REQUEST_MALFORMED'],
  ['objects nobody reads', ['oip', 0], ['{"custom":[', '{"a":1}', ']}'], 'REQUEST_MALFORMED'],
  ['rows of nothing', ['tfs', 0], ['{"instances":[', '[]', ']}'], ''],
  ['lists of nothing', ['tfs', 0], ['{"inputs":[', '[]', ']}'], ''],
  ['objects for rows', ['tfs', 0], ['{"instances":[', '{"k":1}', ']}'], 'INPUT_UNKNOWN'],
  ['unknown inputs', ['tfs', 0], ['{"inputs":{', '"k#":1', '}}'], 'INPUT_UNKNOWN'],
  ['rows of one', ['tfs', 0], ['{"instances":[', '[1]', ']}'], ''],
  ['parameters', ['oip', 0], ['{"parameters":{', '"k#":{}', '}}'], 'REQUEST_MALFORMED'],
]

test.each(BOMBS)('decodeRequest() needs little memory for %s', async (_, kind, text, code) => {
  const [format, width] = kind
  const outcome = await outcomeOf({ format, width, body: bodyOf(...text) })
  expect(outcome.code).toBe(code)
  expect(outcome.bytes).toBeLessThanOrEqual(16 * MIB + 8 * BODY_BYTES)
})
