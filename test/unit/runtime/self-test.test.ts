import { expect, test } from 'vitest'
import { exampleInputs, stackInputs } from '../../../src/runtime/proving-inputs.ts'
import {
  answersAgree,
  answersAlike,
  answersByRow,
  CPU_TOLERANCE,
  GPU_TOLERANCE,
  type TriedRow,
  toleranceOf,
  tryRows,
} from '../../../src/runtime/self-test.ts'
import { createSession } from '../../../src/runtime/session.ts'
import type { Session } from '../../../src/runtime/session-types.ts'
import { DEFAULT_SESSION } from '../../../src/shared/session-settings.ts'
import type { Datatype, Tensor, TensorData } from '../../../src/shared/tensor.ts'
import { gather, mlp, parseNumber } from '../../helpers/models.ts'

const rowOf = (session: Session) => exampleInputs(session.signature, null, null)

const column = (datatype: Datatype, data: TensorData): Tensor => ({
  datatype,
  shape: [data.length, 1],
  data,
})

const floats = (...values: number[]) => column('FP64', Float64Array.from(values))

/** Rows that were answered with one value each. */
const triedWith = (answers: Tensor): TriedRow[] =>
  Array.from({ length: answers.data.length }, (_, i) => {
    const data = answers.data.slice(i, i + 1)
    return { inputs: [], answers: [{ ...answers, shape: [1, 1], data }] }
  })

test.each<[string, Tensor, Tensor, boolean]>([
  ['the same', floats(1, 2), floats(1, 2), true],
  ['rounding', floats(1, 1e5), floats(1 + 5e-6, 1e5), true],
  ['rounding of what cancels out', floats(1e-7, 3), floats(0, 3), true],
  ['a leak', floats(1, 2), floats(1.001, 2.001), false],
  ['a leak into small answers', floats(1e-9, 2e-9), floats(1.001e-9, 2.001e-9), false],
  ['rounding of small answers', floats(1e-9, 2e-9), floats(1e-9 + 5e-15, 2e-9), true],
  ['what should be 0', floats(0, 0), floats(1e-30, 0), false],
  ['another order', floats(1, 2), floats(2, 1), false],
  ['NaN for NaN', floats(Number.NaN, 1), floats(Number.NaN, 1), true],
  ['NaN for a number', floats(2, 1), floats(Number.NaN, 1), false],
  ['infinity', floats(Number.POSITIVE_INFINITY), floats(Number.POSITIVE_INFINITY), true],
  ['the other infinity', floats(-1 / 0), floats(1 / 0), false],
  [
    'integers off by one',
    column('INT32', Int32Array.of(1_000_000, 1_000_001)),
    column('INT32', Int32Array.of(1_000_000, 1_000_002)),
    false,
  ],
  [
    'long integers off by one',
    column('INT64', BigInt64Array.of(2n ** 60n)),
    column('INT64', BigInt64Array.of(2n ** 60n + 1n)),
    false,
  ],
  ['booleans', column('BOOL', Uint8Array.of(1, 0)), column('BOOL', Uint8Array.of(1, 1)), false],
  ['texts', column('BYTES', ['a', '1']), column('BYTES', ['a', '1']), true],
  ['other texts', column('BYTES', ['a', '1']), column('BYTES', ['a', '1.000000001']), false],
])('answersAgree() judges %s', (_what, alone, batch, verdict) => {
  expect(answersAgree([batch], triedWith(alone), batch.shape[0]!)).toBe(verdict)
})

test('answersAgree() wants rows of the same size, and judges each column by itself', () => {
  const tried: TriedRow[] = [
    {
      inputs: [],
      answers: [{ datatype: 'FP32', shape: [1, 2], data: Float32Array.of(1e6, 1e-3) }],
    },
  ]
  const batchOf = (...data: number[]): Tensor[] => [
    { datatype: 'FP32', shape: [1, data.length], data: Float32Array.from(data) },
  ]
  expect(answersAgree(batchOf(1e6, 1e-3), tried, 1)).toBe(true)
  expect(answersAgree(batchOf(1e6, 1.1e-3), tried, 1)).toBe(false)
  expect(answersAgree(batchOf(1e6), tried, 1)).toBe(false)
})

