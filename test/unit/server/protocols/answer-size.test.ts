import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ANSWER_VALUES_MAX,
  admitAnswer,
  answerValues,
  isQuick,
  KEPT_VALUES_MAX,
  QUICK_VALUES_MAX,
  ROW_VALUES_MAX,
} from '../../../../src/server/protocols/answer-size.ts'
import { oipWritten, type Written } from '../../../../src/server/protocols/answer-written.ts'
import { encodeResponse as encodeFeatures } from '../../../../src/server/protocols/features/features-json.ts'
import { encodeResponse as encodeOip } from '../../../../src/server/protocols/oip/oip-json.ts'
import type { Answer, AskedOutput } from '../../../../src/server/protocols/protocol.ts'
import { encodeResponse as encodeTfs } from '../../../../src/server/protocols/tfs/tfs-json.ts'
import { ERRORS } from '../../../../src/shared/errors.ts'
import type { Manifest } from '../../../../src/shared/manifest.ts'
import type { Tensor, TensorSignature } from '../../../../src/shared/tensor.ts'
import { answersOf, textOf } from '../../../helpers/results.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'
import { freeShapes, signaturesOf } from '../../../helpers/tensor-plans.ts'
import { answerOf, asked, planOf, tensor } from '../../../helpers/variant-plans.ts'

const plan = (
  outputs: readonly TensorSignature[],
  more: { manifest?: Partial<Manifest>; rowsMax?: number } = {},
) => planOf({ inputs: [tensor('x', 'FP32', -1, 1)], outputs, ...more })

test('ANSWER_TOO_LARGE says the limits that hold', () => {
  const { cause } = ERRORS.ANSWER_TOO_LARGE
  for (const limit of [ANSWER_VALUES_MAX, ROW_VALUES_MAX, KEPT_VALUES_MAX]) {
    expect(cause).toContain(limit.toLocaleString('en-US'))
  }
})

/** Values that JSON text has: elements, lists, objects, keys, and 16 characters of a text. */
const written = (value: unknown): number => {
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + written(each), 1)
  if (typeof value === 'string') return 1 + (value.length >> 4)
  if (typeof value !== 'object' || value === null) return 1
  return Object.entries(value).reduce((sum, [key, each]) => sum + written(key) + written(each), 1)
}

/** All but the one list of all rows, and the metadata. */
const featuresValues = (answer: Answer): number => {
  const { predictions, metadata, ...row } = JSON.parse(`${textOf(encodeFeatures(answer))}`)
  expect(metadata).toBeDefined()
  return predictions === undefined ? written(row) : written(predictions) - 1
}

const oipValues = (answer: Answer): number => {
  const { outputs } = JSON.parse(`${textOf(encodeOip(answer))}`) as { outputs: { data: [] }[] }
  return outputs.reduce((sum, { data }) => sum + written(data) - 1, 0)
}

/** All but the one list of all rows, or one for each output. */
const tfsValues = (answer: Answer): number => {
  const { predictions, outputs } = JSON.parse(`${textOf(encodeTfs(answer))}`)
  return outputs === undefined ? written(predictions) - 1 : written(outputs) - answer.results.length
}

/** What the Open Inference Protocol shows where it is asked for these. */
const only = (...outputs: number[]): Written => ({
  outputs,
  binary: [],
  classified: [],
  rowExtra: 0,
})

const longNames = fc.nat({ max: 40 }).map((length) => `y${'"'.repeat(length)}-`)

/** Names under which text is written in Base64, and others. */
const renamed = (outputs: readonly TensorSignature[]): fc.Arbitrary<TensorSignature[]> =>
  fc
    .constantFrom('', '_bytes')
    .map((suffix) => outputs.map((output) => ({ ...output, name: output.name + suffix })))

