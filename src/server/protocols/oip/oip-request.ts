/** An OIP request as it was read, on its way into the batch. */

import { type Refusal, refuse } from '../../../shared/errors.ts'
import { allocate, elementCount, type Tensor } from '../../../shared/tensor.ts'
import { quote } from '../../json/pointer.ts'
import type { Destination } from '../columns.ts'
import type { AskedOutput } from '../protocol.ts'
import type { Input } from './oip-inputs.ts'
import { readBytes } from './tensor-bytes.ts'

export interface OipRequest {
  /** In the order of the signature. */
  readonly inputs: readonly Input[]
  /** 1 where the version has no row dimension. */
  readonly rows: number
  readonly outputs: readonly AskedOutput[] | null
  /** Its parameters `priority` and `timeout`; 0 where it has none. */
  readonly priority: number
  readonly timeoutUs: number
  /** Where the value of the id stands in the JSON; -1 without one. */
  readonly idAt: number
}

/**
 * Gives the rows to the batch where they fit, else to the request as tensors of its own. Numbers
 * behind the JSON are copied once, from the body to where the session reads them.
 *
 * @param tail what stands behind the JSON
 */
export const deliverRequest = (
  { inputs, rows, outputs, priority, timeoutUs }: OipRequest,
  tail: Uint8Array,
  { plan, target, decoded }: Destination,
): Refusal | null => {
  const { rowStrides, signature } = plan
  const isInPlace = rowStrides !== null && rows <= target.room
  const tensors: Tensor[] = []
  for (let i = 0; i < inputs.length; i++) {
    const { column, shape, from, to } = inputs[i]!
    const { name, datatype } = signature.inputs[i]!
    const count = isInPlace ? rows * rowStrides[i]! : elementCount(shape)
    const at = isInPlace ? target.row * rowStrides[i]! : 0
    let data = isInPlace ? target.columns[i]! : column?.take()
    if (isInPlace) column?.copyTo(data!, at)
    if (column === null) {
      data ??= allocate(datatype, count)
      const fault = readBytes(tail.subarray(from, to), datatype, data, at, count)
      if (fault !== null) return refuse(fault.code, `Input ${quote(name)} ${fault.detail}`)
    }
    if (!isInPlace) tensors.push({ datatype, shape, data: data! })
  }
  decoded.rows = rows
  decoded.outputs = outputs
  decoded.askedPriority = priority
  decoded.askedTimeoutUs = timeoutUs
  if (!isInPlace) decoded.tensors = tensors
  return null
}
