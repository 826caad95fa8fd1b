import { expect, test } from 'vitest'
import { writeAnswer as encode } from '../../../../../src/server/protocols/features/features-encode.ts'
import type { Answer } from '../../../../../src/server/protocols/protocol.ts'
import type { Manifest } from '../../../../../src/shared/manifest.ts'
import type { Tensor } from '../../../../../src/shared/tensor.ts'
import { textOf } from '../../../../helpers/results.ts'
import { answerOf, planOf, tensor } from '../../../../helpers/variant-plans.ts'

const writeAnswer = (answer: Answer) => textOf(encode(answer))

const LABEL: Tensor = {
  datatype: 'INT64',
  shape: [3],
  data: BigInt64Array.of(0n, 1n, 2n ** 60n + 1n),
}
const SCORES: Tensor = {
  datatype: 'FP32',
  shape: [3, 2],
  data: Float32Array.of(0.75, 0.25, 0.5, 0.5, 0.125, 0.875),
}

const plan = (manifest: Partial<Manifest>, rowsMax = 8) =>
  planOf({
    inputs: [tensor('x', 'FP32', -1, 1)],
    outputs: [tensor('label', 'INT64', -1), tensor('p', 'FP32', -1, 2)],
    manifest,
    rowsMax,
  })

const write = (manifest: Partial<Manifest>, more: Partial<Answer> = {}, scores = SCORES) =>
  JSON.parse(String(writeAnswer(answerOf(plan(manifest), [LABEL, scores], more))))

const SCORE = { score: { output: 'p', column: 1 } }
const BINARY: Partial<Manifest> = { task: 'binary', ...SCORE }

test('writeAnswer() writes exactly what the design shows', () => {
  const text = writeAnswer(answerOf(plan({ ...BINARY, threshold: 0.3 }), [LABEL, SCORES]))
  expect(text).toBe(
    '{"score":0.25,"prediction":0,"metadata":{"request_id":"ours-1","prediction_id":"ours-1",' +
      '"model":"clicks-model","version":7,"variant":"v7","latency_ms":1.250}}',
  )
})

test.each([
  ['the class at the threshold', { ...BINARY, threshold: 0.5 }, 1, 1],
  ['the class below it', { ...BINARY, threshold: 0.5 }, 0, 0],
  ['named classes', { ...BINARY, threshold: 0.5, classes: ['no', 'yes'] }, 1, 'yes'],
  [
    'the positive class',
    { ...BINARY, threshold: 0.5, classes: ['no', 'yes'], positiveClass: 'no' },
    1,
    'no',
  ],
  [
    'the other one',
    { ...BINARY, threshold: 0.5, classes: ['no', 'yes'], positiveClass: 'no' },
    0,
    'yes',
  ],
  ['the label without a threshold', { ...BINARY, label: { output: 'label' } }, 1, 1],
  ['the likelier class without a label', BINARY, 2, 1],
] as const)('writeAnswer() predicts %s', (_title, manifest, rowStart, prediction) => {
  expect(write(manifest, { rowStart }).prediction).toBe(prediction)
})

test('writeAnswer() keeps 64-bit labels exact', () => {
  const manifest = { ...BINARY, label: { output: 'label' } }
  const text = writeAnswer(answerOf(plan(manifest), [LABEL, SCORES], { rowStart: 2 }))
  expect(text).toContain('"prediction":1152921504606846977,')
})

test('writeAnswer() gives every class its score', () => {
  const manifest: Partial<Manifest> = { task: 'multiclass', ...SCORE, classes: ['a"b', 7] }
  expect(write(manifest)).toMatchObject({
    score: 0.75,
    prediction: 'a"b',
    scores: { 'a"b': 0.75, 7: 0.25 },
  })
  expect(write(manifest, { rowStart: 2 })).toMatchObject({ score: 0.875, prediction: 7 })
})

test('writeAnswer() gives the value of a regression twice', () => {
  expect(write({ task: 'regression', ...SCORE }, { rowStart: 2 })).toMatchObject({
    score: 0.875,
    prediction: 0.875,
  })
})

test.each<[Partial<Manifest>, string]>([
  [{ task: 'binary' }, '"score":9007199254740993,"prediction":1,'],
  [{ task: 'regression' }, '"score":9007199254740993,"prediction":9007199254740993,'],
  [
    { task: 'multiclass', classes: ['a', 'b'] },
    '"score":9007199254740993,"prediction":"b","scores":{"a":9007199254740992,"b":9007199254740993}',
  ],
])('writeAnswer() keeps 64-bit scores exact: %j', (manifest, text) => {
  const counts: Tensor = {
    datatype: 'INT64',
    shape: [1, 2],
    data: BigInt64Array.of(9007199254740992n, 9007199254740993n),
  }
  expect(writeAnswer(answerOf(plan({ ...manifest, ...SCORE }), [LABEL, counts]))).toContain(text)
})

