/** `/predict`: both decoders agree on every body, and values arrive as they were written. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeComplete } from '../../src/server/protocols/features/features-complete.ts'
import { decodeFast, type FastPlan } from '../../src/server/protocols/features/features-fast.ts'
import {
  decodeRequest,
  encodeError,
  encodeResponse,
} from '../../src/server/protocols/features/features-json.ts'
import type { Answer } from '../../src/server/protocols/protocol.ts'
import { compileVariant, type VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { refuse } from '../../src/shared/errors.ts'
import type { FeatureExtras } from '../../src/shared/feature-extras.ts'
import type { Manifest } from '../../src/shared/manifest.ts'
import { DATATYPES, type Tensor } from '../../src/shared/tensor.ts'
import {
  checkAgreement,
  checkAnyText,
  checkProportion,
  type Decoders,
  expectAgreement,
  neighbours,
  printed,
} from '../helpers/decoder-agreement.ts'
import { type Body, featureBody, oddFeatureBody } from '../helpers/feature-bodies.ts'
import { featureCase } from '../helpers/feature-plans.ts'
import { bitsOf, type Place, place } from '../helpers/guarded-target.ts'
import {
  answersOf,
  anyUnits,
  checkNotFinite,
  ownPart,
  parseExactly,
  readAs,
  textOf,
} from '../helpers/results.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { plainText } from '../helpers/spellings.ts'
import { tensorBody } from '../helpers/tensor-bodies.ts'
import { rowShapes, signaturesOf, tensorPlan, wholeShapes } from '../helpers/tensor-plans.ts'
import { perhapsWrong } from '../helpers/twisted-tokens.ts'
import { decodeWith, feature, flightPlan, planOf, tensor } from '../helpers/variant-plans.ts'

const DECODERS: Decoders = {
  fast: (body, plan, target, decoded) => {
    const { features } = plan
    return features.fast !== null && decodeFast(body, features as FastPlan, target, decoded)
  },
  complete: decodeComplete,
  decodeRequest,
}

test('decodeFast() agrees with decodeComplete() on bodies of named and positional features', () => {
  const cases = featureCase.chain((known) =>
    fc.tuple(fc.constant(known.plan), perhapsWrong(oddFeatureBody(known))),
  )
  checkAgreement(DECODERS, cases, 500)
})

test('decodeFast() agrees with decodeComplete() on bodies of tensors', () => {
  const cases = tensorPlan.chain((plan) => {
    const text = tensorBody(plan).map((body) => body.text)
    return fc.tuple(fc.constant(plan), perhapsWrong(text))
  })
  checkAgreement(DECODERS, cases, 300)
})

/** Without the limits that make a valid body too deep. */
const deep = (plan: VariantPlan): VariantPlan => compileVariant({ ...plan, jsonDepthMax: 20 })

const expectRead = (plan: VariantPlan, { text, expected }: Body, where: Place) => {
  const options = plan.rowStrides === null ? { row: 0, room: 0 } : where
  const { refusal, decoded, values } = decodeWith(decodeRequest, plan, text, options)
  expect(refusal, text).toBeNull()
  expect(values).toEqual(expected.columns)
  const { rows, isBatch, bodyId } = expected
  expect(decoded).toMatchObject({ rows, isBatch, bodyId, outputs: null })
  const isInPlace = plan.rowStrides !== null && rows <= options.room
  expect(decoded.tensors === null).toBe(isInPlace)
  return decoded.tensors?.map(({ shape }) => shape) ?? null
}

type Extra = readonly [row: number, feature: number, text: string | null]

/** Of a valid body, by another reader: what is absent, and texts that no code stands for. */
const wantedExtras = ({ binding }: VariantPlan, text: string): Extra[] => {
  const body = JSON.parse(text) as { features?: object; instances?: object[] }
  return (body.instances ?? [body.features!]).flatMap((row, at) =>
    binding.features.flatMap(({ name, codes, missing }, index): Extra[] => {
      const key = Array.isArray(row) ? String(index) : name
      const value: unknown = Object.hasOwn(row, key) ? (row as Record<string, unknown>)[key] : null
      if (value === null) return Number.isNaN(missing) ? [] : [[at, index, null]]
      return codes === null || codes.has(String(value)) ? [] : [[at, index, String(value)]]
    }),
  )
}

const extrasOf = (extras: FeatureExtras | null): Extra[] => {
  const { rows, features, texts } = extras ?? { rows: [], features: [], texts: [] }
  const all = rows.map((row, i): Extra => [row, features[i]!, texts[i]!])
  return all.sort((a, b) => a[0] - b[0] || a[1] - b[1])
}

