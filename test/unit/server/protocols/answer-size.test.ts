import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ANSWER_VALUES_MAX,
  admitAnswer,
  answerValues,
  isQuick,
  KEPT_VALUES_MAX,
  QUICK_VALUES_MAX,
} from '../../../../src/server/protocols/answer-size.ts'
import { encodeResponse as encodeFeatures } from '../../../../src/server/protocols/features-json.ts'
import { encodeResponse as encodeOip } from '../../../../src/server/protocols/oip-json.ts'
import type { Answer } from '../../../../src/server/protocols/protocol.ts'
import { ERRORS } from '../../../../src/shared/errors.ts'
import type { Manifest } from '../../../../src/shared/manifest.ts'
import type { Tensor, TensorSignature } from '../../../../src/shared/tensor.ts'
import { answersOf, textOf } from '../../../helpers/results.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'
import { freeShapes, signaturesOf } from '../../../helpers/tensor-plans.ts'
import { answerOf, planOf, tensor } from '../../../helpers/variant-plans.ts'

const plan = (
  outputs: readonly TensorSignature[],
  more: { manifest?: Partial<Manifest>; rowsMax?: number } = {},
) => planOf({ inputs: [tensor('x', 'FP32', -1, 1)], outputs, ...more })

test('ANSWER_TOO_LARGE says the limits that hold', () => {
  const { cause } = ERRORS.ANSWER_TOO_LARGE
  for (const limit of [ANSWER_VALUES_MAX, KEPT_VALUES_MAX]) {
    expect(cause).toContain(limit.toLocaleString('en-US'))
  }
})

/** Values that JSON text has: elements and lists, and a sixteenth of the characters. */
const written = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + written(each), 1)
  return typeof value === 'string' ? 1 + (value.length >> 4) : 1
}

const featuresValues = (answer: Answer): number => {
  const { predictions, outputs } = JSON.parse(`${textOf(encodeFeatures(answer))}`)
  const rows: object[] = predictions?.map((each: { outputs: object }) => each.outputs) ?? [outputs]
  return rows.flatMap((row) => Object.values(row)).reduce((sum, each) => sum + written(each), 0)
}

const oipValues = (answer: Answer): number => {
  const { outputs } = JSON.parse(`${textOf(encodeOip(answer))}`) as { outputs: { data: [] }[] }
  return outputs.reduce((sum, { data }) => sum + written(data) - 1, 0)
}

test.each([0, 8])(
  'answerValues() is never less than what is written, of up to %i rows',
  (rowsMax) => {
    const answers = signaturesOf('y', freeShapes).chain((outputs) =>
      answersOf(plan(outputs, { rowsMax })),
    )
    const property = fc.property(answers, (answer) => {
      const { results, outputs, plan: own } = answer
      const { answerSize } = own
      const count = (shown: readonly number[]) => answerValues(answerSize, results, answer, shown)
      expect(count(answerSize.read)).toBeGreaterThanOrEqual(featuresValues(answer))
      expect(count(outputs ?? answerSize.all)).toBeGreaterThanOrEqual(oipValues(answer))
      expect(isQuick(results)).toBe(results.every(({ datatype }) => datatype !== 'BYTES'))
    })
    fc.assert(property, { numRuns: propertyRuns(100) })
  },
)

const floats = (...shape: number[]): Tensor => ({
  datatype: 'FP32',
  shape,
  data: new Float32Array(shape.reduce((n, size) => n * size, 1)),
})

test('answerValues() counts lists, and nothing in front of them or behind the rows of a request', () => {
  const own = plan([tensor('y', 'FP32', -1, 2, 3)])
  const answer = answerOf(own, [floats(9, 2, 3)], { rowStart: 2, rows: 4 })
  expect(answerValues(own.answerSize, answer.results, answer, [0])).toBe(4 * (1 + 2 + 6))
  const empty = floats(9, 5, 0)
  expect(answerValues(own.answerSize, [empty], answer, [0])).toBe(4 * (1 + 5))
})

test('answerValues() counts long texts of the request alone', () => {
  const own = plan([tensor('y', 'BYTES', -1)])
  const texts = ['x'.repeat(1600), 'a', 'x'.repeat(160), 'x'.repeat(1600)]
  const result: Tensor = { datatype: 'BYTES', shape: [4], data: texts }
  const answer = answerOf(own, [result], { rowStart: 1, rows: 2 })
  expect(answerValues(own.answerSize, [result], answer, [0])).toBe(2 + 10)
})

test('isQuick() is false where one answer, or all of a run together, are long', () => {
  expect(isQuick([floats(1, QUICK_VALUES_MAX - 2)])).toBe(true)
  expect(isQuick([floats(1, QUICK_VALUES_MAX - 1)])).toBe(false)
  expect(isQuick([floats(600), floats(600)])).toBe(false)
  expect(isQuick([floats(2000, 1, 0)])).toBe(false)
})

const EMBEDDING = [tensor('id', 'INT64', -1), tensor('y', 'FP32', -1, 768)]

test('rowsMax is the most rows that no answer is too large for', () => {
  const { answerSize } = plan(EMBEDDING)
  const { rowsMax } = answerSize
  expect(rowsMax).toBe(1361)
  expect(admitAnswer(answerSize, rowsMax, [0, 1])).toBeNull()
  expect(admitAnswer(answerSize, rowsMax + 1, [0, 1])).toEqual({
    code: 'ANSWER_TOO_LARGE',
    detail: expect.stringMatching(
      /^The answer would have 1048740 values; the limit is 1048576\. Send fewer rows .*`outputs`/,
    ),
  })
})

test('admitAnswer() counts the outputs that are shown, up to what may be kept of all', () => {
  const { answerSize } = plan(EMBEDDING)
  const keptRows = Math.floor(KEPT_VALUES_MAX / 770)
  expect(admitAnswer(answerSize, keptRows, [0])).toBeNull()
  expect(admitAnswer(answerSize, keptRows + 1, [0])).toMatchObject({
    code: 'ANSWER_TOO_LARGE',
    detail: expect.stringMatching(/^All outputs of the model together .* Send fewer rows/),
  })
  const { answerSize: whole } = plan([tensor('y', 'FP32', 2 ** 25), tensor('n', 'FP32', 1)], {
    rowsMax: 0,
  })
  expect([whole.rowsMax, admitAnswer(whole, 1, [1])]).toEqual([0, null])
  expect(admitAnswer(whole, 1, [0])).toMatchObject({ code: 'ANSWER_TOO_LARGE' })
})

test('compileAnswerSize() has /predict show what its manifest names', () => {
  const outputs = [tensor('label', 'INT64', -1), tensor('y', 'FP32', -1, 768), EMBEDDING[0]!]
  const score = { output: 'label', column: 0 }
  const read = (manifest: Partial<Manifest>) => plan(outputs, { manifest }).answerSize.read
  expect(read({ task: 'regression', score })).toEqual([0])
  expect(read({ task: 'binary', score, label: { output: 'id' } })).toEqual([0, 2])
  expect(read({ task: 'other', score })).toEqual([0, 1, 2])
})

test('compileAnswerSize() counts a free size as one', () => {
  const { answerSize } = plan([tensor('y', 'FP32', -1, -1, 100)])
  expect(answerSize.values).toEqual([1 + 1 + 100])
})
