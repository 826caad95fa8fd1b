/**
 * Open Inference Protocol v2 over JSON: `POST /v2/models/{m}[/versions/{v}]/infer`. Source:
 * kserve/open-inference-protocol, specification/protocol/inference_rest.md; where it is silent,
 * Triton's behaviour (serving.md §1).
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { Tensor, TensorData } from '../../shared/tensor.ts'
import { decodeOipComplete } from './oip-complete.ts'
import { decodeOipFast } from './oip-fast.ts'
import type { Answer, Decoded, EncodedError, RowTarget, VariantPlan } from './protocol.ts'

export const decodeRequest = (
  body: Uint8Array,
  plan: VariantPlan,
  target: RowTarget,
  decoded: Decoded,
): Refusal | null => {
  decoded.isBatch = true
  if (decodeOipFast(body, plan, target, decoded)) return null
  decoded.rowsInPlace = 0
  decoded.requestId = ''
  return decodeOipComplete(body, plan, target, decoded)
}

const writeData = (data: TensorData, from: number, to: number): string | null => {
  const parts: string[] = []
  for (let i = from; i < to; i++) {
    const value = data[i]!
    if (typeof value === 'number') {
      if (!Number.isFinite(value)) return null
      parts.push(`${value}`)
    } else parts.push(typeof value === 'string' ? JSON.stringify(value) : `${value}`)
  }
  return parts.join(',')
}

const writeBooleans = (data: TensorData, from: number, to: number): string => {
  const parts: string[] = []
  for (let i = from; i < to; i++) parts.push(data[i] === 0 ? 'false' : 'true')
  return parts.join(',')
}

/** One output of the answer; the rows of this request only. */
const writeOutput = (answer: Answer, index: number): string | null => {
  const { name, datatype } = answer.plan.signature.outputs[index]!
  const { data, shape } = answer.results[index] as Tensor
  const stride = data.length / Math.max(1, shape[0] ?? 1)
  const from = answer.isWhole ? 0 : answer.rowStart * stride
  const to = answer.isWhole ? data.length : from + answer.rows * stride
  const own = answer.isWhole ? shape : [answer.rows, ...shape.slice(1)]
  const text = datatype === 'BOOL' ? writeBooleans(data, from, to) : writeData(data, from, to)
  if (text === null) return null
  const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[${own.join(',')}]`
  return `${head},"data":[${text}]}`
}

/** `id` is echoed only when the client gave one. */
export const encodeResponse = (answer: Answer): string | Refusal => {
  const { plan, outputs, requestId, predictionId } = answer
  const parts: string[] = []
  for (const index of outputs ?? plan.signature.outputs.keys()) {
    const text = writeOutput(answer, index)
    if (text === null) {
      const { name } = plan.signature.outputs[index]!
      return refuse('OUTPUT_NOT_FINITE', `Output '${name}' holds NaN or infinity`)
    }
    parts.push(text)
  }
  const id = requestId === predictionId ? '' : `,"id":${JSON.stringify(requestId)}`
  const head = `{"model_name":${JSON.stringify(plan.endpoint)},"model_version":"${plan.version}"`
  return `${head}${id},"outputs":[${parts.join(',')}]}`
}

/** `{"error": "..."}`, which tritonclient and KServe's client read. */
export const encodeError = (refusal: Refusal): EncodedError => ({
  contentType: 'application/json',
  body: JSON.stringify({ error: refusal.detail }),
})
