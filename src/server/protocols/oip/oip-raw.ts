/**
 * Raw binary requests: a body that is one tensor and nothing else (Triton,
 * extension_binary_data.md). Its shape is that of the model's one input, of which one dimension may
 * be free: as large as the bytes make it. Where that of the rows is free and another too, there is
 * one row, as Triton takes all such requests for. Texts of the refusals are Triton's.
 */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import { elementCount, type TensorSignature } from '../../../shared/tensor.ts'
import { quote } from '../../json/pointer.ts'
import { malformed } from '../body-faults.ts'
import type { Destination } from '../columns.ts'
import { allBinary } from './oip-outputs.ts'
import { deliverRequest } from './oip-request.ts'
import { checkBytes, elementBytes, LENGTH_BYTES } from './tensor-bytes.ts'
import { wrongBytes } from './tensor-faults.ts'

const NO_TERMS = { priority: 0, timeoutUs: 0 }

const isFree = (size: number): boolean => size < 0

/** The shape that so many bytes have. */
const deduce = (
  { name, datatype, shape }: TensorSignature,
  hasRows: boolean,
  bytes: number,
): number[] | Refusal => {
  const isOneRow = hasRows && (datatype === 'BYTES' || shape.slice(1).some(isFree))
  const sizes = isOneRow ? [1, ...shape.slice(1)] : shape
  const free = sizes.filter(isFree).length
  if (datatype === 'BYTES') {
    if (free === 0 && elementCount(sizes) === 1) return [...sizes]
    const why = 'the model must have input shape [1]'
    return malformed(`For BYTES datatype raw input ${quote(name)}, ${why}`, '')
  }
  if (free > 1) {
    const why = 'there are more than one variable-sized dimension'
    return malformed(
      `The shape of the raw input ${quote(name)} can not be deduced because ${why}`,
      '',
    )
  }
  const known = sizes.reduce((count, size) => count * Math.abs(size), elementBytes(datatype))
  const size = known === 0 ? 0 : Math.ceil(bytes / known)
  return sizes.map((each) => (isFree(each) ? size : each))
}

/** The length of the one text in front of it, as other requests have it. */
const withLength = (body: Uint8Array): Uint8Array => {
  const bytes = Buffer.allocUnsafe(LENGTH_BYTES + body.length)
  bytes.writeUInt32LE(body.length)
  bytes.set(body, LENGTH_BYTES)
  return bytes
}

export const decodeOipRaw = (body: Uint8Array, destination: Destination): Refusal | null => {
  const { plan } = destination
  const { inputs } = plan.signature
  const [input] = inputs
  if (input === undefined || inputs.length > 1) {
    const count = `Raw request must only have 1 input (found 1) to be deduced`
    return malformed(`${count} but got ${inputs.length} inputs in ${quote(plan.endpoint)}`, '')
  }
  const hasRows = plan.rowsMax > 0
  const shape = deduce(input, hasRows, body.length)
  if ('code' in shape) return shape
  const tail = input.datatype === 'BYTES' ? withLength(body) : body
  const fault = checkBytes(input.datatype, elementCount(shape), tail.length)
  if (fault !== null) return wrongBytes(input.name, shape, fault, '')
  const rows = hasRows ? shape[0]! : 1
  if (rows === 0) return refuse('TENSOR_SHAPE_MISMATCH', 'The request has no row')
  const only = { shape, column: null, from: 0, to: tail.length }
  const request = { inputs: [only], rows, outputs: allBinary(plan), ...NO_TERMS, idAt: -1 }
  return deliverRequest(request, tail, destination)
}
