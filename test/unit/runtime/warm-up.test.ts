import { expect, test } from 'vitest'
import { createSession } from '../../../src/runtime/session.ts'
import type { Session } from '../../../src/runtime/session-types.ts'
import { warmUp } from '../../../src/runtime/warm-up.ts'
import type { BatchPolicy, PlannedVersion } from '../../../src/shared/epoch-plan.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import type { Tensor } from '../../../src/shared/tensor.ts'
import { gather, identity, parseNumber, scaleAdd } from '../../helpers/models.ts'

const POLICY: BatchPolicy = {
  rowsMax: 8,
  mixesRequests: true,
  preferredRows: [],
  queueDelayUsMax: 0,
}

const ALONE: BatchPolicy = { ...POLICY, rowsMax: 0, mixesRequests: false }

type Planned = Parameters<typeof warmUp>[1]

const MANIFEST: Manifest = {
  digest: '',
  features: [{ name: 'a', type: 'category', tensor: 'x', column: 0, optional: true, missing: '' }],
  task: 'other',
}

/** The inputs of the runs that warming up makes, and how many of them were answered. */
const runsOf = (bytes: Uint8Array, planned: Partial<PlannedVersion> = {}) => {
  const session = createSession(bytes)
  const inputs: Tensor[] = []
  let answered = 0
  const noting: Session = {
    ...{ signature: session.signature, dispose: () => {} },
    run: (tensors) => {
      inputs.push(tensors[0]!)
      const results = session.run(tensors)
      answered++
      return results
    },
  }
  const known: Planned = { manifest: null, exampleRow: null, batching: POLICY }
  warmUp(noting, { ...known, ...planned })
  return { shapes: inputs.map(({ shape }) => shape), inputs, answered }
}

test.each([
  [
    'rows',
    scaleAdd(),
    POLICY,
    [
      [1, 3],
      [8, 3],
    ],
  ],
  [
    'text',
    identity('BYTES'),
    POLICY,
    [
      [1, 2],
      [8, 2],
    ],
  ],
  [
    'an index',
    gather(),
    POLICY,
    [
      [1, 1],
      [8, 1],
    ],
  ],
  ['a batch of one row', scaleAdd(), { ...POLICY, rowsMax: 1 }, [[1, 3]]],
  ['no row dimension', identity('FP32', []), ALONE, [[]]],
  ['a fixed shape', identity('INT64', [2, 3]), ALONE, [[2, 3]]],
  [
    'a free inner dimension',
    identity('FP32', ['N', 'M']),
    POLICY,
    [
      [1, 1],
      [8, 1],
    ],
  ],
])(
  'warmUp() runs a model of %s on one row and on a full batch',
  (_what, bytes, batching, shapes) => {
    expect(runsOf(bytes, { batching })).toMatchObject({ shapes, answered: shapes.length })
  },
)

test('warmUp() feeds the example row, so that a model that refuses made-up rows is warm too', () => {
  const planned = { manifest: MANIFEST, exampleRow: { a: '1.5' } }
  const { inputs, answered } = runsOf(parseNumber(), planned)
  expect(inputs.map(({ data }) => data)).toEqual([['1.5'], new Array(8).fill('1.5')])
  expect(answered).toBe(2)
})

test('warmUp() takes no harm from a model that refuses the row', () => {
  expect(runsOf(parseNumber())).toMatchObject({ shapes: [[1, 1]], answered: 0 })
})
