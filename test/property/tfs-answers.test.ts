/** TensorFlow Serving: answers say what the model gave, to the last bit. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Answer } from '../../src/server/protocols/protocol.ts'
import {
  decodeRequest,
  encodeError,
  encodeResponse,
} from '../../src/server/protocols/tfs/tfs-json.ts'
import { refuse } from '../../src/shared/errors.ts'
import type { Tensor, TensorSignature } from '../../src/shared/tensor.ts'
import { bitsOf, place } from '../helpers/guarded-target.ts'
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
import { rowShapes, signaturesOf, wholeShapes } from '../helpers/tensor-plans.ts'
import { decodeWith, planOf, tensor } from '../helpers/variant-plans.ts'

const X = [tensor('x', 'FP32', -1)]

/** Names that TensorFlow takes for those of bytes, and others. */
const outputsOf = (shapes: fc.Arbitrary<number[]>): fc.Arbitrary<TensorSignature[]> =>
  fc
    .tuple(signaturesOf('y', shapes), fc.constantFrom('', '_bytes'))
    .map(([outputs, suffix]) =>
      outputs.map((output) => ({ ...output, name: `${output.name}${suffix}` })),
    )

const answers: fc.Arbitrary<Answer> = fc
  .oneof(
    outputsOf(rowShapes).map((outputs) => planOf({ inputs: X, outputs })),
    outputsOf(wholeShapes).map((outputs) => planOf({ inputs: X, outputs, rowsMax: 0 })),
  )
  .chain(answersOf)
  .map((answer) => ({ ...answer, outputs: null }))

/** Text in Base64 as the text that it stands for. */
const plain = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null || !('b64' in value)) return value
  return Buffer.from(String(value.b64), 'base64').toString()
}

/** Lengths of lists within lists, along the first branch. */
const sizesOf = (value: unknown): number[] =>
  Array.isArray(value) ? [value.length, ...sizesOf(value[0])] : []

interface WrittenAnswer {
  readonly predictions?: readonly unknown[]
  readonly outputs?: unknown
}

/** By output: the values of all rows, or the one of the whole. */
const writtenValues = (answer: Answer, body: WrittenAnswer): unknown[][] => {
  expect(Object.keys(body)).toEqual([answer.isBatch ? 'predictions' : 'outputs'])
  const all = body.predictions ?? [body.outputs]
  const { outputs } = answer.plan.signature
  if (outputs.length === 1) return [all.map(plain)]
  return outputs.map(({ name }) =>
    all.map((each) => plain((each as Record<string, unknown>)[name])),
  )
}

/** The shape of what is written of a result. */
const writtenShape = ({ plan, isBatch, rows }: Answer, { shape }: Tensor): readonly number[] => {
  const hasRows = plan.rowsMax > 0
  if (!isBatch) return hasRows ? [rows, ...shape.slice(1)] : shape
  return hasRows || shape[0] === 1 ? shape.slice(1) : shape
}

test('encodeResponse() writes every element to the last bit, each row in its shape', () => {
  const property = fc.property(answers, (answer) => {
    const text = String(textOf(encodeResponse(answer)))
    const all = writtenValues(answer, parseExactly(text) as WrittenAnswer)
    for (const [index, values] of all.entries()) {
      const result = answer.results[index]!
      if (answer.isBatch) expect(values).toHaveLength(answer.rows)
      expect(bitsOf(readAs(values, result.datatype))).toBe(bitsOf(ownPart(answer, result)))
      const shape = writtenShape(answer, result)
      if (!shape.includes(0)) for (const value of values) expect(sizesOf(value)).toEqual(shape)
    }
    // Of floats, whole numbers too have a point or an exponent.
    const areFloats = answer.results.every(({ datatype }) => datatype.startsWith('FP'))
    if (areFloats) expect(text).not.toMatch(/[[:,]-?\d+[\],}]/)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

test('decodeRequest() gives back what encodeResponse() wrote', () => {
  const property = fc.property(answers, place, (answer, where) => {
    if (answer.results.some(({ shape }) => shape.includes(0))) return
    const { signature, rowsMax } = answer.plan
    const plan = planOf({ inputs: signature.outputs, rowsMax })
    const written = String(textOf(encodeResponse(answer)))
    const body = written
      .replace(/^\{"predictions"/, '{"instances"')
      .replace(/^\{"outputs"/, '{"inputs"')
    const { refusal, values, decoded } = decodeWith(
      decodeRequest,
      plan,
      body,
      plan.rowStrides === null ? { row: 0, room: 0 } : where,
    )
    expect(refusal, body).toBeNull()
    const own = answer.results.map((result) => ownPart(answer, result))
    expect(values).toEqual(own.map((data) => Array.from(data as ArrayLike<unknown>)))
    expect(decoded.isBatch).toBe(answer.isBatch)
  })
  fc.assert(property, { numRuns: propertyRuns(500) })
})

test('encodeResponse() refuses what JSON cannot carry, of the rows of the request', () => {
  checkNotFinite(encodeResponse)
})

test('encodeError() is JSON for any text', () => {
  const property = fc.property(anyUnits, (detail) => {
    expect(JSON.parse(encodeError(refuse('INPUT_UNKNOWN', detail)).body)).toEqual({ error: detail })
  })
  fc.assert(property)
})
