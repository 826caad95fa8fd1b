import { expect, test } from 'vitest'
import { encodeOipAnswer } from '../../../../../src/server/protocols/oip/oip-answer.ts'
import type { AskedOutput, BinaryBody } from '../../../../../src/server/protocols/protocol.ts'
import type { Tensor } from '../../../../../src/shared/tensor.ts'
import { readBinaryAnswer } from '../../../../helpers/binary-tensors.ts'
import { answerOf, asked, planOf, tensor } from '../../../../helpers/variant-plans.ts'

const pair = planOf({
  inputs: [tensor('x', 'FP32', -1, 2)],
  outputs: [tensor('p', 'FP32', -1, 2), tensor('name', 'BYTES', -1)],
})

const P: Tensor = {
  datatype: 'FP32',
  shape: [3, 2],
  data: Float32Array.of(9, 9, Number.NaN, 1, -0, Number.NEGATIVE_INFINITY),
}
const NAMES: Tensor = { datatype: 'BYTES', shape: [3], data: ['other', 'é😀', ''] }

const asBytes = (...indices: number[]): AskedOutput[] =>
  indices.map((index) => ({ index, isBinary: true, classes: 0 }))

const encode = (outputs: readonly AskedOutput[] | null, more: object = {}) =>
  encodeOipAnswer(answerOf(pair, [P, NAMES], { rowStart: 1, rows: 2, outputs, ...more }))

test('encodeOipAnswer() puts the rows of the request behind the JSON, NaN and infinities too', () => {
  const { jsonBytes, bytes } = encode(asBytes(1, 0), { bodyId: 'ä"' }) as BinaryBody
  expect(Buffer.from(bytes).toString('utf8', 0, jsonBytes)).toBe(
    '{"model_name":"clicks","model_version":"7","id":"ä\\"","outputs":[' +
      '{"name":"name","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":14}},' +
      '{"name":"p","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}}]}',
  )
  expect(Buffer.from(bytes).toString('hex', jsonBytes)).toBe(
    '06000000c3a9f09f988000000000' + '0000c07f0000803f00000080000080ff',
  )
})

test('encodeOipAnswer() mixes both forms, each in its place', () => {
  const body = encode([...asBytes(0), ...asked(1)]) as BinaryBody
  expect(readBinaryAnswer(body)).toMatchObject([
    { name: 'p', values: [Number.NaN, 1, -0, Number.NEGATIVE_INFINITY] },
    { name: 'name', data: ['é😀', ''], values: null },
  ])
})

test('encodeOipAnswer() gives text where nothing is asked for as bytes, and refuses NaN there', () => {
  expect(typeof encode(asked(1))).toBe('string')
  expect(encode(asked(0))).toMatchObject({ code: 'OUTPUT_NOT_FINITE' })
  expect(encode(null)).toMatchObject({
    code: 'OUTPUT_NOT_FINITE',
    detail: "Element 0 of output 'p' is NaN or infinity; ask for it as binary data",
  })
})

test('encodeOipAnswer() refuses more than 64 MiB of bytes, of texts as well', () => {
  const names = (count: number): Tensor => ({
    datatype: 'BYTES',
    shape: [count],
    data: new Array<string>(count).fill('x'.repeat(2 ** 20 - 4)),
  })
  const answer = (count: number) =>
    encodeOipAnswer(answerOf(pair, [P, names(count)], { rows: count, outputs: asBytes(1) }))
  expect((answer(64) as BinaryBody).bytes.length).toBeGreaterThan(64 * 2 ** 20)
  expect(answer(65)).toMatchObject({ code: 'ANSWER_TOO_LARGE' })
})

test('encodeOipAnswer() gives scalars and tensors without elements', () => {
  const plan = planOf({
    inputs: [tensor('x', 'FP32')],
    outputs: [tensor('s', 'INT64'), tensor('none', 'FP64', -1, 0), tensor('no', 'BYTES', -1)],
    rowsMax: 0,
  })
  const results: Tensor[] = [
    { datatype: 'INT64', shape: [], data: BigInt64Array.of(-1n) },
    { datatype: 'FP64', shape: [3, 0], data: new Float64Array(0) },
    { datatype: 'BYTES', shape: [0], data: [] },
  ]
  const body = encodeOipAnswer(answerOf(plan, results, { outputs: asBytes(0, 1, 2) })) as BinaryBody
  expect(readBinaryAnswer(body)).toMatchObject([
    { shape: [], values: [-1n] },
    { shape: [3, 0], values: [] },
    { shape: [0], values: [] },
  ])
})

test('encodeOipAnswer() keeps no memory of an answer that is large', () => {
  const wide = planOf({ inputs: [tensor('x', 'FP32', -1)], outputs: [tensor('y', 'INT8', -1, -1)] })
  const write = (length: number) => {
    const result: Tensor = { datatype: 'INT8', shape: [1, length], data: new Int8Array(length) }
    return encodeOipAnswer(answerOf(wide, [result], { outputs: asBytes(0) })) as BinaryBody
  }
  const large = write(2 ** 21)
  expect(large.bytes.length - large.jsonBytes).toBe(2 ** 21)
  const { buffer } = write(2 ** 17).bytes
  expect(write(8).bytes.buffer === buffer).toBe(true)
  expect(buffer.byteLength).toBeLessThan(2 ** 20)
})

test('encodeOipAnswer() gives the largest elements of each row where classes are asked for', () => {
  const outputs = [{ index: 0, isBinary: true, classes: 1 }]
  expect(readBinaryAnswer(encode(outputs) as BinaryBody)).toMatchObject([
    { name: 'p', datatype: 'BYTES', shape: [2, 1], values: ['1:1', '-0:0'] },
  ])
})
