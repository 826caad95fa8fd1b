/**
 * Open Inference Protocol v2 over JSON: `POST /v2/models/{m}[/versions/{v}]/infer`. Source:
 * kserve/open-inference-protocol, specification/protocol/inference_rest.md; where it is silent,
 * Triton's behaviour (serving.md §1).
 */

import { type Refusal, refuse } from '../../shared/errors.ts'
import { quote } from '../json/pointer.ts'
import { NotFinite, rowLength, writeElement } from './answer-json.ts'
import { decodeOipComplete } from './oip-complete.ts'
import { decodeOipFast } from './oip-fast.ts'
import type { Answer, DecodeRequest, EncodedError } from './protocol.ts'

export const decodeRequest: DecodeRequest = (body, plan, target, decoded, onSlow) => {
  decoded.isBatch = true
  if (plan.oip !== null) {
    if (decodeOipFast(body, plan.oip, target, decoded)) return null
    decoded.rows = 0
    decoded.bodyId = null
  }
  onSlow()
  return decodeOipComplete(body, plan, target, decoded)
}

/** One output of the answer; the rows of this request only. */
const writeOutput = (answer: Answer, index: number): string | Refusal => {
  const { plan, rows, rowStart } = answer
  const { name, datatype } = plan.signature.outputs[index]!
  const result = answer.results[index]!
  const length = rowLength(answer, result)
  const from = rowStart * length
  const to = from + rows * length
  const shape = plan.rowsMax === 0 ? result.shape : [rows, ...result.shape.slice(1)]
  let data = ''
  let i = from
  try {
    for (; i < to; i++) data += (i === from ? '' : ',') + writeElement(result, i)
  } catch (thrown) {
    if (!(thrown instanceof NotFinite)) throw thrown
    const detail = `Element ${i - from} of output ${quote(name)} is NaN or infinity`
    return refuse('OUTPUT_NOT_FINITE', detail)
  }
  const head = `{"name":${JSON.stringify(name)},"datatype":"${datatype}"`
  return `${head},"shape":[${shape.join(',')}],"data":[${data}]}`
}

/** `id` is the body's own, and absent where the body had none. */
export const encodeResponse = (answer: Answer): string | Refusal => {
  const { plan, outputs, bodyId } = answer
  const parts: string[] = []
  for (const index of outputs ?? plan.signature.outputs.keys()) {
    const output = writeOutput(answer, index)
    if (typeof output !== 'string') return output
    parts.push(output)
  }
  const id = bodyId === null ? '' : `,"id":${JSON.stringify(bodyId)}`
  const head = `{"model_name":${JSON.stringify(plan.endpoint)},"model_version":"${plan.version}"`
  return `${head}${id},"outputs":[${parts.join(',')}]}`
}

/** `{"error": "..."}`, which tritonclient and KServe's client read. */
export const encodeError = (refusal: Refusal): EncodedError => ({
  contentType: 'application/json',
  body: JSON.stringify({ error: refusal.detail }),
})
