/** Open Inference Protocol: both decoders agree, tensors arrive and leave as they are. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeOipComplete } from '../../src/server/protocols/oip/oip-complete.ts'
import { decodeOipFast } from '../../src/server/protocols/oip/oip-fast.ts'
import {
  decodeRequest,
  encodeError,
  encodeResponse,
} from '../../src/server/protocols/oip/oip-json.ts'
import type { Answer } from '../../src/server/protocols/protocol.ts'
import { compileVariant, type VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { refuse } from '../../src/shared/errors.ts'
import {
  checkAgreement,
  checkAnyText,
  checkProportion,
  type Decoders,
  expectAgreement,
  neighbours,
  printed,
} from '../helpers/decoder-agreement.ts'
import { bitsOf, place } from '../helpers/guarded-target.ts'
import { oddOipBody, oipBody } from '../helpers/oip-bodies.ts'
import {
  answersOf,
  anyUnits,
  checkNotFinite,
  ownPart,
  parseExactly,
  readAs,
} from '../helpers/results.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import {
  freeShapes,
  rowShapes,
  signaturesOf,
  tensorPlan,
  usualPlan,
  wholeShapes,
} from '../helpers/tensor-plans.ts'
import { perhapsWrong } from '../helpers/twisted-tokens.ts'
import { asked, decodeWith, planOf, tensor } from '../helpers/variant-plans.ts'

/** Every request is answered with one entry per row. */
const DECODERS: Decoders = {
  fast: (body, plan, target, decoded) => {
    decoded.isBatch = true
    return plan.oip !== null && decodeOipFast(body, plan.oip, target, decoded)
  },
  complete: (body, plan, target, decoded) => {
    decoded.isBatch = true
    return decodeOipComplete(body, plan, target, decoded)
  },
  decodeRequest,
}

test('decodeOipFast() agrees with decodeOipComplete() on bodies of every kind', () => {
  const cases = tensorPlan.chain((plan) =>
    fc.tuple(fc.constant(plan), perhapsWrong(oddOipBody(plan))),
  )
  checkAgreement(DECODERS, cases, 500)
})

/** Without the limits that make a valid body too deep. */
const deep = (plan: VariantPlan): VariantPlan => compileVariant({ ...plan, jsonDepthMax: 20 })

