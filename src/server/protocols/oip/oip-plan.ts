/** What a variant plan means for the usual request of the Open Inference Protocol. */

import { quoted } from '../../json/text-scanner.ts'
import { numberBounds } from '../element.ts'
import type { AskedOutput } from '../protocol.ts'
import type { VariantParts } from '../variant-parts.ts'

export interface OipPlan {
  /** Name and datatype of the one input with their quotes, as JSON bytes. */
  readonly name: Uint8Array
  readonly datatype: Uint8Array
  /** Elements of a row, and its shape. */
  readonly stride: number
  readonly inner: readonly number[]
  /** Largest magnitude that stays finite in the tensor. */
  readonly magnitudeMax: number
}

/** Containers of the deepest body that the fast decoder reads: a matrix in lists of rows. */
const FAST_DEPTH = 5

/** null where requests are not of one float input with rows of a fixed size, and elements. */
export const compileOip = ({
  signature,
  rowStrides,
  jsonDepthMax,
}: VariantParts): OipPlan | null => {
  const [input] = signature.inputs
  if (input === undefined || signature.inputs.length > 1) return null
  if (rowStrides === null || rowStrides[0] === 0 || jsonDepthMax < FAST_DEPTH) return null
  if (input.datatype !== 'FP32' && input.datatype !== 'FP64') return null
  return {
    name: quoted(input.name),
    datatype: quoted(input.datatype),
    stride: rowStrides[0]!,
    inner: input.shape.slice(1),
    magnitudeMax: numberBounds(input.datatype)[1],
  }
}

/** What answers of the Open Inference Protocol hold, whatever they answer. */
export interface OipAnswer {
  /** `{"model_name":"...","model_version":"..."` */
  readonly head: string
  /** By output: `{"name":"..."` */
  readonly outputs: readonly string[]
  /** What is shown unless it is said otherwise. */
  readonly all: readonly AskedOutput[]
}

export const compileOipAnswer = ({ endpoint, version, signature }: VariantParts): OipAnswer => ({
  head: `{"model_name":${JSON.stringify(endpoint)},"model_version":"${version}"`,
  outputs: signature.outputs.map(({ name }) => `{"name":${JSON.stringify(name)}`),
  all: signature.outputs.map((_, index) => ({ index, isBinary: false, classes: 0 })),
})
