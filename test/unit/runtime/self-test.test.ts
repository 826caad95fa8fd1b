import { expect, test } from 'vitest'
import { exampleInputs } from '../../../src/runtime/proving-inputs.ts'
import { answersAlike, batchingAgrees, tryRows } from '../../../src/runtime/self-test.ts'
import { createSession } from '../../../src/runtime/session.ts'
import type { Session } from '../../../src/runtime/session-types.ts'
import type { Signature, Tensor } from '../../../src/shared/tensor.ts'
import { batchMean, gather, identity, mlp, parseNumber, scaleAdd } from '../../helpers/models.ts'

const rowOf = (session: Session) => exampleInputs(session.signature, null, null)

const agrees = (session: Session, count = 8): boolean =>
  batchingAgrees(session, tryRows(session, rowOf(session), 8), count)

const signature: Signature = {
  inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 1] }],
  outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 1] }],
}

/** A model whose answer to a batch is what `answer` says. */
const sessionOf = (answer: (input: Tensor) => Tensor[]): Session => ({
  signature,
  run: ([input]) => answer(input!),
  dispose: () => {},
})

const floats = (values: readonly number[], shape = [values.length, 1]): Tensor => ({
  datatype: 'FP32',
  shape,
  data: Float32Array.from(values),
})

const rowsIn = ({ data }: Tensor): number[] => [...(data as Float32Array)]

test.each([
  ['a sound model', mlp(), true],
  ['arithmetic', scaleAdd(), true],
  ['text', identity('BYTES'), true],
  ['64-bit numbers', identity('UINT64'), true],
  ['a table', gather(), true],
  ['the mean of the batch', batchMean(), false],
])('batchingAgrees() of %s', (_what, bytes, verdict) => {
  expect(agrees(createSession(bytes))).toBe(verdict)
})

test('tryRows() keeps the rows that are answered alone', () => {
  const session = createSession(gather())
  const start: Tensor = { datatype: 'INT64', shape: [1, 1], data: BigInt64Array.of(8n) }
  const answered = tryRows(session, [start], 6).map(({ inputs }) => inputs[0]!.data[0])
  expect(answered[0]).toBe(8n)
  expect(answered.every((index) => Number(index) < 10)).toBe(true)
  expect(answered.length).toBeLessThan(6)
})

test('tryRows() throws when the row itself is refused', () => {
  const session = createSession(parseNumber())
  expect(() => tryRows(session, rowOf(session), 4)).toThrow()
})

test.each<[string, (rows: number[]) => Tensor[], boolean]>([
  ['rounding', (rows) => [floats(rows.map((x) => x * (rows.length > 1 ? 1 + 1e-6 : 1)))], true],
  ['rounding near 0', (rows) => [floats(rows.map((x) => x + (rows.length > 1 ? 1e-7 : 0)))], true],
  ['a small leak', (rows) => [floats(rows.map((x) => x + rows.length * 1e-3))], false],
  ['the order of rows', (rows) => [floats([...rows].reverse())], false],
  ['fewer rows', (rows) => [floats(rows.slice(0, 4))], false],
  ['one row for all', (rows) => [floats([rows[0]!])], false],
  ['no rows', () => [floats([])], false],
  [
    'a wider row',
    (rows) => [floats([...rows, ...rows], [rows.length, rows.length > 1 ? 2 : 1])],
    false,
  ],
  ['NaN for all', (rows) => [floats(rows.map(() => Number.NaN))], true],
  [
    'NaN in batches',
    (rows) => [floats(rows.map((x) => (rows.length > 1 ? Number.NaN : x)))],
    false,
  ],
  ['infinity', (rows) => [floats(rows.map(() => Number.POSITIVE_INFINITY))], true],
])('batchingAgrees() judges %s', (_what, answer, verdict) => {
  expect(agrees(sessionOf((input) => answer(rowsIn(input))))).toBe(verdict)
})

test('batchingAgrees() is false for a model that throws at batches', () => {
  const session = sessionOf((input) => {
    if (input.shape[0]! > 1) throw new Error('one at a time')
    return [input]
  })
  expect(agrees(session)).toBe(false)
})

test('batchingAgrees() notices a leak behind results that are reused', () => {
  const reused = new Float32Array(8)
  const session = sessionOf((input) => {
    const rows = rowsIn(input)
    const sum = rows.reduce((total, x) => total + x, 0)
    reused.set(rows.map(() => sum))
    return [{ datatype: 'FP32', shape: [rows.length, 1], data: reused.subarray(0, rows.length) }]
  })
  expect(agrees(session)).toBe(false)
})

test('answersAlike() tells models apart', () => {
  const session = createSession(mlp())
  const rows = tryRows(session, rowOf(session), 4)
  expect(answersAlike(createSession(mlp(), { optimization: 'disabled' }), rows)).toBe(true)
  expect(answersAlike(createSession(mlp([30, 64, 32, 1], 2)), rows)).toBe(false)
})
