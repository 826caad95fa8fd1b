/** Answers of the Open Inference Protocol: JSON, and the outputs that were asked for as bytes. */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import type { Tensor } from '../../../shared/tensor.ts'
import { quote } from '../../json/pointer.ts'
import { takeBuffer } from '../answer-buffer.ts'
import { NotFinite, rowLength, writeElement } from '../answer-json.ts'
import { refuseBinary } from '../answer-size.ts'
import type { Answer, AskedOutput, BinaryBody } from '../protocol.ts'
import { classify } from './oip-classes.ts'
import { sizeInBytes, writeBytes } from './tensor-bytes.ts'

/** What is shown of a result: the elements `from .. to - 1`, of that shape. */
export interface Part {
  readonly result: Tensor
  readonly shape: readonly number[]
  readonly from: number
  readonly to: number
}

/** The rows of this request only. */
export const partOf = (answer: Answer, { index, classes }: AskedOutput): Part => {
  const { plan, rows, rowStart } = answer
  const result = answer.results[index]!
  const length = rowLength(answer, result)
  const from = rowStart * length
  const to = from + rows * length
  if (classes > 0 && !Array.isArray(result.data)) {
    const classified = classify(plan, index, result.data, { from, to, rows }, classes)
    return { result: classified, shape: classified.shape, from: 0, to: classified.data.length }
  }
  const shape = plan.rowsMax === 0 ? result.shape : [rows, ...result.shape.slice(1)]
  return { result, shape, from, to }
}

/** `"data":[...]` */
const dataText = ({ result, from, to }: Part, name: string): string | Refusal => {
  let data = ''
  let i = from
  try {
    for (; i < to; i++) data += (i === from ? '' : ',') + writeElement(result, i)
  } catch (thrown) {
    if (!(thrown instanceof NotFinite)) throw thrown
    const where = `Element ${i - from} of output ${quote(name)} is NaN or infinity`
    return refuse('OUTPUT_NOT_FINITE', `${where}; ask for it as binary data`)
  }
  return `"data":[${data}]`
}

const binaryBody = (json: string, parts: readonly Part[], binaryBytes: number): BinaryBody => {
  const jsonBytes = Buffer.byteLength(json)
  const bytes = takeBuffer(jsonBytes + binaryBytes)
  bytes.write(json)
  let at = jsonBytes
  for (const { result, from, to } of parts) at = writeBytes(bytes, at, result.data, from, to)
  return { jsonBytes, bytes }
}

/** The body of an answer: JSON text, or bytes where an output was asked for as such. */
export const encodeOipAnswer = (answer: Answer): string | BinaryBody | Refusal => {
  const { plan, bodyId } = answer
  const { head, outputs, all } = plan.oipAnswer
  const binary: Part[] = []
  let binaryBytes = 0
  let text = bodyId === null ? head : `${head},"id":${JSON.stringify(bodyId)}`
  let separator = ',"outputs":['
  for (const asked of answer.outputs ?? all) {
    const part = partOf(answer, asked)
    let data: string | Refusal
    if (asked.isBinary) {
      const size = sizeInBytes(part.result.data, part.from, part.to)
      data = `"parameters":{"binary_data_size":${size}}`
      binaryBytes += size
      binary.push(part)
    } else data = dataText(part, plan.signature.outputs[asked.index]!.name)
    if (typeof data !== 'string') return data
    const { datatype } = part.result
    text += `${separator}${outputs[asked.index]},"datatype":"${datatype}"`
    text += `,"shape":[${part.shape.join(',')}],${data}}`
    separator = ','
  }
  text += ']}'
  if (binary.length === 0) return text
  const refusal = refuseBinary(binaryBytes, answer.rows, binary.length)
  return refusal ?? binaryBody(text, binary, binaryBytes)
}
