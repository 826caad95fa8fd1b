/** TensorFlow Serving: both decoders agree, with each other and with those of the other formats. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import * as featuresJson from '../../src/server/protocols/features/features-json.ts'
import * as oipJson from '../../src/server/protocols/oip/oip-json.ts'
import type { DecodeRequest } from '../../src/server/protocols/protocol.ts'
import { decodeTfsComplete } from '../../src/server/protocols/tfs/tfs-complete.ts'
import { decodeTfsFast } from '../../src/server/protocols/tfs/tfs-fast.ts'
import { decodeRequest } from '../../src/server/protocols/tfs/tfs-json.ts'
import { compileVariant, type VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import {
  checkAgreement,
  checkAnyText,
  checkProportion,
  type Decoders,
  expectAgreement,
  neighbours,
  printed,
} from '../helpers/decoder-agreement.ts'
import { type Place, place } from '../helpers/guarded-target.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { anyText, manner } from '../helpers/spellings.ts'
import { rowSizes, tensorRow } from '../helpers/tensor-bodies.ts'
import { countOf, nestedText, tensorPlan, usualPlan, valuesOf } from '../helpers/tensor-plans.ts'
import { oddTfsBody, tfsBody } from '../helpers/tfs-bodies.ts'
import { perhapsWrong } from '../helpers/twisted-tokens.ts'
import { decodeWith, planOf, tensor } from '../helpers/variant-plans.ts'

const DECODERS: Decoders = {
  fast: (body, plan, target, decoded) =>
    plan.oip !== null && decodeTfsFast(body, plan.oip, target, decoded),
  complete: decodeTfsComplete,
  decodeRequest,
}

test('decodeTfsFast() agrees with decodeTfsComplete() on bodies of every kind', () => {
  const cases = tensorPlan.chain((plan) =>
    fc.tuple(fc.constant(plan), perhapsWrong(oddTfsBody(plan))),
  )
  checkAgreement(DECODERS, cases, 500)
})

/** Without the limits that make a valid body too deep. */
const deep = (plan: VariantPlan): VariantPlan => compileVariant({ ...plan, jsonDepthMax: 20 })

const optionsFor = (plan: VariantPlan, where: Place): Place =>
  plan.rowStrides === null ? { row: 0, room: 0 } : where

