/**
 * Whether the rows of a batch are independent: the answer to a row must not depend on the rows
 * that it happens to share a run with, or requests must not share runs.
 */

import type { Tensor } from '../shared/tensor.ts'
import { stackInputs, variedInputs } from './proving-inputs.ts'
import { rowsMatch } from './run-result.ts'
import type { Session } from './session-types.ts'

/** A row that the model answers when it is alone. */
export interface TriedRow {
  readonly inputs: readonly Tensor[]
  readonly answers: readonly Tensor[]
}

const run = (session: Session, inputs: readonly Tensor[]): Tensor[] =>
  session.run(inputs).map((tensor) => ({ ...tensor, data: tensor.data.slice() }))

/**
 * Runs `count` variations of a row, each alone, and keeps those that the model answers: a variation
 * may be out of its domain. The row itself comes first. Throws what the model throws at it.
 */
export const tryRows = (session: Session, row: readonly Tensor[], count: number): TriedRow[] => {
  const tried: TriedRow[] = [{ inputs: row, answers: run(session, row) }]
  for (let i = 1; i < count; i++) {
    const inputs = variedInputs(row, i)
    try {
      tried.push({ inputs, answers: run(session, inputs) })
    } catch {} // it says nothing about batches
  }
  return tried
}

/** Kernels sum in other orders for other sizes; relative to the column's largest answer. */
const RELATIVE_MAX = 1e-5
const SCALE_MIN = 1e-3

const agree = (a: unknown, b: unknown, scale: number): boolean => {
  if (Object.is(a, b) || a === b) return true
  if (typeof a !== 'number' || typeof b !== 'number') return false
  return Math.abs(a - b) <= RELATIVE_MAX * scale
}

/** Largest finite magnitude in a column of row-major answers. */
const scaleOf = (data: Tensor['data'], column: number, stride: number): number => {
  let scale = SCALE_MIN
  for (let i = column; i < data.length; i += stride) {
    const size = Math.abs(Number(data[i]))
    if (Number.isFinite(size)) scale = Math.max(scale, size)
  }
  return scale
}

const columnsAgree = (batch: Tensor, alone: readonly Tensor[], rows: number): boolean => {
  const stride = batch.data.length / rows
  for (let column = 0; column < stride; column++) {
    const scale = scaleOf(batch.data, column, stride)
    for (let row = 0; row < rows; row++) {
      const single = alone[row % alone.length]!
      if (single.data.length !== stride) return false
      if (!agree(batch.data[row * stride + column], single.data[column], scale)) return false
    }
  }
  return true
}

/** Whether a batch's answers, row by row, are those of `rows` alone (over and over). */
export const answersAgree = (batch: readonly Tensor[], rows: readonly TriedRow[]): boolean => {
  const count = batch[0]?.shape[0] ?? 0
  const alone = (output: number) => rows.map(({ answers }) => answers[output]!)
  return (
    count > 0 &&
    rowsMatch(batch, count) &&
    rows.every(({ answers }) => rowsMatch(answers, 1)) &&
    batch.every((tensor, output) => columnsAgree(tensor, alone(output), count))
  )
}

/** Runs `count` rows at once; false also for a model that cannot take as many. */
export const batchingAgrees = (
  session: Session,
  rows: readonly TriedRow[],
  count: number,
): boolean => {
  const inputs = stackInputs(
    rows.map((each) => each.inputs),
    count,
  )
  try {
    const batch = run(session, inputs)
    return rowsMatch(batch, count) && answersAgree(batch, rows)
  } catch {
    return false
  }
}

const isAlike = (a: Tensor, b: Tensor): boolean => {
  if (a.datatype !== b.datatype || a.shape.join() !== b.shape.join()) return false
  const scale = scaleOf(a.data, 0, 1)
  for (let i = 0; i < a.data.length; i++) if (!agree(a.data[i], b.data[i], scale)) return false
  return true
}

/** Whether another session of the same model gives the same answers. Throws what it throws. */
export const answersAlike = (session: Session, rows: readonly TriedRow[]): boolean =>
  rows.every(({ inputs, answers }) => {
    const again = run(session, inputs)
    return answers.every((tensor, output) => isAlike(tensor, again[output]!))
  })