test('decodeRequest() reads exactly what was written', () => {
  const bodies = tensorPlan.chain((plan) => fc.tuple(fc.constant(deep(plan)), oipBody(plan), place))
  const property = fc.property(bodies, ([plan, { text, expected }, where]) => {
    const options = plan.rowStrides === null ? { row: 0, room: 0 } : where
    const { refusal, decoded, values } = decodeWith(decodeRequest, plan, text, options)
    expect(refusal, text).toBeNull()
    const { columns, shapes, bodyId } = expected
    const outputs = expected.outputs === null ? null : asked(...expected.outputs)
    expect(values).toEqual(columns)
    expect(decoded).toMatchObject({ isBatch: true, bodyId, outputs })
    const rows = shapes[0]![0]!
    const isInPlace = plan.rowStrides !== null && rows <= options.room
    expect(decoded.rows).toBe(plan.rowsMax === 0 ? 1 : rows)
    if (isInPlace) expect(decoded.tensors).toBeNull()
    else expect(decoded.tensors!.map(({ shape }) => shape)).toEqual(shapes)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

const number = fc.float({ noNaN: true, noDefaultInfinity: true })

/** Enough for the largest of the plans. */
const numbers = fc.array(number, { minLength: 36, maxLength: 36 })

test('decodeOipFast() is sure of what clients usually write', () => {
  const bodies = fc
    .record({
      plan: usualPlan,
      rows: fc.integer({ min: 1, max: 4 }),
      numbers,
      isTriton: fc.boolean(),
      isNested: fc.boolean(),
      id: fc.option(fc.stringMatching(/^[a-z0-9-]{1,20}$/)),
      isSpaced: fc.boolean(),
    })
    .map(({ plan, rows, numbers: all, isTriton, isNested, id, isSpaced }) => {
      const { name, datatype, shape } = plan.signature.inputs[0]!
      const stride = plan.rowStrides![0]!
      const row = (i: number) => all.slice(i * stride, (i + 1) * stride)
      const matrix = Array.from({ length: rows }, (_, i) => row(i))
      const data = isNested && shape.length === 2 ? matrix : matrix.flat()
      const sizes = [rows, ...shape.slice(1)]
      const input = isTriton
        ? { name, datatype, shape: sizes, data }
        : { name, shape: sizes, datatype, data }
      const body = id === null ? { inputs: [input] } : { id, inputs: [input] }
      return { plan: deep(plan), text: printed(body, isSpaced) }
    })
  const property = fc.property(bodies, ({ plan, text }) => {
    const body = new TextEncoder().encode(text)
    expect(expectAgreement(DECODERS, plan, body, { row: 1, room: 4 }), text).toBe(true)
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

const matrixPlan = planOf({ inputs: [tensor('x', 'FP32', -1, 2)] })

test.each(['2.0', '2e0', '20e-1', '2.00000000000000000001', '1.99999999999999999999', '1e-400'])(
  'decodeOipFast() agrees with decodeOipComplete() on the size %s',
  (size) => {
    const text = `{"inputs":[{"name":"x","shape":[${size},2],"datatype":"FP32","data":[1,2,3,4]}]}`
    expectAgreement(DECODERS, matrixPlan, new TextEncoder().encode(text), { row: 1, room: 2 })
  },
)

test.each([
  '{"inputs":[{"name":"x","shape":[2,2],"datatype":"FP32","data":[1,3e38,-3,0.5]}]}',
  '{"id":"a","inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[[1,2]]}]}',
])('decodeOipFast() agrees with decodeOipComplete() one byte away from %s', (text) => {
  for (const body of neighbours(text)) {
    expectAgreement(DECODERS, matrixPlan, body, { row: 1, room: 2 })
  }
})

const PLANS = [
  planOf({ inputs: [tensor('x0', 'FP32', -1)], outputs: [tensor('y0', 'FP32', -1)] }),
  planOf({ inputs: [tensor('x0', 'INT64', -1, -1)] }),
]

test('decodeRequest() answers any text at all', () => checkAnyText(DECODERS, PLANS))

test('decodeRequest() takes no longer than in proportion to the body', () => {
  checkProportion(decodeRequest, PLANS)
})

const X = [tensor('x', 'FP32', -1)]
const answers: fc.Arbitrary<Answer> = fc
  .oneof(
    signaturesOf('y', freeShapes).map((outputs) => planOf({ inputs: X, outputs })),
    signaturesOf('y', wholeShapes).map((outputs) => planOf({ inputs: X, outputs, rowsMax: 0 })),
  )
  .chain(answersOf)

interface WrittenOutput {
  readonly name: string
  readonly datatype: string
  readonly shape: readonly unknown[]
  readonly data: unknown
}

test('encodeResponse() writes every element to the last bit', () => {
  const property = fc.property(answers, (answer) => {
    const { outputs } = answer.plan.signature
    const body = parseExactly(String(encodeResponse(answer))) as { outputs: WrittenOutput[] }
    const chosen = answer.outputs?.map(({ index }) => index) ?? [...outputs.keys()]
    expect(body.outputs.map(({ name }) => name)).toEqual(chosen.map((i) => outputs[i]!.name))
    for (const [place, index] of chosen.entries()) {
      const [{ datatype, data, shape }, result] = [body.outputs[place]!, answer.results[index]!]
      expect(datatype).toBe(outputs[index]!.datatype)
      expect(bitsOf(readAs(data, result.datatype))).toBe(bitsOf(ownPart(answer, result)))
      const rows =
        answer.plan.rowsMax === 0 ? result.shape : [answer.rows, ...result.shape.slice(1)]
      expect([...(readAs(shape, 'INT32') as Int32Array)]).toEqual(rows)
    }
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

test('decodeRequest() gives back what encodeResponse() wrote', () => {
  const all = fc.oneof(
    signaturesOf('y', rowShapes).map((outputs) => planOf({ inputs: X, outputs })),
    signaturesOf('y', rowShapes, ['FP32', 'FP64'], 1).map((outputs) =>
      planOf({ inputs: X, outputs }),
    ),
    signaturesOf('y', wholeShapes).map((outputs) => planOf({ inputs: X, outputs, rowsMax: 0 })),
  )
  const property = fc.property(all.chain(answersOf), place, (answer, where) => {
    const { signature, rowsMax } = answer.plan
    const plan = planOf({ inputs: signature.outputs, rowsMax })
    const body = String(encodeResponse({ ...answer, outputs: null })).replace(
      '"outputs"',
      '"inputs"',
    )
    const options = plan.rowStrides === null ? { row: 0, room: 0 } : where
    const { refusal, values, decoded } = decodeWith(decodeRequest, plan, body, options)
    expect(refusal, body).toBeNull()
    const own = answer.results.map((result) => ownPart(answer, result))
    expect(values).toEqual(own.map((data) => Array.from(data as ArrayLike<unknown>)))
    expect(decoded.bodyId).toBe(answer.bodyId)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

test('encodeResponse() refuses what JSON cannot carry, of the rows and outputs asked for', () => {
  checkNotFinite(
    encodeResponse,
    ({ outputs }, output) => outputs?.some(({ index }) => index === output) ?? true,
  )
})

test('encodeError() is JSON for any text', () => {
  const property = fc.property(anyUnits, (detail) => {
    expect(JSON.parse(encodeError(refuse('INPUT_UNKNOWN', detail)).body)).toEqual({ error: detail })
  })
  fc.assert(property)
})
