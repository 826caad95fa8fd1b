import { expect, test } from 'vitest'
import { packResult, textsOf, withTexts } from '../../../../src/runtime/pool/pool-messages.ts'
import type { Tensor } from '../../../../src/shared/tensor.ts'

const ENDED = { pool: 1, slot: 2, generation: 3, refusal: null, badRow: -1 }

const floats = (...values: number[]): Tensor => ({
  datatype: 'FP32',
  shape: [values.length],
  data: Float32Array.from(values),
})
const texts = (...values: string[]): Tensor => ({
  datatype: 'BYTES',
  shape: [values.length],
  data: values,
})

const INPUTS: readonly (readonly [string, () => Tensor[]])[] = [
  ['numbers', () => [floats(1, 2), floats(3)]],
  ['texts', () => [texts('a', 'b')]],
  ['texts between numbers', () => [floats(1), texts('a'), texts('b'), floats(2, 3)]],
  ['nothing', () => []],
]

test.each(INPUTS)('inputs of %s come back with the results, none of them copied', (_, make) => {
  const [inputs, results] = [make(), [floats(7), texts('y')]]
  const kept = textsOf(inputs)
  const { sent, transfer } = packResult(ENDED, results, inputs)
  const heard = structuredClone(sent, { transfer })
  expect(heard).toMatchObject({ ...ENDED, tensors: [floats(7), texts('y')] })
  expect(withTexts(heard.inputs, kept)).toEqual(make())
  expect(heard.inputs?.map((input) => input === null)).toEqual(
    inputs.map(({ datatype }) => datatype === 'BYTES'),
  )
  const numbers = inputs.flatMap(({ data }) => (Array.isArray(data) ? [] : [data.byteLength]))
  expect(numbers.every((bytes) => bytes === 0)).toBe(true)
})

test('a failure has its inputs as well, and what had no run has none', () => {
  const inputs = [floats(1)]
  const { sent, transfer } = packResult(ENDED, null, inputs)
  const heard = structuredClone(sent, { transfer })
  expect([heard.tensors, heard.inputs]).toEqual([null, [floats(1)]])
  const none = packResult(ENDED, null, null)
  expect([none.sent.tensors, none.sent.inputs, none.transfer]).toEqual([null, null, []])
  expect(withTexts(null, null)).toBeNull()
})

test('a part of a buffer comes back as a copy, and what it is a part of stays', () => {
  const [data] = [Float32Array.of(1, 2, 3)]
  const part: Tensor = { datatype: 'FP32', shape: [2], data: data.subarray(1) }
  const { sent, transfer } = packResult(ENDED, null, [part])
  expect(structuredClone(sent, { transfer }).inputs).toEqual([floats(2, 3)])
  expect([...data]).toEqual([1, 2, 3])
})
