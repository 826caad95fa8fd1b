/** The description of the API says what decoders take and encoders write, no more and no less. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRequest, encodeResponse } from '../../src/server/protocols/features/features-json.ts'
import * as oip from '../../src/server/protocols/oip/oip-json.ts'
import type { DecodeRequest, EncodeResponse } from '../../src/server/protocols/protocol.ts'
import * as tfs from '../../src/server/protocols/tfs/tfs-json.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import type { Refusal } from '../../src/shared/errors.ts'
import { featureBody, oddFeatureBody } from '../helpers/feature-bodies.ts'
import { featureCase } from '../helpers/feature-plans.ts'
import { oddOipBody } from '../helpers/oip-bodies.ts'
import {
  codesOf,
  describe,
  endpointOf,
  examplesOf,
  validatorOf,
  versionOf,
} from '../helpers/openapi.ts'
import { answersOf, textOf } from '../helpers/results.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { tensorBody } from '../helpers/tensor-bodies.ts'
import { tensorPlan } from '../helpers/tensor-plans.ts'
import { oddTfsBody } from '../helpers/tfs-bodies.ts'
import { perhapsWrong } from '../helpers/twisted-tokens.ts'
import { decodeWith } from '../helpers/variant-plans.ts'

/** Numbers that lose digits where a validator reads them, and halves of surrogate pairs. */
const UNREADABLE = /\d{16}|[eE][+-]?\d{3}|\\u[dD][89a-fA-F]|\ud800-\udfff/

/** The validator passes over keys of this name. */
const hasProto = ({ binding }: VariantPlan): boolean =>
  binding.features.some(({ name }) => name === '__proto__')

/** Keys of all objects of a value. */
const keysIn = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce<number>((sum, each) => sum + keysIn(each), own)
}

/** Strings, and the colon behind those that are keys. */
const STRING = /"(?:[^"\\]|\\.)*"(\s*:)?/g

/** Whether an object of a JSON text has a key twice: `value`, read from it, has fewer keys. */
const hasKeyTwice = (text: string, value: unknown): boolean => {
  const keys = [...text.matchAll(STRING)].filter(([, colon]) => colon !== undefined)
  return keys.length > keysIn(value)
}

/** What no schema can say. */
const BEYOND_SCHEMAS: readonly (string | undefined)[] = ['DUPLICATE_KEY', 'REQUEST_TOO_DEEP']

interface Judged {
  readonly refusal: Refusal | null
  /** What the schema has against the body; null: nothing. */
  readonly fault: string | null
}

type Validate = ReturnType<typeof validatorOf>

/**
 * Null for a body that is no JSON, or one that the two could not but read differently. `codes`:
 * those that the description lists.
 */
const judge = (
  decode: DecodeRequest,
  plan: VariantPlan,
  body: Uint8Array | string,
  codes: readonly string[],
  fault: (value: unknown) => string | null,
): Judged | null => {
  let text: string
  let value: unknown
  try {
    text = typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body)
    value = JSON.parse(text)
  } catch {
    return null
  }
  if (UNREADABLE.test(text) || hasProto(plan)) return null
  const { refusal } = decodeWith(decode, plan, body)
  if (refusal !== null) expect(codes).toContain(refusal.code)
  if (hasKeyTwice(text, value)) {
    // A validator is given the last value of the key; we refuse, and may find fault with the first.
    expect(refusal, text).not.toBeNull()
    return null
  }
  if (BEYOND_SCHEMAS.includes(refusal?.code)) return null
  return { refusal, fault: fault(value) }
}

/** To compile a schema takes far longer than to check a body: several for each plan. */
const BODIES = 5
type Bodies = readonly (Uint8Array | string)[]

const severalOf = <Body extends Uint8Array | string>(
  plan: VariantPlan,
  body: fc.Arbitrary<Body>,
): fc.Arbitrary<readonly [VariantPlan, Bodies]> =>
  fc.tuple(fc.constant(plan), fc.array(body, { minLength: BODIES, maxLength: BODIES }))

const checkBodies = (
  all: fc.Arbitrary<readonly [VariantPlan, Bodies]>,
  decode: DecodeRequest,
  component: string,
  check: (judged: Judged, plan: VariantPlan) => void,
): void => {
  const codes = codesOf(describe(), component.slice(0, component.indexOf('Request')))
  const property = fc.property(all, ([plan, bodies]) => {
    let validate: Validate | null = null
    const fault = (value: unknown): string | null => {
      validate ??= validatorOf(describe(endpointOf(versionOf(plan))))
      return validate(component, value)
    }
    for (const body of bodies) {
      const judged = judge(decode, plan, body, codes, fault)
      if (judged !== null) check(judged, plan)
    }
  })
  fc.assert(property, { numRuns: propertyRuns(30) })
}