test.each([0, 8])(
  'answerValues() is never less than what is written, of up to %i rows',
  (rowsMax) => {
    const answers = longNames
      .chain((prefix) => signaturesOf(prefix, freeShapes))
      .chain(renamed)
      .chain((outputs) => answersOf(plan(outputs, { rowsMax })))
    const property = fc.property(answers, (answer) => {
      const { results, outputs, plan: own } = answer
      const { answerSize } = own
      const count = (shown: Written) => answerValues(answerSize, results, answer, shown)
      const asked = outputs === null ? answerSize.all : oipWritten(answerSize, outputs)
      expect(count(answerSize.read)).toBeGreaterThanOrEqual(featuresValues(answer))
      expect(count(asked)).toBeGreaterThanOrEqual(oipValues(answer))
      expect(count(answerSize.rows)).toBeGreaterThanOrEqual(tfsValues(answer))
      expect(isQuick(answerSize, results)).toBe(
        results.every(({ datatype }) => datatype !== 'BYTES'),
      )
    })
    fc.assert(property, { numRuns: propertyRuns(100) })
  },
)

/** Manifests that name a score, of the output y, and perhaps a label. */
const readings: fc.Arbitrary<Partial<Manifest>> = fc
  .record({
    task: fc.constantFrom('binary', 'multiclass', 'regression'),
    classes: fc.option(
      fc.uniqueArray(fc.string({ maxLength: 60 }), { minLength: 2, maxLength: 4 }),
      { nil: undefined },
    ),
    label: fc.option(fc.constant({ output: 'label' }), { nil: undefined }),
    threshold: fc.option(fc.constant(0.5), { nil: undefined }),
  })
  .map(({ classes, label, threshold, task }) => ({
    task,
    score: { output: 'y', column: 0 },
    ...(classes && { classes }),
    ...(label && { label }),
    ...(threshold && { threshold }),
  }))

