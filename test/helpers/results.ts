/** Results of runs, and what answers say of them, read without losing a bit. */

import fc from 'fast-check'
import { expect } from 'vitest'
import type { Answer, EncodeResponse } from '../../src/server/protocols/protocol.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import type { Refusal } from '../../src/shared/errors.ts'
import {
  allocate,
  BIGINT_BOUNDS,
  type Datatype,
  INTEGER_BOUNDS,
  type Tensor,
  type TensorSignature,
} from '../../src/shared/tensor.ts'
import { propertyRuns } from './seeds.ts'
import { unicodeText, type Value } from './spellings.ts'
import { countOf, sizesFor } from './tensor-plans.ts'
import { answerOf, asked, planOf, tensor } from './variant-plans.ts'

const bigBetween = (low: bigint, high: bigint): fc.Arbitrary<bigint> =>
  fc.oneof(fc.bigInt({ min: low, max: high }), fc.constantFrom(low, high, 0n, 2n ** 53n + 1n))

const finite = { noNaN: true, noDefaultInfinity: true }

/** Any finite element of the datatype: -0, the smallest and the largest included. */
export const elementFor = (datatype: Datatype): fc.Arbitrary<Value> => {
  if (datatype === 'FP32') return fc.float(finite)
  if (datatype === 'FP64') return fc.double(finite)
  if (datatype === 'BYTES') return unicodeText
  const big = BIGINT_BOUNDS[datatype]
  if (big !== undefined) return bigBetween(...big)
  const [min, max] = INTEGER_BOUNDS[datatype] ?? [0, 1]
  return fc.integer({ min, max })
}

/** An array of the datatype that holds the values. */
export const dataOf = (datatype: Datatype, values: readonly Value[]): Tensor['data'] => {
  const data = allocate(datatype, values.length)
  for (const [i, value] of values.entries()) (data as Value[])[i] = value
  return data
}

export const tensorFor = (datatype: Datatype, shape: readonly number[]): fc.Arbitrary<Tensor> => {
  const count = countOf(shape)
  return fc
    .array(elementFor(datatype), { minLength: count, maxLength: count })
    .map((values) => ({ datatype, shape, data: dataOf(datatype, values) }))
}

const ids = fc.oneof(unicodeText, fc.string({ unit: 'binary' }))

/** Where the rows of a request stand within a run. */
const part = fc.record({
  rowStart: fc.nat({ max: 2 }),
  rows: fc.integer({ min: 1, max: 3 }),
  behind: fc.nat({ max: 2 }),
})

/** Answers to requests of one plan: some rows of a run, or, without rows, all of it. */
export const answersOf = (plan: VariantPlan): fc.Arbitrary<Answer> => {
  const { signature, rowsMax } = plan
  const isWhole = rowsMax === 0
  const whole = fc.constant({ rowStart: 0, rows: 1, behind: 0 })
  return (isWhole ? whole : part).chain(({ rowStart, rows, behind }) => {
    const sizes = ({ shape }: TensorSignature) =>
      isWhole ? sizesFor(shape, 0) : sizesFor([rowStart + rows + behind, ...shape.slice(1)], 1)
    const results = signature.outputs.map((output) =>
      sizes(output).chain((shape) => tensorFor(output.datatype, shape)),
    )
    return fc
      .record({
        all: fc.tuple(...results),
        requestId: fc.option(ids),
        bodyId: fc.option(ids),
        isBatch: rows > 1 ? fc.constant(true) : fc.boolean(),
        chosen: fc.option(fc.shuffledSubarray([...signature.outputs.keys()], { minLength: 1 })),
      })
      .map(({ all, chosen, ...more }) =>
        answerOf(plan, all, {
          ...more,
          outputs: chosen === null ? null : asked(...chosen),
          rowStart,
          rows,
        }),
      )
  })
}

/** Any text at all, unpaired surrogates included. */
export const anyUnits: fc.Arbitrary<string> = fc.string({
  unit: fc.nat({ max: 0xffff }).map((unit) => String.fromCharCode(unit)),
})

/** The elements of the request within a result. */
export const ownPart = ({ plan, rowStart, rows }: Answer, { shape, data }: Tensor) => {
  if (plan.rowsMax === 0) return data
  const length = data.length / shape[0]!
  return data.slice(rowStart * length, (rowStart + rows) * length)
}

/** The same answer, but for one element that JSON cannot carry. */
const spoiled = (answer: Answer, output: number, index: number, value: number): Answer => {
  const result = answer.results[output]!
  const data = result.data.slice()
  ;(data as Float32Array)[index] = value
  return { ...answer, results: answer.results.with(output, { ...result, data }) }
}

/** A number of JSON as it was written. */
export class Written {
  readonly source: string
  constructor(source: string) {
    this.source = source
  }
}

/** `JSON.parse`, but numbers stay text: 64 bits do not fit a double. */
export const parseExactly = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown, context?: { source: string }) =>
    typeof value === 'number' ? new Written(context!.source) : value,
  )

const readElement = (value: unknown, datatype: Datatype): Value => {
  if (datatype === 'BOOL' && typeof value === 'boolean') return Number(value)
  if (datatype === 'BYTES' && typeof value === 'string') return value
  if (!(value instanceof Written)) throw new Error(`${String(value)} is no ${datatype}`)
  const { source } = value
  if (datatype === 'FP32' || datatype === 'FP64') return Number(source)
  // Throws unless it is written as an integer.
  const integer = BigInt(source)
  return BIGINT_BOUNDS[datatype] === undefined ? Number(integer) : integer
}

/** Values of an answer, nested in any way, as a client reads them into an array of the datatype. */
export const readAs = (value: unknown, datatype: Datatype): Tensor['data'] => {
  const leaves = Array.isArray(value) ? value.flat(Number.POSITIVE_INFINITY) : [value]
  return dataOf(
    datatype,
    leaves.map((leaf) => readElement(leaf, datatype)),
  )
}

/** The JSON of an answer as text, whichever form it was written in; a refusal as it is. */
export const textOf = (written: ReturnType<EncodeResponse>): string | Refusal => {
  if (typeof written === 'object' && 'jsonBytes' in written) {
    return Buffer.from(written.bytes).toString('utf8', 0, written.jsonBytes)
  }
  return written instanceof Uint8Array ? Buffer.from(written).toString() : written
}

/**
 * What JSON cannot carry is refused where the answer would show it: in a row of the request, and in
 * an output that was asked for.
 */
export const checkNotFinite = (
  encodeResponse: EncodeResponse,
  isAsked: (answer: Answer, output: number) => boolean = () => true,
): void => {
  const outputs = [tensor('y0', 'FP32', -1, 2), tensor('y1', 'FP64', -1)]
  const plan = planOf({ inputs: [tensor('x', 'FP32', -1)], outputs })
  const bad = fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)
  const all = fc.tuple(answersOf(plan), fc.nat({ max: 1 }), fc.nat(), bad)
  const property = fc.property(all, ([answer, output, at, value]) => {
    const { shape, data } = answer.results[output]!
    const index = at % data.length
    const row = Math.floor((index * shape[0]!) / data.length)
    const isOwn = row >= answer.rowStart && row < answer.rowStart + answer.rows
    const body = encodeResponse(spoiled(answer, output, index, value))
    if (isOwn && isAsked(answer, output)) expect(body).toMatchObject({ code: 'OUTPUT_NOT_FINITE' })
    else expect(body).toBe(encodeResponse(answer))
  })
  fc.assert(property, { numRuns: propertyRuns(200) })
}
