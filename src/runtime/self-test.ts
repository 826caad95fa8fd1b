/**
 * Whether the rows of a batch are independent: the answer to a row must not depend on the rows
 * that it happens to share a run with, or requests must not share runs.
 */

import { type SessionSettings, usesGpu } from '../shared/session-settings.ts'
import type { Datatype, Tensor } from '../shared/tensor.ts'
import { rowInTurn, variedInputs } from './proving-inputs.ts'
import { rowsMatch } from './run-result.ts'
import type { Session } from './session-types.ts'

/** A row that the model answers when it is alone. */
export interface TriedRow {
  readonly inputs: readonly Tensor[]
  readonly answers: readonly Tensor[]
}

/** Results that later runs do not overwrite. */
const run = (session: Session, inputs: readonly Tensor[]): Tensor[] =>
  session.run(inputs).map((tensor) => ({ ...tensor, data: tensor.data.slice() }))

/**
 * Runs up to `countMax` variations of a row, each alone, and keeps those that the model answers: a
 * variation may be out of its domain. The row itself comes first. Throws what the model throws at
 * it. `isLate`: two rows must do.
 */
export const tryRows = (
  session: Session,
  row: readonly Tensor[],
  countMax: number,
  isLate: () => boolean = () => false,
): TriedRow[] => {
  const tried: TriedRow[] = [{ inputs: row, answers: run(session, row) }]
  for (let i = 1; i < countMax && !(tried.length > 1 && isLate()); i++) {
    const inputs = variedInputs(row, i)
    try {
      tried.push({ inputs, answers: run(session, inputs) })
    } catch {} // it says nothing about batches
  }
  return tried
}

/** Most that the answers of two runs may differ by. */
export interface Tolerance {
  readonly relative: number
  /** To the largest answer: of the column, or of the whole output. */
  readonly to: 'column' | 'output'
}

/** Kernels sum in other orders for other sizes. */
export const CPU_TOLERANCE: Tolerance = { relative: 1e-5, to: 'column' }
/**
 * CUDA multiplies FP32 as TF32 where a kernel does, which is not the same for all sizes. A factor
 * of 10 bits is off by up to 2^-11, a product by 2^-10: twice that, as layers add to one another
 * (5.7e-4 in a network of four, on an H200). What a sum is off by goes with its terms, not with
 * what they come to: a column whose answers all happen to be small is as far off as the others.
 */
export const GPU_TOLERANCE: Tolerance = { relative: 2e-3, to: 'output' }

export const toleranceOf = (settings: SessionSettings): Tolerance =>
  usesGpu(settings) ? GPU_TOLERANCE : CPU_TOLERANCE

const isFloat = (datatype: Datatype): boolean => datatype === 'FP32' || datatype === 'FP64'

/** `slack`: what floats may differ by; 0 where answers must be the same. */
const agree = (a: unknown, b: unknown, slack: number): boolean =>
  Object.is(a, b) || a === b || (slack > 0 && Math.abs((a as number) - (b as number)) <= slack)

/** Largest finite magnitude in a column of row-major floats; 0 for other datatypes. */
const scaleOf = ({ datatype, data }: Tensor, column: number, stride: number): number => {
  if (!isFloat(datatype)) return 0
  let scale = 0
  for (let i = column; i < data.length; i += stride) {
    const size = Math.abs(data[i] as number)
    if (Number.isFinite(size)) scale = Math.max(scale, size)
  }
  return scale
}

const columnsAgree = (
  batch: Tensor,
  alone: readonly Tensor[],
  rows: number,
  { relative, to }: Tolerance,
): boolean => {
  const stride = batch.data.length / rows
  const scale = to === 'output' ? scaleOf(batch, 0, 1) : 0
  for (let column = 0; column < stride; column++) {
    const slack = relative * (to === 'output' ? scale : scaleOf(batch, column, stride))
    for (let row = 0; row < rows; row++) {
      const single = alone[rowInTurn(row, alone.length)]!
      if (single.data.length !== stride) return false
      if (!agree(batch.data[row * stride + column], single.data[column], slack)) return false
    }
  }
  return true
}

/** Whether the model answers one row when it is given one. */
export const answersByRow = (tried: readonly TriedRow[]): boolean =>
  tried.every(({ answers }) => rowsMatch(answers, 1))

/**
 * Whether the answers to `rows` rows, stacked by `stackInputs`, are those of the tried rows alone.
 * There must be one row of answers for each.
 */
export const answersAgree = (
  batch: readonly Tensor[],
  tried: readonly TriedRow[],
  rows: number,
  tolerance: Tolerance = CPU_TOLERANCE,
): boolean =>
  batch.every((tensor, output) => {
    const alone = tried.map(({ answers }) => answers[output]!)
    return columnsAgree(tensor, alone, rows, tolerance)
  })

const isAlike = (a: Tensor, b: Tensor, { relative }: Tolerance): boolean => {
  if (a.datatype !== b.datatype || a.shape.join() !== b.shape.join()) return false
  const slack = relative * scaleOf(a, 0, 1)
  for (let i = 0; i < a.data.length; i++) if (!agree(a.data[i], b.data[i], slack)) return false
  return true
}

/** Whether another session of the same model gives the same answers. Throws what it throws. */
export const answersAlike = (
  session: Session,
  rows: readonly TriedRow[],
  tolerance: Tolerance = CPU_TOLERANCE,
): boolean =>
  rows.every(({ inputs, answers }) => {
    const again = session.run(inputs)
    return answers.every((tensor, output) => isAlike(tensor, again[output]!, tolerance))
  })