test('answerValues() is never less than what /predict writes of a score', () => {
  const scores = fc.constantFrom([-1], [-1, 1], [-1, 3], [-1, -1])
  const answers = fc.tuple(readings, scores).chain(([manifest, shape]) => {
    const outputs = [tensor('label', 'BYTES', -1), tensor('y', 'FP32', ...shape)]
    return answersOf(plan(outputs, { manifest }))
  })
  const property = fc.property(answers, (answer) => {
    const { answerSize } = answer.plan
    const count = answerValues(answerSize, answer.results, answer, answerSize.read)
    expect(count).toBeGreaterThanOrEqual(featuresValues(answer))
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

const floats = (...shape: number[]): Tensor => ({
  datatype: 'FP32',
  shape,
  data: new Float32Array(shape.reduce((n, size) => n * size, 1)),
})

test('answerValues() counts lists, and nothing in front of them or behind the rows of a request', () => {
  const own = plan([tensor('y', 'FP32', -1, 2, 3)])
  const answer = answerOf(own, [floats(9, 2, 3)], { rowStart: 2, rows: 4 })
  expect(answerValues(own.answerSize, answer.results, answer, only(0))).toBe(4 * (1 + 2 + 6))
  const empty = floats(9, 5, 0)
  expect(answerValues(own.answerSize, [empty], answer, only(0))).toBe(4 * (1 + 5))
})

test('answerValues() counts long texts of the request alone', () => {
  const own = plan([tensor('y', 'BYTES', -1)])
  const texts = ['x'.repeat(1600), 'a', 'x'.repeat(160), 'x'.repeat(1600)]
  const result: Tensor = { datatype: 'BYTES', shape: [4], data: texts }
  const answer = answerOf(own, [result], { rowStart: 1, rows: 2 })
  expect(answerValues(own.answerSize, [result], answer, only(0))).toBe(2 + 10)
})

test('isQuick() is false where one answer, or all of a run together, are long', () => {
  const { answerSize } = plan([tensor('y', 'FP32', -1)])
  const { rowExtra } = answerSize.read
  const isSo = (...results: Tensor[]) => isQuick(answerSize, results)
  expect(isSo(floats(1, QUICK_VALUES_MAX - rowExtra - 2))).toBe(true)
  expect(isSo(floats(1, QUICK_VALUES_MAX - rowExtra - 1))).toBe(false)
  expect(isSo(floats(100), floats(600))).toBe(false)
  expect(isSo(floats(2000, 1, 0))).toBe(false)
  const { answerSize: named } = plan([tensor('n'.repeat(QUICK_VALUES_MAX * 16), 'FP32', -1)])
  expect(isQuick(named, [floats(1)])).toBe(false)
})

const REFUSED = { code: 'ANSWER_TOO_LARGE' }
const EMBEDDING = [tensor('id', 'INT64', -1), tensor('y', 'FP32', -1, 768)]

test('rowsMax is the most rows that no answer is too large for', () => {
  const { answerSize } = plan(EMBEDDING)
  const { rowsMax } = answerSize
  const classes = oipWritten(answerSize, [asBytes(0, 9), asBytes(1, 768)])
  expect(admitAnswer(answerSize, rowsMax, classes)).toBeNull()
  expect(admitAnswer(answerSize, rowsMax + 1, classes)).toMatchObject(REFUSED)
  expect(admitAnswer(answerSize, rowsMax, answerSize.read)).toBeNull()
  const readMax = Math.floor(ANSWER_VALUES_MAX / (1 + 769 + 3 + 2))
  expect(admitAnswer(answerSize, readMax, answerSize.read)).toBeNull()
  expect(admitAnswer(answerSize, readMax + 1, answerSize.read)).toMatchObject(REFUSED)
  expect(admitAnswer(answerSize, 1361, only(0, 1))).toBeNull()
  expect(admitAnswer(answerSize, 1362, only(0, 1))).toEqual({
    ...REFUSED,
    detail: expect.stringMatching(
      /^The answer would have 1048740 values; the limit for several rows is 1048576\. /,
    ),
  })
})

test('admitAnswer() counts what /predict writes beside the outputs', () => {
  const admits = (name: string, rows: number) => {
    const { answerSize } = plan([tensor(name, 'FP32', -1)])
    return admitAnswer(answerSize, rows, answerSize.read) === null
  }
  for (const [name, values] of [
    ['y', 5],
    ['n'.repeat(500), 5 + 31],
  ] as const) {
    const most = Math.floor(ANSWER_VALUES_MAX / values)
    expect([admits(name, most), admits(name, most + 1)]).toEqual([true, false])
  }
})

test('admitAnswer() counts the outputs that are shown, up to what may be kept of all', () => {
  const { answerSize } = plan(EMBEDDING)
  const keptRows = Math.floor(KEPT_VALUES_MAX / 769)
  expect(admitAnswer(answerSize, keptRows, only(0))).toBeNull()
  expect(admitAnswer(answerSize, keptRows + 1, only(0))).toMatchObject({
    ...REFUSED,
    detail: expect.stringMatching(/^All outputs of the model together .* Send fewer rows/),
  })
  const inOneRun = plan(EMBEDDING, { rowsMax: keptRows + 1 }).answerSize
  expect(admitAnswer(inOneRun, keptRows + 1, only(0))).toBeNull()
  const { answerSize: whole } = plan([tensor('y', 'FP32', 2 ** 25), tensor('n', 'FP32', 1)], {
    rowsMax: 0,
  })
  expect([whole.rowsMax, admitAnswer(whole, 1, only(1))]).toEqual([0, null])
  expect(admitAnswer(whole, 1, only(0))).toMatchObject(REFUSED)
})

test('admitAnswer() has one row as large as the model makes it, up to what a replica can bear', () => {
  const sizeOf = (...outputs: TensorSignature[]) => plan(outputs).answerSize
  const picture = sizeOf(tensor('mask', 'FP32', -1, 21, 520, 520))
  expect(admitAnswer(picture, 1, picture.read)).toBeNull()
  const fewer = /To have it answered, send fewer rows in one request$/
  expect(admitAnswer(picture, 2, picture.read)?.detail).toMatch(fewer)
  const film = tensor('film', 'FP32', -1, ROW_VALUES_MAX)
  const alone = sizeOf(film)
  expect(admitAnswer(alone, 1, alone.all)?.detail).toMatch(/answered, send a smaller row, if the/)
  const both = sizeOf(film, tensor('n', 'FP32', -1))
  expect(admitAnswer(both, 1, both.all)?.detail).toMatch(/answered, name in the `outputs` of an/)
  expect(admitAnswer(both, 2, both.all)?.detail).toMatch(/send fewer .*, or name in the `outputs`/)
  expect(admitAnswer(both, 1, only(1))).toBeNull()
})

test('compileAnswerSize() counts a free size as one', () => {
  const { answerSize } = plan([tensor('y', 'FP32', -1, -1, 100)])
  expect(answerSize.values).toEqual([1 + 1 + 100])
})

const asBytes = (index: number, classes = 0) => ({ index, isBinary: true, classes })

test.each([1, 2])(
  'admitAnswer() lets 64 MiB of binary numbers to %i rows pass, and no more',
  (rows) => {
    const admit = (size: number, binary = true) => {
      const { answerSize } = plan([tensor('y', 'FP64', -1, size)], { rowsMax: 2 ** 14 })
      const shown = binary ? [asBytes(0)] : asked(0)
      return admitAnswer(answerSize, rows, oipWritten(answerSize, shown))
    }
    const most = 2 ** 23 / rows
    expect(admit(most)).toBeNull()
    expect(admit(most + 1)?.detail).toMatch(/^The answer would have 6710887\d+|1048577 values/)
    expect(admit(most, false)).toMatchObject(REFUSED)
  },
)

test('admitAnswer() counts a row of bytes as one value at least', () => {
  const { answerSize } = plan([tensor('y', 'FP32', -1, 1)])
  const binary = oipWritten(answerSize, [asBytes(0)])
  expect(admitAnswer(answerSize, ANSWER_VALUES_MAX, binary)).toBeNull()
  expect(admitAnswer(answerSize, ANSWER_VALUES_MAX + 1, binary)).toMatchObject(REFUSED)
})

test('classes are counted before and after a run, as texts and by what is looked at', () => {
  const size = 2 ** 22
  const { answerSize } = plan([tensor('y', 'FP32', -1, size)])
  const shown = (classes: number) => oipWritten(answerSize, [asBytes(0, classes)])
  expect(admitAnswer(answerSize, 1, shown(1000))).toBeNull()
  expect(admitAnswer(answerSize, 1, shown(1_000_000))).toMatchObject(REFUSED)
  const { answerSize: unknown } = plan([tensor('y', 'FP32', -1, -1)])
  expect(admitAnswer(unknown, 1, shown(1_000_000))).toBeNull()
  const count = answerValues(unknown, [floats(1, size)], { rowStart: 0, rows: 1 }, shown(1_000_000))
  expect(count).toBeGreaterThan(ROW_VALUES_MAX)
})

test('answerValues() counts 64 bytes of binary numbers as one value, and texts as in JSON', () => {
  const own = plan([tensor('y', 'FP32', -1, 16), tensor('t', 'BYTES', -1), tensor('b', 'BOOL', -1)])
  const texts: Tensor = { datatype: 'BYTES', shape: [9], data: new Array(9).fill('x'.repeat(32)) }
  const answer = answerOf(own, [floats(9, 16), texts, floats(9)], { rowStart: 2, rows: 4 })
  const count = (...outputs: AskedOutput[]) =>
    answerValues(own.answerSize, answer.results, answer, oipWritten(own.answerSize, outputs))
  expect(count(asBytes(0))).toBe(4)
  expect(count(asBytes(2))).toBe(4)
  expect(count(asBytes(1))).toBe(count(...asked(1)))
  expect(count(asBytes(0), asBytes(1))).toBe(4 + 4 * (1 + 2))
})