const shown = ({ refusal, fault }: Judged): string => `${refusal?.detail} | ${fault}`

test('a body of features fits the schema exactly where it is taken', () => {
  const bodies = featureCase.chain((known) =>
    severalOf(
      known.plan,
      fc.oneof(
        featureBody(known).map(({ text }) => text),
        oddFeatureBody(known),
        perhapsWrong(oddFeatureBody(known)),
      ),
    ),
  )
  checkBodies(bodies, decodeRequest, 'PredictRequest.clicks', (judged) => {
    expect(judged.fault === null, shown(judged)).toBe(judged.refusal === null)
  })
})

test('a body of tensors fits the schema exactly where it is taken, but for free sizes', () => {
  const bodies = tensorPlan.chain((plan) =>
    severalOf(plan, perhapsWrong(tensorBody(plan).map(({ text }) => text))),
  )
  checkBodies(bodies, decodeRequest, 'PredictRequest.clicks', (judged, plan) => {
    const isFree = plan.signature.inputs.some(({ shape }) =>
      (plan.rowsMax === 0 ? shape : shape.slice(1)).includes(-1),
    )
    // Lists of one length, and a number of elements that fills the other sizes.
    if (isFree && judged.refusal?.code === 'TENSOR_SHAPE_MISMATCH') return
    expect(judged.fault === null, shown(judged)).toBe(judged.refusal === null)
  })
})

/** A check for bodies of which the schema takes some that are refused with one of `codes`. */
const exactBut =
  (codes: readonly string[]) =>
  (judged: Judged): void => {
    const { refusal, fault } = judged
    if (fault === null && codes.includes(refusal?.code ?? '')) return
    expect(fault === null, shown(judged)).toBe(refusal === null)
  }

test('a body of the Open Inference Protocol that is taken fits the schema', () => {
  const bodies = tensorPlan.chain((plan) => severalOf(plan, perhapsWrong(oddOipBody(plan))))
  // How many elements a shape wants, and names that stand twice: no schema compares those.
  const comparisons = ['TENSOR_SHAPE_MISMATCH', 'OUTPUT_UNKNOWN']
  checkBodies(bodies, oip.decodeRequest, 'InferRequest.clicks', exactBut(comparisons))
})

test('a body of TensorFlow Serving that is taken fits the schema', () => {
  const bodies = tensorPlan.chain((plan) => severalOf(plan, perhapsWrong(oddTfsBody(plan))))
  // Base64 that is none, or no UTF-8; and rows whose number or lengths differ.
  const beyond = ['TENSOR_SHAPE_MISMATCH', 'INPUT_VALUE_INVALID']
  checkBodies(bodies, tfs.decodeRequest, 'TfsRequest.clicks', exactBut(beyond))
})

const ENCODERS: readonly (readonly [component: string, encode: EncodeResponse])[] = [
  ['PredictAnswer.clicks', encodeResponse],
  ['InferAnswer.clicks', oip.encodeResponse],
  ['TfsAnswer.clicks', tfs.encodeResponse],
]

test('every answer fits the schema', () => {
  const answers = tensorPlan.chain((plan) => answersOf(plan))
  const property = fc.property(answers, (answer) => {
    const validate = validatorOf(describe(endpointOf(versionOf(answer.plan))))
    for (const [component, encode] of ENCODERS) {
      const text = textOf(encode(answer))
      if (typeof text === 'string') expect(validate(component, JSON.parse(text))).toBeNull()
    }
  })
  fc.assert(property, { numRuns: propertyRuns(30) })
})

const DECODERS: Readonly<Record<string, readonly [DecodeRequest, component: string]>> = {
  '/v1': [tfs.decodeRequest, 'TfsRequest.clicks'],
  '/v2': [oip.decodeRequest, 'InferRequest.clicks'],
}

test('every made-up example is taken and fits its schema', () => {
  const plans = fc.oneof(
    featureCase.map(({ plan }) => plan),
    tensorPlan,
  )
  const property = fc.property(plans, (plan) => {
    if (plan.jsonDepthMax < 10 || hasProto(plan)) return
    const document = describe(endpointOf(versionOf(plan)))
    const validate = validatorOf(document)
    for (const [path, { summary, value }] of examplesOf(document)) {
      if (path === '/feedback') continue // no row
      expect(summary).toMatch(/made-up row/)
      const [decode, component] = DECODERS[path.slice(0, 3)] ?? [
        decodeRequest,
        'PredictRequest.clicks',
      ]
      expect(decodeWith(decode, plan, JSON.stringify(value)).refusal).toBeNull()
      expect(validate(component, value)).toBeNull()
    }
  })
  fc.assert(property, { numRuns: propertyRuns(30) })
})
