import { expect, test } from 'vitest'
import { decodeRequest } from '../../../../../src/server/protocols/oip/oip-json.ts'
import { decodeWith, planOf, tensor } from '../../../../helpers/variant-plans.ts'

const plan = planOf({
  inputs: [tensor('x', 'FP32', -1)],
  outputs: [tensor('label', 'BYTES', -1), tensor('p', 'FP32', -1, 2)],
})
const inputs = [{ name: 'x', shape: [1], datatype: 'FP32', data: [1] }]

const ask = (body: object) => decodeWith(decodeRequest, plan, JSON.stringify({ inputs, ...body }))

const named = (name: string, parameters?: object) => ({ name, parameters })
const binary = { parameters: { binary_data_output: true } }

/** body, output by output: index, whether as bytes, classes */
const ASKED: readonly (readonly [
  object,
  readonly (readonly [number, boolean, number])[] | null,
])[] = [
  [{}, null],
  [{ outputs: [] }, null],
  [
    binary,
    [
      [0, true, 0],
      [1, true, 0],
    ],
  ],
  [
    { ...binary, outputs: [] },
    [
      [0, true, 0],
      [1, true, 0],
    ],
  ],
  [{ parameters: { binary_data_output: false, timeout: 9, priority: 1, custom: [1] } }, null],
  [
    { outputs: [named('p'), named('label')] },
    [
      [1, false, 0],
      [0, false, 0],
    ],
  ],
  [
    { outputs: [named('p', { binary_data: true }), named('label')] },
    [
      [1, true, 0],
      [0, false, 0],
    ],
  ],
  [
    { ...binary, outputs: [named('p', { binary_data: false }), named('label')] },
    [
      [1, false, 0],
      [0, true, 0],
    ],
  ],
  [{ outputs: [named('p', { classification: 3 })] }, [[1, false, 3]]],
  [{ ...binary, outputs: [named('p', { classification: 2 })] }, [[1, true, 2]]],
  [{ outputs: [named('label', { classification: 0 })] }, [[0, false, 0]]],
  [{ parameters: { sequence_id: 0, sequence_start: false, shared_memory_region: '' } }, null],
]

test.each(ASKED)('readOutputs() of %j', (body, wanted) => {
  const { refusal, decoded } = ask(body)
  expect(refusal).toBeNull()
  const all = wanted?.map(([index, isBinary, classes]) => ({ index, isBinary, classes })) ?? null
  expect(decoded.outputs).toEqual(all)
})

/** body, code, pointer */
const REFUSED: readonly (readonly [object, string, string])[] = [
  [
    { parameters: { binary_data_output: 1 } },
    'REQUEST_MALFORMED',
    '/parameters/binary_data_output',
  ],
  [
    { outputs: [named('p', { binary_data: 'yes' })] },
    'REQUEST_MALFORMED',
    '/outputs/0/parameters/binary_data',
  ],
  [
    { outputs: [named('p', { classification: -1 })] },
    'REQUEST_MALFORMED',
    '/outputs/0/parameters/classification',
  ],
  [
    { outputs: [named('p', { classification: 1.5 })] },
    'REQUEST_MALFORMED',
    '/outputs/0/parameters/classification',
  ],
  [
    { outputs: [named('p', { classification: 1_000_001 })] },
    'REQUEST_MALFORMED',
    '/outputs/0/parameters/classification',
  ],
  [
    { outputs: [named('label', { classification: 1 })] },
    'TENSOR_DATATYPE_MISMATCH',
    '/outputs/0/parameters/classification',
  ],
  [
    { outputs: [named('p', { shared_memory_region: 'r' })] },
    'EXTENSION_UNSUPPORTED',
    '/outputs/0/parameters/shared_memory_region',
  ],
  [{ parameters: { sequence_id: 7 } }, 'EXTENSION_UNSUPPORTED', '/parameters/sequence_id'],
  [{ parameters: { sequence_id: 0.5 } }, 'EXTENSION_UNSUPPORTED', '/parameters/sequence_id'],
  [{ parameters: { sequence_id: 'a' } }, 'EXTENSION_UNSUPPORTED', '/parameters/sequence_id'],
  [{ parameters: { sequence_end: true } }, 'EXTENSION_UNSUPPORTED', '/parameters/sequence_end'],
  [{ outputs: [named('q', { binary_data: true })] }, 'OUTPUT_UNKNOWN', '/outputs/0'],
]

test.each(REFUSED)('readOutputs() refuses %j', (body, code, pointer) => {
  const { refusal } = ask(body)
  expect(refusal?.code).toBe(code)
  expect(refusal?.errors?.[0]?.pointer).toBe(pointer)
})

test('readOutputs() refuses an output twice in the words of Triton', () => {
  const { refusal } = ask({ outputs: [named('p'), named('p', { binary_data: true })] })
  expect(refusal).toMatchObject({
    code: 'OUTPUT_UNKNOWN',
    detail: "output 'p' already exists in request",
  })
})