test('decodeRequest() notes what was missing and unseen, and nothing else', () => {
  const bodies = featureCase.chain((known) =>
    fc.tuple(fc.constant(known), featureBody(known), place),
  )
  const property = fc.property(bodies, ([{ plan }, { text }, where]) => {
    const options = plan.rowStrides === null ? { row: 0, room: 0 } : where
    const { decoded } = decodeWith(decodeRequest, deep(plan), text, options)
    expect(extrasOf(decoded.extras), text).toEqual(wantedExtras(plan, text))
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})

test('decodeRequest() reads of features exactly what was written', () => {
  const bodies = featureCase.chain((known) =>
    fc.tuple(fc.constant(known), featureBody(known), place),
  )
  const property = fc.property(bodies, ([{ plan }, body, where]) => {
    const shapes = expectRead(deep(plan), body, where)
    const wanted = plan.signature.inputs.map(({ shape }) => [body.expected.rows, ...shape.slice(1)])
    expect(shapes ?? wanted).toEqual(wanted)
  })
  fc.assert(property, { numRuns: propertyRuns(600) })
})

test('decodeRequest() reads of tensors exactly what was written', () => {
  const bodies = tensorPlan.chain((plan) => fc.tuple(fc.constant(plan), tensorBody(plan), place))
  const property = fc.property(bodies, ([plan, body, where]) => {
    const shapes = expectRead(deep(plan), body, where)
    expect(shapes ?? body.shapes).toEqual(body.shapes)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

const plainRow = fc.record(
  {
    origin: plainText,
    seats: fc.integer(),
    gust: fc.option(fc.float({ noNaN: true, noDefaultInfinity: true })),
    is_late: fc.boolean(),
  },
  { requiredKeys: ['origin', 'seats'] },
)

test('decodeFast() is sure of what printers of JSON write', () => {
  const rows = fc.array(plainRow, { minLength: 1, maxLength: 4 })
  const property = fc.property(rows, fc.option(plainText), fc.boolean(), (all, id, isSpaced) => {
    const main = all.length === 1 ? { features: all[0] } : { instances: all }
    const text = printed(id === null ? main : { ...main, request_id: id }, isSpaced)
    const body = new TextEncoder().encode(text)
    expect(expectAgreement(DECODERS, flightPlan(), body, { row: 1, room: 4 }), text).toBe(true)
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
})

const vectorPlan = planOf({
  inputs: [tensor('x', 'FP32', -1, 3)],
  features: ['a', 'b', 'c'].map((name, column) => feature({ name, tensor: 'x', column })),
})

const matrixPlan = planOf({ inputs: [tensor('x', 'INT64', -1, 2, 2)] })

test.each([
  ['named', flightPlan(), '{"features":{"origin":"EWR","seats":149,"is_late":true,"gust":null}}'],
  ['positional', flightPlan(), '{"request_id":"a","features":["EWR",149,-1.5,false]}'],
  ['instances', flightPlan(), '{"instances":[["a",1,2,null],{"seats":2,"origin":""}]}'],
  ['a vector', vectorPlan, '{"features":[1,3e38,-0.5]}'],
  ['vectors', vectorPlan, '{"instances":[[1,2,3], [4,5,6]],"request_id":"a"}'],
  ['escapes', flightPlan(), '{"features":["\\ud83d\\ude00é",1,2,null]}'],
  ['a matrix', matrixPlan, '{"features":{"x":[[1,2],[3,4]]}}'],
])('decodeFast() agrees with decodeComplete() one byte away from %s', (_title, plan, text) => {
  for (const body of neighbours(text)) expectAgreement(DECODERS, plan, body, { row: 1, room: 2 })
})

const PLANS = [flightPlan(), planOf({ inputs: [tensor('x0', 'FP32', -1, -1)] })]

test('decodeRequest() answers any text at all', () => checkAnyText(DECODERS, PLANS))

test('decodeRequest() takes no longer than in proportion to the body', () => {
  checkProportion(decodeRequest, PLANS)
})

const X = [tensor('x', 'FP32', -1)]

interface WrittenAnswer {
  readonly outputs?: Readonly<Record<string, unknown>>
  readonly score?: unknown
  readonly scores?: Readonly<Record<string, unknown>>
  readonly prediction?: unknown
  readonly predictions?: readonly WrittenAnswer[]
  readonly metadata: { readonly request_id: string; readonly prediction_id: string }
}

/** The rows of an answer, whose ids are checked. */
const writtenRows = (answer: Answer): readonly WrittenAnswer[] => {
  const body = parseExactly(String(textOf(encodeResponse(answer)))) as WrittenAnswer
  expect(body.metadata.request_id).toBe(answer.requestId ?? 'ours-1')
  expect(body.metadata.prediction_id).toBe('ours-1')
  const rows = answer.isBatch ? body.predictions! : [body]
  expect(rows).toHaveLength(answer.rows)
  return rows
}

/** Lengths of lists within lists, along the first branch. */
const sizesOf = (value: unknown): number[] =>
  Array.isArray(value) ? [value.length, ...sizesOf(value[0])] : []

test('encodeResponse() writes outputs to the last bit, each row in its shape', () => {
  const plans = fc.oneof(
    signaturesOf('y', rowShapes).map((outputs) => planOf({ inputs: X, outputs })),
    signaturesOf('y', wholeShapes).map((outputs) => planOf({ inputs: X, outputs, rowsMax: 0 })),
  )
  const property = fc.property(plans.chain(answersOf), (answer) => {
    const rows = writtenRows(answer)
    for (const [index, { name }] of answer.plan.signature.outputs.entries()) {
      const result = answer.results[index]!
      const values = rows.map(({ outputs }) => outputs![name])
      expect(bitsOf(readAs(values, result.datatype))).toBe(bitsOf(ownPart(answer, result)))
      const inner = answer.plan.rowsMax === 0 ? result.shape : result.shape.slice(1)
      if (inner.includes(0)) continue
      const isSingle = inner.length === 1 && inner[0] === 1
      for (const value of values) expect(sizesOf(value)).toEqual(isSingle ? [] : inner)
    }
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})

/** Element `column` of each row of the request. */
const columnOf = (answer: Answer, result: Tensor, column: number): Tensor['data'] => {
  const own = ownPart(answer, result)
  const width = own.length / answer.rows
  return (own as Float32Array).filter((_, i) => i % width === column)
}

const NUMERIC = DATATYPES.filter((datatype) => datatype !== 'BYTES' && datatype !== 'BOOL')

const CLASSES = ['a', 'b', 'c']

const taskPlans = fc
  .tuple(
    fc.constantFrom<Partial<Manifest>>(
      { task: 'binary' },
      { task: 'binary', threshold: 0.5, classes: ['no', 'yes'] },
      { task: 'multiclass', classes: CLASSES },
      { task: 'regression' },
    ),
    signaturesOf('y', fc.constant([-1, 3]), NUMERIC, 1),
    fc.nat({ max: 2 }),
  )
  .map(([task, outputs, column]) => {
    const manifest = { ...task, score: { output: 'y0', column } }
    return planOf({ inputs: X, outputs, manifest })
  })

test('encodeResponse() writes scores to the last bit', () => {
  const property = fc.property(taskPlans.chain(answersOf), (answer) => {
    const { task, score } = answer.plan.manifest!
    const [result] = answer.results as [Tensor]
    const rows = writtenRows(answer)
    const scores = readAs(
      rows.map((row) => row.score),
      result.datatype,
    )
    if (task !== 'multiclass') {
      expect(bitsOf(scores)).toBe(bitsOf(columnOf(answer, result, score!.column)))
      return
    }
    const all = rows.map((row) => CLASSES.map((name) => row.scores![name]))
    expect(bitsOf(readAs(all, result.datatype))).toBe(bitsOf(ownPart(answer, result)))
    for (const [i, { prediction, score: best }] of rows.entries()) {
      expect(all[i]![CLASSES.indexOf(String(prediction))]).toEqual(best)
      const own = readAs(all[i], result.datatype) as Float64Array
      expect(own.every((each) => each <= (scores[i] as number))).toBe(true)
    }
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})

test('encodeResponse() refuses what JSON cannot carry, of the rows of the request', () => {
  checkNotFinite(encodeResponse)
})

test('encodeError() is JSON for any text', () => {
  const property = fc.property(anyUnits, anyUnits, anyUnits, (detail, pointer, id) => {
    const { body } = encodeError(refuse('INPUT_UNKNOWN', detail, [{ pointer, detail }]), id)
    const wanted = { detail, errors: [{ pointer, detail }], ...(id && { request_id: id }) }
    expect(JSON.parse(body)).toMatchObject(wanted)
  })
  fc.assert(property)
})
