/** What must hold for every wire format with a fast and a complete decoder, whatever the body. */

import fc from 'fast-check'
import { expect } from 'vitest'
import type { Decoded, DecodeRequest, RowTarget } from '../../src/server/protocols/protocol.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import { ERRORS, type Refusal } from '../../src/shared/errors.ts'
import { elementCount } from '../../src/shared/tensor.ts'
import { perhapsDamaged } from './damaged-json.ts'
import {
  expectWithin,
  GUARDS,
  guardedTarget,
  outcomeOf,
  type Place,
  place,
} from './guarded-target.ts'
import { expectProportional, GROWTH } from './proportion.ts'
import { propertyRuns } from './seeds.ts'
import { emptyDecoded } from './variant-plans.ts'

export interface Decoders {
  /** Whether it was sure of the body. */
  readonly fast: (
    body: Uint8Array,
    plan: VariantPlan,
    target: RowTarget,
    decoded: Decoded,
  ) => boolean
  readonly complete: DecodeRequest
  /** What requests go through. */
  readonly decodeRequest: DecodeRequest
}

const onSlow = (): void => {}

/** Statuses of requests that are wrong in themselves. 413: a shape asks for too many strings. */
const STATUSES: readonly number[] = [400, 413, 415]

/** Whether everything but the last part of a JSON pointer leads somewhere. */
const leadsSomewhere = (root: unknown, pointer: string): boolean => {
  const parts = pointer.split('/').slice(1, -1)
  let at = root
  for (const part of parts) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false
    at = (at as Record<string, unknown>)[key]
  }
  return pointer === '' || (typeof at === 'object' && at !== null)
}

/** A refusal is listed, says something, and points into the body. */
export const expectClear = ({ code, detail, errors }: Refusal, body: Uint8Array): void => {
  expect(STATUSES).toContain(ERRORS[code].http)
  expect(detail.isWellFormed() && detail.length > 0, detail).toBe(true)
  if (errors === undefined) return
  const root: unknown = JSON.parse(new TextDecoder().decode(body))
  const lost = errors.find(({ pointer }) => !leadsSomewhere(root, pointer))
  expect(lost).toBeUndefined()
}

const KEY = /"(?:[^"\\]|\\.)*"(\s*:)?/gs

const keyCount = (value: unknown): number => {
  if (typeof value !== 'object' || value === null) return 0
  const inner = Object.values(value).reduce((sum, each) => sum + keyCount(each), 0)
  return Array.isArray(value) ? inner : inner + Object.keys(value).length
}

/** The body is JSON of whole characters that names no key twice: `JSON.parse` is less strict. */
const expectStrict = (body: Uint8Array): void => {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  const keys = [...text.matchAll(KEY)].filter(([, colon]) => colon !== undefined)
  const value: unknown = JSON.parse(text, (key, each: unknown) => {
    expect(key.isWellFormed() && (typeof each !== 'string' || each.isWellFormed()), text).toBe(true)
    return each
  })
  expect(keyCount(value), text).toBe(keys.length)
}

/**
 * The fast decoder refuses nothing and writes nowhere else; what it is sure of, the complete one
 * reads too, the same to the last bit; and a request gets what the complete one says. True when
 * the fast one was sure.
 */
export const expectAgreement = (
  { fast, complete, decodeRequest }: Decoders,
  plan: VariantPlan,
  body: Uint8Array,
  place: Place,
): boolean => {
  const [target, decoded] = [guardedTarget(plan, place), emptyDecoded()]
  const refusal = complete(body, plan, target, decoded, onSlow)
  const isInPlace = refusal === null && decoded.tensors === null
  expectWithin(plan, target, isInPlace ? decoded.rows : 0)
  if (refusal === null) expectStrict(body)
  else expectClear(refusal, body)
  for (const { shape, data } of decoded.tensors ?? []) {
    expect(data.length).toBe(elementCount(shape))
  }
  const wanted = refusal ?? outcomeOf(plan, target, decoded)

  const [fastTarget, fastDecoded] = [guardedTarget(plan, place), emptyDecoded()]
  const isSure = fast(body, plan, fastTarget, fastDecoded)
  expectWithin(plan, fastTarget, isSure ? fastDecoded.rows : fastTarget.room)
  if (isSure) expect(outcomeOf(plan, fastTarget, fastDecoded)).toEqual(wanted)

  const [, other] = GUARDS
  const [ownTarget, ownDecoded] = [guardedTarget(plan, place, other), emptyDecoded()]
  const answer = decodeRequest(body, plan, ownTarget, ownDecoded, onSlow)
  expectWithin(plan, ownTarget, ownTarget.room, other)
  expect(answer ?? outcomeOf(plan, ownTarget, ownDecoded)).toEqual(wanted)
  // A refusal too is answered with the id.
  expect(ownDecoded.bodyId).toBe(decoded.bodyId)
  return isSure
}

