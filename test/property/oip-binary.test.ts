/** Open Inference Protocol: whatever form a request or an answer has, it says the same. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeOipAnswer } from '../../src/server/protocols/oip/oip-answer.ts'
import { decodeRequest } from '../../src/server/protocols/oip/oip-json.ts'
import type { Answer, BinaryBody } from '../../src/server/protocols/protocol.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { compileVariant } from '../../src/server/protocols/variant-plan.ts'
import { binaryBody, readBinaryAnswer, tensorBytes } from '../helpers/binary-tensors.ts'
import { expectClear } from '../helpers/decoder-agreement.ts'
import { bitsOf, guardedTarget, outcomeOf, type Place, place } from '../helpers/guarded-target.ts'
import { REQUEST_FAULTS } from '../helpers/request-faults.ts'
import { answersOf, dataOf, ownPart, parseExactly, readAs } from '../helpers/results.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { tensorPlan } from '../helpers/tensor-plans.ts'
import { emptyDecoded, planOf, tensor } from '../helpers/variant-plans.ts'
import {
  type Form,
  type GivenInput,
  type GivenRequest,
  requestsOf,
  written,
} from '../helpers/wire-forms.ts'

/** What a request came to: its tensors to the last bit, or why it is refused. */
const read = (plan: VariantPlan, { bytes, jsonBytes }: BinaryBody, where: Place): unknown => {
  const [target, decoded] = [guardedTarget(plan, where), emptyDecoded(jsonBytes)]
  const refusal = decodeRequest(bytes, plan, target, decoded, () => {})
  if (refusal !== null) {
    expectClear(refusal, bytes.subarray(0, jsonBytes < 0 ? bytes.length : jsonBytes))
    return refusal.code
  }
  return outcomeOf(plan, target, { ...decoded, jsonBytes: -1 })
}

/** Without the limits that make a valid body too deep. */
const anyPlan = tensorPlan.map((plan) => compileVariant({ ...plan, jsonDepthMax: 20 }))
const forms = fc.array(fc.constantFrom<Form>('flat', 'nested', 'binary'), {
  minLength: 8,
  maxLength: 8,
})
const offset = fc.nat({ max: 7 })
const all = (form: Form): Form[] => new Array<Form>(8).fill(form)

/** Everything in JSON, where the head may say so or not. */
const asJson = (request: GivenRequest, form: Form): BinaryBody => ({
  ...written(request, all(form)),
  jsonBytes: -1,
})

