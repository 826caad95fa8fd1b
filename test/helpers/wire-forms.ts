/** One request of the Open Inference Protocol in all the forms that it may be sent in. */

import fc from 'fast-check'
import type { BinaryBody } from '../../src/server/protocols/protocol.ts'
import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import type { Datatype, TensorSignature } from '../../src/shared/tensor.ts'
import { binaryBody, tensorBytes } from './binary-tensors.ts'
import { elementFor } from './results.ts'
import type { Value } from './spellings.ts'
import { countOf, nestedText, sizesFor } from './tensor-plans.ts'

export interface GivenInput {
  readonly name: string
  /** That of the values, and what the request says it is. */
  readonly datatype: Datatype
  readonly told: string
  /** What the request says of its shape. */
  readonly shape: readonly number[]
  readonly values: readonly Value[]
}

export interface GivenRequest {
  readonly inputs: readonly GivenInput[]
  readonly id: string | null
  /** Names of outputs; null: the request says nothing of them. */
  readonly outputs: readonly string[] | null
}

export type Form = 'flat' | 'nested' | 'binary'

const elementText = (datatype: Datatype, value: Value): string => {
  if (datatype === 'BOOL') return value === 0 ? 'false' : 'true'
  if (typeof value === 'string') return JSON.stringify(value)
  return Object.is(value, -0) ? '-0' : `${value}`
}

/** Lists as the shape says, or, of a tensor that its shape does not fit, one list. */
const dataText = ({ datatype, shape, values }: GivenInput, isNested: boolean): string => {
  const texts = values.map((value) => elementText(datatype, value))
  const isSound = shape.every((size) => size >= 0) && countOf(shape) === values.length
  if (!isNested || !isSound) return `[${texts.join(',')}]`
  const end = shape.indexOf(0) + 1
  return nestedText(texts, end > 0 ? shape.slice(0, end) : shape, [''])
}

/** A request with each input in a form of its own; `offset`: of the body in its memory. */
export const written = (
  { inputs, id, outputs }: GivenRequest,
  forms: readonly Form[],
  offset = 0,
): BinaryBody => {
  const tails: Uint8Array[] = []
  const texts = inputs.map((input, i) => {
    const { name, told, shape } = input
    const head = `"name":${JSON.stringify(name)},"shape":${JSON.stringify(shape)},"datatype":"${told}"`
    if (forms[i] !== 'binary') return `{${head},"data":${dataText(input, forms[i] === 'nested')}}`
    const bytes = tensorBytes(input.datatype, input.values)
    tails.push(bytes)
    return `{${head},"parameters":{"binary_data_size":${bytes.length}}}`
  })
  const own = id === null ? '' : `"id":${JSON.stringify(id)},`
  const wanted = outputs?.map((name) => `{"name":${JSON.stringify(name)}}`).join(',')
  const asked = wanted === undefined ? '' : `,"outputs":[${wanted}]`
  return binaryBody(`{${own}"inputs":[${texts.join(',')}]${asked}}`, tails, offset)
}

const inputFor = (
  { name, datatype }: TensorSignature,
  shape: readonly number[],
): fc.Arbitrary<GivenInput> => {
  const count = countOf(shape)
  return fc
    .array(elementFor(datatype), { minLength: count, maxLength: count })
    .map((values) => ({ name, datatype, told: datatype, shape, values }))
}

/** Valid requests of a plan; where there are rows, `rows` of them in each input. */
export const requestsOf = (
  { signature, rowsMax }: VariantPlan,
  rows: fc.Arbitrary<number> = fc.integer({ min: 1, max: 4 }),
): fc.Arbitrary<GivenRequest> =>
  rows.chain((count) => {
    const inputs = signature.inputs.map((input) => {
      const { shape } = input
      const sizes = sizesFor(rowsMax > 0 ? [count, ...shape.slice(1)] : shape, 0)
      return sizes.chain((own) => inputFor(input, own))
    })
    const outputs = fc.shuffledSubarray(signature.outputs.map(({ name }) => name))
    return fc.record({
      inputs: fc.tuple(...inputs),
      id: fc.option(fc.string({ maxLength: 20 })),
      outputs: fc.option(outputs),
    })
  })