test('decodeRequest() reads exactly what was written', () => {
  const bodies = tensorPlan.chain((plan) => fc.tuple(fc.constant(deep(plan)), tfsBody(plan), place))
  const property = fc.property(bodies, ([plan, body, where]) => {
    const options = optionsFor(plan, where)
    const { refusal, decoded, values } = decodeWith(decodeRequest, plan, body.text, options)
    expect(refusal, body.text).toBeNull()
    const { columns, shapes, isBatch, rows } = body
    expect(values).toEqual(columns)
    expect(decoded).toMatchObject({ isBatch, rows, bodyId: null, outputs: null })
    const isInPlace = plan.rowStrides !== null && rows <= options.room
    if (isInPlace) expect(decoded.tensors).toBeNull()
    else expect(decoded.tensors!.map(({ shape }) => shape)).toEqual(shapes)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

const number = fc.float({ noNaN: true, noDefaultInfinity: true })

test('decodeTfsFast() is sure of what clients usually write', () => {
  const bodies = fc
    .record({
      plan: usualPlan.filter(({ signature }) => signature.inputs[0]!.shape.length === 2),
      rows: fc.integer({ min: 1, max: 4 }),
      numbers: fc.array(number, { minLength: 12, maxLength: 12 }),
      isBatch: fc.boolean(),
      signed: fc.constantFrom('not', 'before', 'behind'),
      isSpaced: fc.boolean(),
    })
    .map(({ plan, rows, numbers, isBatch, signed, isSpaced }) => {
      const stride = plan.rowStrides![0]!
      const matrix = Array.from({ length: rows }, (_, i) =>
        numbers.slice(i * stride, (i + 1) * stride),
      )
      const body = {
        ...(signed === 'before' && { signature_name: 'serving_default' }),
        [isBatch ? 'instances' : 'inputs']: matrix,
        ...(signed === 'behind' && { signature_name: 'serving_default' }),
      }
      return { plan: deep(plan), text: printed(body, isSpaced) }
    })
  const property = fc.property(bodies, ({ plan, text }) => {
    const body = new TextEncoder().encode(text)
    expect(expectAgreement(DECODERS, plan, body, { row: 1, room: 4 }), text).toBe(true)
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

const matrixPlan = planOf({ inputs: [tensor('x', 'FP32', -1, 2)] })

test.each([
  '{"instances":[[1,3e38],[-3,0.5]]}',
  '{"signature_name":"serving_default","inputs":[[1,2]]}',
  '{"inputs":[[1,2], [3,4]],"signature_name":"serving_default"}',
])('decodeTfsFast() agrees with decodeTfsComplete() one byte away from %s', (text) => {
  for (const body of neighbours(text)) {
    expectAgreement(DECODERS, matrixPlan, body, { row: 1, room: 2 })
  }
})

const PLANS = [
  planOf({ inputs: [tensor('x0', 'FP32', -1, 1)] }),
  planOf({ inputs: [tensor('x0', 'INT64', -1, -1)] }),
  planOf({ inputs: [tensor('x0', 'BYTES', -1)] }),
]

test('decodeRequest() answers any text at all', () => checkAnyText(DECODERS, PLANS))

test('decodeRequest() takes no longer than in proportion to the body', () => {
  checkProportion(decodeRequest, PLANS)
})

/** What a format makes of a body: its refusal's code, or the tensors. */
const outcomeBy = (
  decode: DecodeRequest,
  plan: VariantPlan,
  body: string | Uint8Array,
  where: Place,
): unknown => {
  const { refusal, decoded, values } = decodeWith(decode, plan, body, optionsFor(plan, where))
  if (refusal !== null) return refusal.code
  const shapes = decoded.tensors?.map(({ shape }) => shape)
  return { rows: decoded.rows, shapes, values }
}

const INSTANCES = new TextEncoder().encode('{"instances":')
const END = new TextEncoder().encode('}')

test('decodeRequest() says of instances what /predict says', () => {
  const bodies = tensorPlan.chain((plan) => {
    const lists = fc.tuple(rowSizes(plan), manner).chain(([sizes, how]) => {
      const row = tensorRow(plan, sizes, how).map(({ text }) => text)
      return fc.array(row, { maxLength: 3 }).map((rows) => `[${rows.join(',')}]`)
    })
    return fc.tuple(fc.constant(plan), perhapsWrong(lists), place)
  })
  const property = fc.property(bodies, ([plan, list, where]) => {
    const body = Uint8Array.of(...INSTANCES, ...list, ...END)
    const { refusal } = decodeWith(featuresJson.decodeRequest, plan, body, optionsFor(plan, where))
    // A row that is no list and no object is one here.
    if (refusal?.detail.startsWith('A row wants')) return
    expect(outcomeBy(decodeRequest, plan, body, where)).toEqual(
      outcomeBy(featuresJson.decodeRequest, plan, body, where),
    )
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

/** The same tensors for both formats; the sizes and one value may be wrong. */
const twoBodies = (plan: VariantPlan): fc.Arbitrary<{ tfs: string; oip: string }> => {
  const { inputs } = plan.signature
  const sizes = inputs.map(({ shape }) =>
    fc.tuple(
      ...shape.map((size) =>
        fc.oneof(
          { weight: 12, arbitrary: size < 0 ? fc.constant(2) : fc.constant(size) },
          { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
        ),
      ),
    ),
  )
  return fc.tuple(fc.tuple(...sizes), manner).chain(([shapes, how]) =>
    fc
      .tuple(
        fc.tuple(...inputs.map((each, i) => valuesOf(each.datatype, countOf(shapes[i]!), how))),
        fc.option(fc.tuple(fc.nat(), fc.nat(), anyText)),
      )
      .map(([all, wrong]) => {
        const texts = all.map((values) => values.map(({ text }) => text))
        if (wrong !== null) {
          const [input, index, text] = wrong
          const values = texts[input % texts.length]!
          if (values.length > 0) values[index % values.length] = text
        }
        const data = texts.map((values, i) => nestedText(values, shapes[i]!, ['']))
        const named = inputs.map(({ name }, i) => `"${name}":${data[i]}`)
        const entries = inputs.map(
          ({ name, datatype }, i) =>
            `{"name":"${name}","datatype":"${datatype}","shape":[${shapes[i]}],"data":${data[i]}}`,
        )
        return {
          tfs: `{"inputs":{${named.join(',')}}}`,
          oip: `{"inputs":[${entries.join(',')}]}`,
        }
      }),
  )
}

test('decodeRequest() says of inputs what the Open Inference Protocol says', () => {
  const ranked = tensorPlan.filter(({ signature }) =>
    signature.inputs.every(({ shape }) => shape.length > 0),
  )
  const bodies = ranked.chain((plan) => fc.tuple(fc.constant(deep(plan)), twoBodies(plan), place))
  const property = fc.property(bodies, ([plan, { tfs, oip }, where]) => {
    expect(outcomeBy(decodeRequest, plan, tfs, where), tfs).toEqual(
      outcomeBy(oipJson.decodeRequest, plan, oip, where),
    )
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})
