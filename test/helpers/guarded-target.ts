/** Targets of decoders whose every element is known before: nothing is written unseen. */

import fc from 'fast-check'
import { expect } from 'vitest'
import type { Decoded, RowTarget } from '../../src/server/protocols/protocol.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { allocate, type TensorData } from '../../src/shared/tensor.ts'

/** Rows behind the room of a target. */
const ROWS_BEHIND = 2

/** What stands in a target before; two of them show what was not written. */
export const GUARDS = [77, 99] as const
export type Guard = (typeof GUARDS)[number]

const guardOf = (data: TensorData, guard: Guard): number | bigint | string => {
  if (Array.isArray(data)) return `guard ${guard}`
  const isBig = data instanceof BigInt64Array || data instanceof BigUint64Array
  return isBig ? BigInt(guard) : guard
}

export interface Place {
  readonly row: number
  readonly room: number
}

export const place: fc.Arbitrary<Place> = fc.record({
  row: fc.nat({ max: 3 }),
  room: fc.constantFrom(4, 4, 4, 4, 3, 2, 1, 0),
})

/** A target with rows of others before and behind its room; none where rows have no fixed size. */
export const guardedTarget = (
  plan: VariantPlan,
  { row, room }: Place,
  guard: Guard = GUARDS[0],
): RowTarget => {
  const { rowStrides, signature } = plan
  if (rowStrides === null) return { columns: [], row: 0, room: 0 }
  const columns = signature.inputs.map(({ datatype }, input) => {
    const data = allocate(datatype, (row + room + ROWS_BEHIND) * rowStrides[input]!)
    ;(data as (number | bigint | string)[]).fill(guardOf(data, guard))
    return data
  })
  return { columns, row, room }
}

/** What an array holds to the last bit, so that -0 is not 0 and NaN is NaN. */
export const bitsOf = (data: TensorData): string =>
  Array.isArray(data)
    ? JSON.stringify(data)
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex')

/** Nothing was written but to `rows` rows from the first free one. */
export const expectWithin = (
  plan: VariantPlan,
  target: RowTarget,
  rows: number,
  guard: Guard = GUARDS[0],
): void => {
  for (const [input, column] of target.columns.entries()) {
    const stride = plan.rowStrides![input]!
    const untouched = guardOf(column, guard)
    const [from, to] = [target.row * stride, (target.row + rows) * stride]
    const written = (column as ArrayLike<unknown> & unknown[]).findIndex(
      (each, i) => (i < from || i >= to) && each !== untouched,
    )
    expect(written, `input ${input} was written at ${written}`).toBe(-1)
  }
}

/** Everything that a decoder found, or wrote into its rows, comparable by `toEqual`. */
export const outcomeOf = (plan: VariantPlan, target: RowTarget, decoded: Decoded): unknown => {
  const rowsInPlace = decoded.tensors === null ? decoded.rows : 0
  const [from, to] = [target.row, target.row + rowsInPlace]
  const rows = target.columns.map((column, input) => {
    const stride = plan.rowStrides![input]!
    return bitsOf(column.slice(from * stride, to * stride))
  })
  const tensors = decoded.tensors?.map(({ data, ...rest }) => ({ ...rest, data: bitsOf(data) }))
  return { ...decoded, tensors: tensors ?? null, rows }
}
