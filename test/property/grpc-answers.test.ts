/** Answers of gRPC, read by protobuf, are the results to the last bit. */

import { fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ModelInferResponse, ModelInferResponseSchema } from '../../proto/gen/inference_pb.ts'
import { encodeResponse } from '../../src/server/protocols/grpc/grpc-infer.ts'
import * as oipJson from '../../src/server/protocols/oip/oip-json.ts'
import type { Answer } from '../../src/server/protocols/protocol.ts'
import type { Tensor } from '../../src/shared/tensor.ts'
import { tensorValues } from '../helpers/binary-tensors.ts'
import { valuesOf } from '../helpers/grpc-messages.ts'
import { bitsOf } from '../helpers/guarded-target.ts'
import { answersOf, dataOf, ownPart } from '../helpers/results.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { tensorPlan } from '../helpers/tensor-plans.ts'
import { answerOf, planOf, tensor } from '../helpers/variant-plans.ts'

/** Answers whose outputs are all raw, or all typed. */
const answers: fc.Arbitrary<readonly [Answer, boolean]> = fc
  .tuple(tensorPlan, fc.boolean())
  .chain(([{ signature, rowsMax }, isRaw]) => {
    const plan = planOf({ inputs: [tensor('x', 'FP32', -1)], outputs: signature.inputs, rowsMax })
    return answersOf(plan).map((answer) => {
      const asked = answer.outputs ?? (isRaw ? plan.oipAnswer.all : null)
      const outputs = asked?.map((each) => ({ ...each, isBinary: isRaw })) ?? null
      return [{ ...answer, outputs }, isRaw] as const
    })
  })

const readAnswer = (answer: Answer): ModelInferResponse => {
  const bytes = encodeResponse(answer)
  if (!(bytes instanceof Uint8Array)) throw new Error('refused')
  const message = fromBinary(ModelInferResponseSchema, Uint8Array.from(bytes))
  // Protobuf writes the same bytes: nothing is empty, unpacked or longer than it must be.
  expect(Buffer.from(toBinary(ModelInferResponseSchema, message)).equals(bytes)).toBe(true)
  return message
}

test('encodeResponse() gives every element to the last bit, in either form', () => {
  const property = fc.property(answers, ([answer, isRaw]) => {
    const { plan, results, bodyId } = answer
    const message = readAnswer(answer)
    expect(message).toMatchObject({ modelName: 'clicks', modelVersion: '7', id: bodyId ?? '' })
    const asked = answer.outputs ?? plan.oipAnswer.all
    expect(message.outputs.length).toBe(asked.length)
    expect(message.rawOutputContents.length).toBe(isRaw ? asked.length : 0)
    for (const [i, output] of message.outputs.entries()) {
      const { index } = asked[i]!
      const result = results[index]!
      const shape = plan.rowsMax === 0 ? result.shape : [answer.rows, ...result.shape.slice(1)]
      const { name } = plan.signature.outputs[index]!
      expect(output).toMatchObject({ name, datatype: result.datatype, shape: shape.map(BigInt) })
      const own = ownPart(answer, result)
      expect(output.contents === undefined).toBe(isRaw || own.length === 0)
      const raw = message.rawOutputContents[i]
      const values = raw ? tensorValues(result.datatype, raw) : typedOf(result, output.contents)
      expect(bitsOf(dataOf(result.datatype, values))).toBe(bitsOf(own))
    }
  })
  fc.assert(property, { numRuns: propertyRuns(400) })
})

const typedOf = (
  { datatype }: Tensor,
  contents: ModelInferResponse['outputs'][number]['contents'],
) => (contents === undefined ? [] : valuesOf(datatype, contents))

test('encodeResponse() gives classes as over HTTP', () => {
  const plan = planOf({ inputs: [tensor('x', 'FP32', -1)], outputs: [tensor('y', 'FP32', -1, 4)] })
  const data = new Float32Array([0.1, 0.7, 0.2, Number.NaN, 3, 1, 2, Number.POSITIVE_INFINITY])
  const results: Tensor[] = [{ datatype: 'FP32', shape: [2, 4], data }]
  const asked = (isBinary: boolean) => [{ index: 0, isBinary, classes: 3 }]
  const encode = (isBinary: boolean) =>
    readAnswer(answerOf(plan, results, { rows: 2, outputs: asked(isBinary) }))
  const json = oipJson.encodeResponse(answerOf(plan, results, { rows: 2, outputs: asked(false) }))
  const { outputs } = JSON.parse(String(json)) as { outputs: { data: string[] }[] }
  const typed = encode(false).outputs[0]!
  expect(typed).toMatchObject({ datatype: 'BYTES', shape: [2n, 3n] })
  expect(valuesOf('BYTES', typed.contents!)).toEqual(outputs[0]!.data)
  expect(tensorValues('BYTES', encode(true).rawOutputContents[0]!)).toEqual(outputs[0]!.data)
})