test('writeAnswer() keeps the sign of -0', () => {
  const scores: Tensor = { ...SCORES, data: Float32Array.of(0, -0, 0, 0, 0, 0) }
  const text = writeAnswer(answerOf(plan({ task: 'regression', ...SCORE }), [LABEL, scores]))
  expect(text).toContain('{"score":-0,"prediction":-0,')
})

test('writeAnswer() refuses scores of no class', () => {
  const none: Tensor = { datatype: 'FP32', shape: [1, 0], data: new Float32Array(0) }
  const manifest: Partial<Manifest> = { task: 'multiclass', ...SCORE, classes: ['a', 'b'] }
  expect(writeAnswer(answerOf(plan(manifest), [LABEL, none]))).toMatchObject({
    code: 'OUTPUT_NOT_FINITE',
  })
})

test('writeAnswer() throws where a result has no such row, for undefined is no JSON', () => {
  const none: Tensor = { datatype: 'INT64', shape: [0], data: new BigInt64Array(0) }
  const answer = answerOf(plan({ ...BINARY, label: { output: 'label' } }), [none, SCORES])
  expect(() => writeAnswer(answer)).toThrow(RangeError)
})

test('writeAnswer() gives the outputs of a task that has no score', () => {
  expect(write({ task: 'other' }, { rowStart: 1 }).outputs).toEqual({ label: 1, p: [0.5, 0.5] })
})

test('writeAnswer() writes one entry per instance and one metadata', () => {
  const answer = write(BINARY, { rowStart: 1, rows: 2, isBatch: true, requestId: 'their "id"\n' })
  expect(answer).toEqual({
    predictions: [
      { score: 0.5, prediction: 1 },
      { score: 0.875, prediction: 1 },
    ],
    metadata: {
      request_id: 'their "id"\n',
      prediction_id: 'ours-1',
      model: 'clicks-model',
      version: 7,
      variant: 'v7',
      latency_ms: 1.25,
    },
  })
})

test('writeAnswer() gives a model without rows its whole outputs', () => {
  const whole = planOf({
    inputs: [tensor('x', 'FP32', 2)],
    outputs: [tensor('y', 'FP32', 3), tensor('b', 'BOOL', 2, 1), tensor('s', 'BYTES')],
    rowsMax: 0,
  })
  const results: Tensor[] = [
    { datatype: 'FP32', shape: [3], data: Float32Array.of(1, 2, 3) },
    { datatype: 'BOOL', shape: [2, 1], data: Uint8Array.of(1, 0) },
    { datatype: 'BYTES', shape: [], data: ['é"'] },
  ]
  expect(JSON.parse(String(writeAnswer(answerOf(whole, results)))).outputs).toEqual({
    y: [1, 2, 3],
    b: [[true], [false]],
    s: 'é"',
  })
})

test('writeAnswer() reads the scores of a model without rows', () => {
  const outputs = [tensor('p', 'FP32', 3)]
  const manifest: Partial<Manifest> = {
    task: 'multiclass',
    score: { output: 'p', column: 0 },
    classes: ['a', 'b', 'c'],
  }
  const whole = planOf({ inputs: [tensor('x', 'FP32', 2)], outputs, manifest, rowsMax: 0 })
  const results: Tensor[] = [
    { datatype: 'FP32', shape: [3], data: Float32Array.of(0.25, 0.5, 0.25) },
  ]
  const answer = writeAnswer(answerOf(whole, results))
  expect(JSON.parse(String(answer))).toMatchObject({ prediction: 'b', scores: { c: 0.25 } })
})

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  'writeAnswer() refuses %s in any form of answer, but not in rows of others',
  (value) => {
    const scores = { ...SCORES, data: Float32Array.of(0.5, 0.5, value, value, 0.5, 0.5) }
    const tasks: Partial<Manifest>[] = [
      BINARY,
      { task: 'multiclass', ...SCORE, classes: ['a', 'b'] },
      { task: 'regression', ...SCORE },
      { task: 'other' },
    ]
    for (const manifest of tasks) {
      const answer = answerOf(plan(manifest), [LABEL, scores], { rowStart: 1 })
      expect(writeAnswer(answer)).toMatchObject({ code: 'OUTPUT_NOT_FINITE' })
      expect(typeof writeAnswer({ ...answer, rowStart: 0 })).toBe('string')
    }
  },
)
