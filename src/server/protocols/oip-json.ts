/**
 * Open Inference Protocol v2 over JSON: `POST /v2/models/{m}[/versions/{v}]/infer`. Source:
 * kserve/open-inference-protocol, specification/protocol/inference_rest.md; where it is silent,
 * Triton's behaviour (serving.md §1).
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { NotFinite, rowLength, writeElement } from './answer-json.ts'
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

/** One output of the answer; the rows of this request only. Throws NotFinite. */
const writeOutput = (answer: Answer, index: number): string => {
  const { isWhole, rows, rowStart } = answer
  const { name, datatype } = answer.plan.signature.outputs[index]!
  const result = answer.results[index]!
  const length = rowLength(answer, result)
  const from = isWhole ? 0 : rowStart * length
  const to = isWhole ? result.data.length : from + rows * length
  const shape = isWhole ? result.shape : [rows, ...result.shape.slice(1)]
  let data = ''
  for (let i = from; i < to; i++) data += (i === from ? '' : ',') + writeElement(result, i)
  const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}"`
  return `${head},"shape":[${shape.join(',')}],"data":[${data}]}`
}

/** `id` is echoed only when the client gave one. */
export const encodeResponse = (answer: Answer): string | Refusal => {
  const { plan, outputs, requestId, predictionId } = answer
  const parts: string[] = []
  for (const index of outputs ?? plan.signature.outputs.keys()) {
    try {
      parts.push(writeOutput(answer, index))
    } catch (thrown) {
      if (!(thrown instanceof NotFinite)) throw thrown
      const { name } = plan.signature.outputs[index]!
      return refuse('OUTPUT_NOT_FINITE', `Output '${name}' holds NaN or infinity`)
    }
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