/** Both agree on bodies made for a plan. `cases`: each with its plan. */
export const checkAgreement = (
  decoders: Decoders,
  cases: fc.Arbitrary<[VariantPlan, Uint8Array]>,
  runs: number,
): void => {
  const property = fc.property(cases, place, ([plan, body], where) => {
    expectAgreement(decoders, plan, body, where)
  })
  fc.assert(property, { numRuns: propertyRuns(runs) })
}

/** Both agree on any text at all. */
export const checkAnyText = (decoders: Decoders, plans: readonly VariantPlan[]): void => {
  const texts = perhapsDamaged(fc.oneof(fc.json(), fc.json({ stringUnit: 'binary' }), fc.string()))
  const property = fc.property(texts, fc.constantFrom(...plans), place, (body, plan, where) => {
    expectAgreement(decoders, plan, body, where)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
}

const MARKS = new TextEncoder().encode('[]{}:,"\\ \n019.-e')

/** Every body that is one byte away: left out, put in or another. */
export function* neighbours(text: string): Generator<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  for (let at = 0; at <= bytes.length; at++) {
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at + 1)]
    yield Uint8Array.of(...head, ...tail)
    for (const mark of MARKS) {
      yield Uint8Array.of(...head, mark, ...tail)
      yield Uint8Array.of(...head, mark, ...bytes.subarray(at))
    }
  }
}

/** A body as printers write it: compact, or with a space between any two parts. */
export const printed = (body: object, isSpaced: boolean): string =>
  isSpaced ? JSON.stringify(body, null, 1).replaceAll(/\n */g, ' ') : JSON.stringify(body)

/** Where something may come again and again, and what closes it. */
const AROUND: readonly (readonly [string, string])[] = [
  ['', ''],
  ['[', ']'],
  ['{"features":[', ']}'],
  ['{"features":{', '}}'],
  ['{"features":{"origin":"', '"}}'],
  ['{"instances":[', ']}'],
  ['{"request_id":"', '"}'],
  ['{"inputs":[', ']}'],
  ['{"inputs":[{"name":"', '"}]}'],
  ['{"inputs":[{"name":"x0","datatype":"FP32","shape":[', ']}]}'],
  ['{"inputs":[{"name":"x0","shape":[3],"datatype":"FP32","data":[', ']}]}'],
  ['{"outputs":[', ']}'],
  ['{"inputs":{', '}}'],
  ['{"instances":[{"b64":"', '"}]}'],
]

/** `#` is another number each time. */
const again = fc.constantFrom(
  ...['0', '1.5', '-', '1e9', '9', 'null', 'true', '"a"', '"', '\\u0061', '\\n', 'é', ' ', '\n'],
  ...['[', ']', '{', '}', '[]', '{}', '[1]', '"k#":1', '"seats":1', '"a":', '{"x":', 'x#'],
  ...[
    '{"origin":"a","seats":1}',
    '["a",1,1,true]',
    '{"name":"x0"}',
    '{"name":"y#"}',
    '12345678901',
  ],
)

/** Bodies of any length in which something comes again and again. */
const repetitiveBodies: fc.Arbitrary<(length: number) => Uint8Array> = fc
  .tuple(fc.constantFrom(...AROUND), again, fc.constantFrom('', ','), fc.boolean())
  .map(([[start, end], unit, joint, isClosed]) => (length) => {
    const times = Math.ceil(length / (unit.length + joint.length))
    const parts = Array.from({ length: times }, (_, i) => unit.replace('#', `${i}`))
    return new TextEncoder().encode(start + parts.join(joint) + (isClosed ? end : ''))
  })

const SHORT = 32 * 1024

/** Reading takes time in proportion to the body, whatever comes again and again in it. */
export const checkProportion = (
  decodeRequest: DecodeRequest,
  plans: readonly VariantPlan[],
): void => {
  const property = fc.property(repetitiveBodies, fc.constantFrom(...plans), (bodies, plan) => {
    const reading = (body: Uint8Array) => () => {
      const [target, decoded] = [guardedTarget(plan, { row: 0, room: 4 }), emptyDecoded()]
      const refusal = decodeRequest(body, plan, target, decoded, onSlow)
      if (refusal !== null) expectClear(refusal, body)
    }
    expectProportional(reading(bodies(SHORT)), reading(bodies(SHORT * GROWTH)))
  })
  fc.assert(property, { numRuns: propertyRuns(40) })
}
