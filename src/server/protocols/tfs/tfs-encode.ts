/**
 * Answers of the TensorFlow Serving format: each output nested like its shape, and nameless where
 * there is but one. Source: tensorflow/serving, util/json_tensor.cc.
 */

import type { Tensor, TensorSignature } from '../../../shared/tensor.ts'
import {
  NotFinite,
  notFinite,
  rowLength,
  type WriteElement,
  writeElement,
  writeNested,
} from '../answer-json.ts'
import type { Answer, EncodeResponse } from '../protocol.ts'

/** Text under such a name is written in Base64: TensorFlow takes it for bytes. */
const BYTES_SUFFIX = '_bytes'

export const isInBase64 = ({ name, datatype }: TensorSignature): boolean =>
  datatype === 'BYTES' && name.endsWith(BYTES_SUFFIX)

/** Whole numbers too are written as floats, so that clients infer one type for all. */
const writeFloat: WriteElement = (tensor, index) => {
  const text = writeElement(tensor, index)
  return Number.isInteger(tensor.data[index]) && !text.includes('e') ? `${text}.0` : text
}

const writeBase64: WriteElement = ({ data }, index) =>
  `{"b64":"${Buffer.from(data[index] as string).toString('base64')}"}`

/** One output, as it is written. */
interface Column {
  readonly key: string
  readonly result: Tensor
  readonly write: WriteElement
  /** Elements of a row. */
  readonly length: number
}

const writerFor = (output: TensorSignature): WriteElement => {
  const { datatype } = output
  if (datatype === 'FP32' || datatype === 'FP64') return writeFloat
  return isInBase64(output) ? writeBase64 : writeElement
}

const columnsOf = (answer: Answer): Column[] =>
  answer.plan.signature.outputs.map((output, index) => {
    const result = answer.results[index]!
    const length = rowLength(answer, result)
    return { key: JSON.stringify(output.name), result, write: writerFor(output), length }
  })

/** The value of the one output, or an object of all. */
const join = (columns: readonly Column[], write: (column: Column) => string): string => {
  const [first] = columns
  if (columns.length === 1) return write(first!)
  return `{${columns.map((column) => `${column.key}:${write(column)}`).join(',')}}`
}

/** Without rows one instance stands for the request, and an output that has one row for that. */
const rowShape = ({ plan }: Answer, { shape }: Tensor): readonly number[] =>
  plan.rowsMax > 0 || shape[0] === 1 ? shape.slice(1) : shape

const wholeShape = ({ plan, rows }: Answer, { shape }: Tensor): readonly number[] =>
  plan.rowsMax > 0 ? [rows, ...shape.slice(1)] : shape

/** The body of a 200 answer, or OUTPUT_NOT_FINITE with the first row that cannot be written. */
export const writeTfsAnswer: EncodeResponse = (answer) => {
  const columns = columnsOf(answer)
  const rows: string[] = []
  const at = ({ length }: Column) => (answer.rowStart + rows.length) * length
  try {
    if (!answer.isBatch) {
      const whole = join(columns, (column) => {
        const { result, write } = column
        return writeNested(result, at(column), wholeShape(answer, result), write)
      })
      return `{"outputs":${whole}}`
    }
    while (rows.length < answer.rows) {
      const row = join(columns, (column) => {
        const { result, write } = column
        return writeNested(result, at(column), rowShape(answer, result), write)
      })
      rows.push(row)
    }
  } catch (thrown) {
    if (!(thrown instanceof NotFinite)) throw thrown
    return notFinite(answer, rows.length)
  }
  return `{"predictions":[${rows.join(',')}]}`
}
