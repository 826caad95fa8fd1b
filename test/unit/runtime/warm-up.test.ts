import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSession } from '../../../src/runtime/session.ts'
import type { Session } from '../../../src/runtime/session-types.ts'
import { warmUp } from '../../../src/runtime/warm-up.ts'
import type { BatchPolicy, PlannedVersion } from '../../../src/shared/epoch-plan.ts'
import type { Manifest } from '../../../src/shared/manifest.ts'
import type { Tensor } from '../../../src/shared/tensor.ts'
import type { WarmupSample } from '../../../src/shared/warmup-sample.ts'
import { CountingSession, POISON } from '../../helpers/counting-session.ts'
import { gather, identity, parseNumber, scaleAdd } from '../../helpers/models.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

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
  const none = { manifest: null, exampleRow: null, warmups: [], warmupFiles: {} }
  const known: Planned = { ...none, batching: POLICY }
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

const sample = (more: Partial<WarmupSample> = {}): WarmupSample => ({
  ...{ name: 'a sample', batchSize: 2, count: 3 },
  inputs: [{ name: 'x', datatype: 'FP32', dims: [3], data: { kind: 'zero' } }],
  ...more,
})

test('warmUp() runs every sample as often as it says, after the example row', () => {
  const warmups = [sample(), sample({ batchSize: 1, count: 1 })]
  const { shapes } = runsOf(scaleAdd(), { warmups })
  expect(shapes.slice(2)).toEqual([
    [2, 3],
    [2, 3],
    [2, 3],
    [1, 3],
  ])
})

/** Warms a session of our own up with samples; what became of it. */
const warmedWith = (warmups: readonly WarmupSample[], warmupFiles: Planned['warmupFiles'] = {}) => {
  const session = new CountingSession([3])
  const rest = { manifest: null, exampleRow: null, batching: POLICY }
  const warm = () => warmUp(session, { ...rest, warmups, warmupFiles })
  return { session, warm }
}

const POISONED = join(makeTempDir(), 'poisoned')
writeFileSync(POISONED, new Uint8Array(new Float32Array([0, POISON, 0]).buffer))
const FILE = sample({
  inputs: [{ name: 'x', datatype: 'FP32', dims: [3], data: { kind: 'file', file: 'some/poison' } }],
})
const SHA256 = createHash('sha256').update(readFileSync(POISONED)).digest('hex')

test('warmUp() lets go of a session whose sample fails, and names the sample', () => {
  const copies = { 'some/poison': { path: POISONED, sha256: SHA256 } }
  const { session, warm } = warmedWith([sample(), FILE], copies)
  expect(warm).toThrow(
    expect.objectContaining({
      code: 'WARMUP_FAILED',
      message: "The warm-up 'a sample' fails: row is poisoned at …",
    }),
  )
  expect(session.isDisposed).toBe(true)
  expect(session.runs).toEqual([1, 8, 2, 2, 2, 2])
})

test.each([
  ['has changed', { path: POISONED, sha256: 'another' }, 'has changed since it was proved'],
  ['is not there', { path: '/nowhere/at/all', sha256: SHA256 }, 'cannot be read'],
])('warmUp() relies on no copy that %s', (_, copy, what) => {
  const { session, warm } = warmedWith([FILE], { 'some/poison': copy })
  expect(warm).toThrow(
    expect.objectContaining({
      code: 'DIGEST_MISMATCH',
      message: `The copy of 'some/poison' for warm-ups ${what}`,
    }),
  )
  expect(session.isDisposed).toBe(true)
})