test.each([
  // The second column is small beside the first; TF32 is off by as much in both.
  ['TF32', [3, 1e-3], [3 * (1 + 6e-4), 1e-3 + 3 * 6e-4], true],
  ['a leak', [3, 1e-3], [3, 1e-3 + 3 * 3e-3], false],
  ['a leak into large answers', [3, 1e-3], [3 * (1 + 3e-3), 1e-3], false],
  ['answers of 0', [0, 0], [0, 1e-30], false],
  ['NaN', [3, 1e-3], [3, Number.NaN], false],
])('answersAgree() judges %s on a GPU by the largest answer of the output', (_what, ...rest) => {
  const [alone, batch, verdict] = rest
  const of = (data: number[]): Tensor => ({
    datatype: 'FP32',
    shape: [1, 2],
    data: Float32Array.from(data),
  })
  const tried: TriedRow[] = [{ inputs: [], answers: [of(alone)] }]
  expect(answersAgree([of(batch)], tried, 1, GPU_TOLERANCE)).toBe(verdict)
  expect(answersAgree([of(batch)], tried, 1)).toBe(false)
})

test('toleranceOf() goes by where the version runs', () => {
  expect(toleranceOf(DEFAULT_SESSION)).toBe(CPU_TOLERANCE)
  expect(toleranceOf({ ...DEFAULT_SESSION, providers: ['cuda', 'cpu'] })).toBe(GPU_TOLERANCE)
})

test('answersByRow() wants one row for one row', () => {
  const triedAs = (shape: number[]) => [
    { inputs: [], answers: [{ datatype: 'FP32', shape, data: new Float32Array(2) } as const] },
  ]
  expect(answersByRow(triedAs([1, 2]))).toBe(true)
  expect(answersByRow(triedAs([2, 1]))).toBe(false)
  expect(answersByRow(triedAs([]))).toBe(false)
})

test('tryRows() keeps the rows that are answered alone', () => {
  const session = createSession(gather())
  const start: Tensor = { datatype: 'INT64', shape: [1, 1], data: BigInt64Array.of(9n) }
  const answered = tryRows(session, [start], 6).map(({ inputs }) => inputs[0]!.data[0])
  expect(answered[0]).toBe(9n)
  expect(answered.every((index) => Number(index) < 10)).toBe(true)
  expect(answered.length).toBeGreaterThan(1)
  expect(answered.length).toBeLessThan(6)
})

test('tryRows() throws when the row itself is refused', () => {
  const session = createSession(parseNumber())
  expect(() => tryRows(session, rowOf(session), 4)).toThrow()
})

test('tryRows() is content with two rows when it is late', () => {
  const session = createSession(mlp())
  expect(tryRows(session, rowOf(session), 8, () => true)).toHaveLength(2)
  expect(tryRows(session, rowOf(session), 8)).toHaveLength(8)
})

test('tryRows() keeps answers that the model overwrites later', () => {
  const reused = new Float32Array(1)
  const session: Session = {
    signature: { inputs: [], outputs: [] },
    run: ([input]) => {
      reused[0] = input!.data[0] as number
      return [{ datatype: 'FP32', shape: [1], data: reused }]
    },
    dispose: () => {},
  }
  const row: Tensor = { datatype: 'FP32', shape: [1], data: new Float32Array(1) }
  for (const { inputs, answers } of tryRows(session, [row], 4)) {
    expect(answers[0]!.data).toEqual(inputs[0]!.data)
  }
})

test('answersAlike() tells models apart', () => {
  const session = createSession(mlp())
  const rows = tryRows(session, rowOf(session), 4)
  expect(
    answersAlike(createSession(mlp(), { ...DEFAULT_SESSION, graphOptimization: 'disabled' }), rows),
  ).toBe(true)
  expect(answersAlike(createSession(mlp([30, 64, 32, 1], 2)), rows)).toBe(false)
})

test('answersAgree() finds the answers of a real model to agree with themselves', () => {
  const session = createSession(mlp())
  const tried = tryRows(session, rowOf(session), 8)
  const all = tried.map(({ inputs }) => inputs)
  expect(answersAgree(session.run(stackInputs(all, 50)), tried, 50)).toBe(true)
})
