/** What can be wrong with a request of the Open Inference Protocol, whatever its form. */

import type { VariantPlan } from '../../src/server/protocols/variant-plan.ts'
import type { ErrorCode } from '../../src/shared/errors.ts'
import type { GivenInput, GivenRequest } from './wire-forms.ts'

/** The request with that fault; null: this one cannot have it. */
type Fault = (request: GivenRequest, plan: VariantPlan) => GivenRequest | null

const change = (request: GivenRequest, more: Partial<GivenInput>): GivenRequest => ({
  ...request,
  inputs: request.inputs.with(0, { ...request.inputs[0]!, ...more }),
})

/** What is wrong, and its code. */
export const REQUEST_FAULTS: readonly (readonly [string, ErrorCode, Fault])[] = [
  ['an unknown input', 'INPUT_UNKNOWN', (request) => change(request, { name: 'nosuch' })],
  [
    'a missing input',
    'INPUT_MISSING',
    (request) => ({ ...request, inputs: request.inputs.slice(1) }),
  ],
  [
    'an input twice',
    'REQUEST_MALFORMED',
    (request) => ({ ...request, inputs: [...request.inputs, request.inputs[0]!] }),
  ],
  ['another datatype', 'TENSOR_DATATYPE_MISMATCH', (request) => change(request, { told: 'FP16' })],
  [
    'a dimension more',
    'TENSOR_SHAPE_MISMATCH',
    (request) => change(request, { shape: [...request.inputs[0]!.shape, 1] }),
  ],
  [
    'a negative size',
    'TENSOR_SHAPE_MISMATCH',
    (request) => {
      const { shape } = request.inputs[0]!
      return shape.length === 0 ? null : change(request, { shape: shape.with(0, -1) })
    },
  ],
  [
    'a product of 2^60',
    'TENSOR_SHAPE_MISMATCH',
    (request) => change(request, { shape: [2 ** 30, 2 ** 30] }),
  ],
  [
    'an element less',
    'TENSOR_SHAPE_MISMATCH',
    (request) => {
      const { values } = request.inputs[0]!
      return values.length === 0 ? null : change(request, { values: values.slice(1) })
    },
  ],
  [
    'an element more',
    'TENSOR_SHAPE_MISMATCH',
    (request) => {
      const { values, datatype } = request.inputs[0]!
      const more = datatype.endsWith('64') && datatype !== 'FP64' ? 0n : 0
      return change(request, { values: [...values, datatype === 'BYTES' ? 'a' : more] })
    },
  ],
  [
    'a text with NUL',
    'INPUT_VALUE_INVALID',
    (request) => {
      const { values, datatype } = request.inputs[0]!
      if (datatype !== 'BYTES' || values.length === 0) return null
      return change(request, { values: values.with(-1, 'a\0') })
    },
  ],
  [
    'no row',
    'TENSOR_SHAPE_MISMATCH',
    (request, { rowsMax }) =>
      rowsMax === 0
        ? null
        : {
            ...request,
            inputs: request.inputs.map((input) => ({
              ...input,
              shape: input.shape.with(0, 0),
              values: [],
            })),
          },
  ],
  ['an unknown output', 'OUTPUT_UNKNOWN', (request) => ({ ...request, outputs: ['nosuch'] })],
  ['an output twice', 'OUTPUT_UNKNOWN', (request) => ({ ...request, outputs: ['y0', 'y0'] })],
]