test('decodeRequest() reads the same from every form', () => {
  const requests = anyPlan.chain((plan) =>
    fc.tuple(fc.constant(plan), requestsOf(plan), forms, offset, place),
  )
  const property = fc.property(requests, ([plan, request, mixed, at, where]) => {
    const wanted = read(plan, asJson(request, 'flat'), where)
    expect(typeof wanted).toBe('object')
    expect(read(plan, asJson(request, 'nested'), where)).toEqual(wanted)
    expect(read(plan, written(request, all('flat')), where)).toEqual(wanted)
    const binary = written(request, all('binary'), at)
    expect(read(plan, binary, where)).toEqual(wanted)
    expect(read(plan, binary, where), 'a JSON part that is known').toEqual(wanted)
    expect(read(plan, written(request, mixed, at), where)).toEqual(wanted)
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})

test('decodeRequest() reads the id of each request, however known the rest is', () => {
  const ids = fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { minLength: 1, maxLength: 6 })
  const plan = planOf({ inputs: [tensor('x', 'FP32', -1)] })
  const input: GivenInput = { name: 'x', datatype: 'FP32', told: 'FP32', shape: [1], values: [1] }
  const property = fc.property(ids, (all) => {
    for (const id of all) {
      const body = written({ inputs: [input], id, outputs: null }, ['binary'])
      expect(read(plan, body, { row: 0, room: 1 })).toMatchObject({
        bodyId: id,
        rows: ['0000803f'],
      })
    }
  })
  fc.assert(property, { numRuns: propertyRuns(100) })
})

const onePlan = anyPlan.filter(({ signature: { inputs }, rowsMax }) => {
  const [input] = inputs
  const shape = input!.shape.slice(rowsMax > 0 ? 1 : 0)
  const isText = input!.datatype === 'BYTES'
  const free = shape.filter((size) => size < 0).length
  const isOne = free === 0 && shape.every((size) => size === 1)
  return inputs.length === 1 && (isText ? isOne : free <= 1)
})

test('decodeRequest() reads a raw request as the same in JSON', () => {
  const requests = onePlan.chain((plan) =>
    fc.tuple(fc.constant(plan), requestsOf(plan, fc.constant(1)), offset, place),
  )
  const property = fc.property(requests, ([plan, given, at, where]) => {
    const request = { ...given, id: null, outputs: null }
    const { datatype, values } = request.inputs[0]!
    const own =
      datatype === 'BYTES'
        ? new TextEncoder().encode(String(values[0]))
        : tensorBytes(datatype, values)
    const { bytes } = binaryBody('', [own], at)
    const { outputs, ...raw } = read(plan, { bytes, jsonBytes: 0 }, where) as { outputs: object[] }
    expect({ ...raw, outputs: null }).toEqual(read(plan, asJson(request, 'flat'), where))
    expect(outputs.length).toBe(plan.signature.outputs.length)
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

test.each(REQUEST_FAULTS)('decodeRequest() refuses in every form %s: %s', (_title, code, fault) => {
  const requests = anyPlan.chain((plan) =>
    fc.tuple(fc.constant(plan), requestsOf(plan), forms, offset, place),
  )
  const property = fc.property(requests, ([plan, request, mixed, at, where]) => {
    const wrong = fault(request, plan)
    fc.pre(wrong !== null)
    const bodies = [
      asJson(wrong, 'flat'),
      asJson(wrong, 'nested'),
      written(wrong, all('binary'), at),
      written(wrong, mixed, at),
    ]
    expect(bodies.map((body) => read(plan, body, where))).toEqual(bodies.map(() => code))
  })
  fc.assert(property, { numRuns: propertyRuns(60) })
})

test('decodeRequest() answers any bytes behind any length', () => {
  const bodies = anyPlan.chain((plan) =>
    fc.tuple(
      fc.constant(plan),
      requestsOf(plan),
      forms,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }),
      fc.integer({ min: -3, max: 3 }),
      fc.integer({ min: -9, max: 9 }),
      place,
    ),
  )
  const property = fc.property(bodies, ([plan, request, mixed, damages, shift, cut, where]) => {
    const { bytes, jsonBytes } = written(request, mixed)
    const damaged = new Uint8Array(Math.max(0, bytes.length + Math.min(0, cut)))
    damaged.set(bytes.subarray(0, damaged.length))
    for (const [at, byte] of damages) if (damaged.length > 0) damaged[at % damaged.length] = byte
    const length = Math.min(damaged.length, Math.max(0, jsonBytes + shift))
    const body = { bytes: damaged, jsonBytes: length }
    expect(read(plan, body, where)).toEqual(read(plan, body, where))
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})

const outputsPlan = tensorPlan.map(({ signature, rowsMax }) =>
  planOf({ inputs: [tensor('x', 'FP32', -1)], outputs: signature.inputs, rowsMax }),
)

/** Answers of which some outputs are asked for as bytes. */
const binaryAnswers: fc.Arbitrary<Answer> = outputsPlan
  .chain((plan) => fc.tuple(answersOf(plan), fc.array(fc.boolean(), { minLength: 8 })))
  .map(([answer, areBinary]) => {
    const chosen = answer.outputs ?? answer.plan.oipAnswer.all
    const outputs = chosen.map((asked, i) => ({ ...asked, isBinary: areBinary[i] ?? true }))
    return { ...answer, outputs }
  })

test('encodeOipAnswer() gives every element to the last bit, in either form', () => {
  const property = fc.property(binaryAnswers, (answer) => {
    const encoded = encodeOipAnswer(answer)
    const isBinary = answer.outputs!.some((asked) => asked.isBinary)
    expect(typeof encoded).toBe(isBinary ? 'object' : 'string')
    if (typeof encoded === 'string') return
    const body = encoded as BinaryBody
    const text = Buffer.from(body.bytes).toString('utf8', 0, body.jsonBytes)
    const exact = parseExactly(text) as { outputs: { data?: unknown }[] }
    for (const [i, output] of readBinaryAnswer(body).entries()) {
      const { index, isBinary: isAsked } = answer.outputs![i]!
      const result = answer.results[index]!
      expect(output.name).toBe(answer.plan.signature.outputs[index]!.name)
      expect(output.datatype).toBe(result.datatype)
      expect(output.values !== null).toBe(isAsked)
      const data =
        output.values === null
          ? readAs(exact.outputs[i]!.data, result.datatype)
          : dataOf(result.datatype, output.values)
      expect(bitsOf(data)).toBe(bitsOf(ownPart(answer, result)))
    }
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})

test('decodeRequest() gives back what encodeOipAnswer() wrote as bytes', () => {
  const property = fc.property(binaryAnswers, place, (answer, where) => {
    const { signature, rowsMax } = answer.plan
    const outputs = answer.plan.oipAnswer.all.map((asked) => ({ ...asked, isBinary: true }))
    const { bytes, jsonBytes } = encodeOipAnswer({ ...answer, outputs }) as BinaryBody
    const text = Buffer.from(bytes).toString('utf8', 0, jsonBytes)
    const tail = bytes.slice(jsonBytes)
    const body = binaryBody(text.replace('"outputs"', '"inputs"'), [tail])
    const plan = planOf({ inputs: signature.outputs, rowsMax })
    const found = read(plan, body, where) as { tensors: { data: string }[]; rows: string[] }
    const wanted = answer.results.map((result) => bitsOf(ownPart(answer, result)))
    expect(found.tensors?.map(({ data }) => data) ?? found.rows).toEqual(wanted)
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})
