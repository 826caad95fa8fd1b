import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  fullBatch,
  type LiveRuns,
  type PlacementAsked,
  type PlacementFigures,
  type PlacementHost,
  placeVersion,
  runUsAt,
  shortageOf,
} from '../../../src/runtime/placement.ts'

const GIB = 2 ** 30

const small: PlacementFigures = {
  runUsByRows: [
    [1, 10],
    [2, 12],
    [64, 200],
    [128, 3200],
  ],
  rowsMax: 64,
  memoryBytes: 2 ** 20,
  gpus: [],
}
const AUTO: PlacementAsked = { wish: 'auto', instances: null }
const host: PlacementHost = {
  ...{ replicas: 2, dataThreads: 2, computeThreads: 3 },
  sessionBytesMax: GIB,
}
const live = (rows: number, us: number, runs = 100): LiveRuns => ({
  ...{ runs, rows: rows * runs, seconds: (us * runs) / 1e6 },
})

test.each<
  readonly [
    string,
    Partial<PlacementFigures>,
    Partial<PlacementAsked>,
    Partial<PlacementHost>,
    string,
  ]
>([
  ['a small model', {}, {}, {}, 'inline: a batch of 64 rows takes 0.20 ms'],
  [
    'one whose full batch is slow',
    { rowsMax: 128 },
    {},
    {},
    'pooled: a batch of 128 rows takes 3.2 ms; inline is for less than 1.0 ms; 3 sessions in each replica',
  ],
  [
    'one just at the limit',
    { runUsByRows: [[1, 1000]], rowsMax: 0 },
    {},
    {},
    'pooled: a run takes 1.0 ms; inline is for less than 1.0 ms; 3 sessions in each replica',
  ],
  ['one that runs alone', { rowsMax: 0 }, {}, {}, 'inline: a run takes 0.010 ms'],
  [
    'one of which nothing is known',
    { runUsByRows: [] },
    {},
    {},
    'pooled: how long a run takes is not known, as it refused every made-up row; 3 sessions in each replica',
  ],
  [
    'a large one',
    { memoryBytes: GIB / 3 },
    {},
    {},
    'pooled: 4 sessions of 342 MiB, one for each data thread, are more than the 1024 MiB that a version may take; 1 session in each replica',
  ],
  [
    'one larger than the memory for it',
    { memoryBytes: 3 * GIB },
    {},
    {},
    'pooled: 4 sessions of 3072 MiB, one for each data thread, are more than the 1024 MiB that a version may take; 1 session in each replica',
  ],
  [
    'one for a GPU',
    { gpus: [0] },
    { wish: 'inline' },
    {},
    'pooled: it runs on GPU 0, which no data thread may wait for; 1 session in each replica',
  ],
  [
    'one for several GPUs, with a session for each',
    { gpus: [1, 0], memoryBytes: 4 * GIB },
    {},
    {},
    'pooled: it runs on GPUs 1, 0, which no data thread may wait for; 2 sessions in each replica',
  ],
  [
    'one for a GPU that wants more sessions than there are compute threads',
    { gpus: [0, 0] },
    { instances: 4 },
    {},
    'pooled: it runs on GPU 0, which no data thread may wait for; 3 sessions in each replica',
  ],
  [
    'a small one that is pinned',
    {},
    { wish: 'pooled', instances: 2 },
    {},
    'pooled: as its settings ask; a batch of 64 rows takes 0.20 ms; 2 sessions in each replica',
  ],
  [
    'a slow one that is pinned',
    { rowsMax: 128 },
    { wish: 'inline' },
    {},
    'inline: as its settings ask; a batch of 128 rows takes 3.2 ms',
  ],
  [
    'a count, which pins nothing',
    {},
    { instances: 2 },
    {},
    'inline: a batch of 64 rows takes 0.20 ms',
  ],
  [
    'more instances than threads',
    { rowsMax: 128 },
    { instances: 8 },
    {},
    'pooled: a batch of 128 rows takes 3.2 ms; inline is for less than 1.0 ms; 3 sessions in each replica',
  ],
  [
    'one for a GPU without compute threads, which no replica will load',
    { gpus: [0] },
    {},
    { computeThreads: 0 },
    'pooled: it runs on GPU 0, which no data thread may wait for; 1 session in each replica',
  ],
  [
    'a slow one without compute threads',
    { rowsMax: 128 },
    { wish: 'pooled' },
    { computeThreads: 0 },
    'inline: there are no compute threads',
  ],
])('placeVersion() of %s', (_, figures, asked, surroundings, reason) => {
  const placement = placeVersion(
    { ...small, ...figures },
    { ...AUTO, ...asked },
    { ...host, ...surroundings },
  )
  const instances = Number(/(\d+) sessions? in each/.exec(reason)?.[1] ?? 0)
  expect(placement).toEqual({ kind: reason.split(':')[0], instances, reason })
})

test.each([
  ['all that are asked for', 2, [0, 1], null, null],
  ['fewer, on one GPU', 1, [0, 0], 2, 'it has 1 session in each replica: 2 are asked for'],
  [
    'fewer than GPUs',
    ...([1, [0, 1], null] as const),
    'it has 1 session in each replica, and none on GPU 1: 2 are asked for, and server.compute_threads is 1',
  ],
  [
    'as many as are asked for, and fewer than GPUs',
    ...([2, [2, 1, 0, 1], 2] as const),
    'it has 2 sessions in each replica, and none on GPU 0: so many are asked for',
  ],
  ['fewer, of the CPU', 3, [], 8, ': 8 are asked for, and server.compute_threads is 3'],
  ['what nobody asked for', 3, [], null, null],
  ['one for each data thread', 0, [], 8, null],
] as const)('shortageOf() with %s', (_, instances, gpus, said, expected) => {
  const kind = instances === 0 ? 'inline' : 'pooled'
  const shortage = shortageOf({ kind, instances, reason: '' }, gpus, said)
  if (expected === null) expect(shortage).toBe(null)
  else expect(shortage).toContain(expected)
})

test('placeVersion() believes live runs more than the proving run, whatever their sizes', () => {
  // A tenth of what was proved, and ten times as much, at two rows.
  expect(placeVersion({ ...small, rowsMax: 128 }, AUTO, host, live(2, 1.2))).toEqual({
    ...{ kind: 'inline', instances: 0 },
    reason: 'inline: a batch of 128 rows takes, as it serves, 0.32 ms',
  })
  expect(placeVersion(small, AUTO, host, live(2, 120))).toMatchObject({
    kind: 'pooled',
    reason: expect.stringContaining('a batch of 64 rows takes, as it serves, 2.0 ms'),
  })
  const unknown = { ...small, runUsByRows: [] }
  expect(placeVersion(unknown, AUTO, host, live(2, 120))).toMatchObject({
    reason: 'inline: a run takes, as it serves, 0.12 ms',
  })
})

test('runUsAt() is what was measured, and straight in between', () => {
  expect([1, 2, 64, 128].map((rows) => runUsAt(small, rows))).toEqual([10, 12, 200, 3200])
  expect(runUsAt(small, 0.5)).toBe(10)
  expect(runUsAt(small, 1.5)).toBe(11)
  expect(runUsAt(small, 96)).toBe(1700)
  expect(runUsAt(small, 256)).toBe(6400)
  expect(runUsAt({ ...small, runUsByRows: [] }, 1)).toBeNaN()
})

test('fullBatch() takes the largest measured size that may be formed', () => {
  expect(fullBatch({ ...small, rowsMax: 100 }, null)).toMatchObject({ rows: 64, us: 200 })
  expect(fullBatch({ ...small, rowsMax: 1 }, null)).toMatchObject({ rows: 1, us: 10 })
  expect(fullBatch({ ...small, runUsByRows: [] }, null)).toBeNull()
  expect(fullBatch(small, live(1, 1, 0))).toMatchObject({ us: 200, isLive: false })
})

const anyFigures = fc.record({
  runUsByRows: fc
    .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 9000 })), {
      selector: ([rows]) => rows,
      maxLength: 6,
    })
    .map((runs) => runs.sort(([a], [b]) => a - b)),
  rowsMax: fc.integer({ min: 0, max: 256 }),
  memoryBytes: fc.integer({ min: 0, max: 2 ** 32 }),
  gpus: fc.array(fc.nat(3), { maxLength: 9 }),
})
const anyHost = fc.record({
  replicas: fc.integer({ min: 1, max: 4 }),
  dataThreads: fc.integer({ min: 1, max: 8 }),
  computeThreads: fc.integer({ min: 0, max: 8 }),
  sessionBytesMax: fc.integer({ min: 0, max: 2 ** 33 }),
})
const anyAsked = fc.record({
  wish: fc.constantFrom<PlacementAsked['wish']>('auto', 'inline', 'pooled'),
  instances: fc.option(fc.integer({ min: 1, max: 16 })),
})
const anyLive = fc.option(
  fc.tuple(fc.integer({ min: 1, max: 256 }), fc.integer({ min: 1, max: 9000 })),
)

test('placeVersion() never moves inline what takes longer or has less room', () => {
  const scaled = (figures: PlacementFigures, factor: number): PlacementFigures => ({
    ...figures,
    runUsByRows: figures.runUsByRows.map(([rows, us]) => [rows, us * factor]),
    memoryBytes: figures.memoryBytes * factor,
  })
  fc.assert(
    fc.property(anyFigures, anyAsked, anyHost, anyLive, (figures, asked, surroundings, runs) => {
      const now = runs === null ? null : live(...runs)
      const before = placeVersion(figures, asked, surroundings, now)
      const slower = now === null ? null : { ...now, seconds: now.seconds * 2 }
      const after = placeVersion(
        scaled(figures, runs === null ? 2 : 1),
        asked,
        surroundings,
        slower,
      )
      if (before.kind === 'pooled') expect(after.kind).toBe('pooled')
      const less = { ...surroundings, sessionBytesMax: surroundings.sessionBytesMax / 2 }
      if (before.kind === 'pooled') {
        expect(placeVersion(figures, asked, less, now).kind).toBe('pooled')
      }
    }),
  )
})

test('placeVersion() obeys a pin wherever it can be, and has an instance for every thread at most', () => {
  fc.assert(
    fc.property(anyFigures, anyAsked, anyHost, (figures, asked, surroundings) => {
      const { kind, instances, reason } = placeVersion(figures, asked, surroundings)
      const isGpu = figures.gpus.length > 0
      const instancesMax = Math.max(1, surroundings.computeThreads)
      if (isGpu) expect(kind).toBe('pooled')
      else if (surroundings.computeThreads === 0) expect(kind).toBe('inline')
      else if (asked.wish !== 'auto') expect(kind).toBe(asked.wish)
      expect(instances).toBeGreaterThanOrEqual(kind === 'pooled' ? 1 : 0)
      expect(instances).toBeLessThanOrEqual(kind === 'pooled' ? instancesMax : 0)
      expect(reason).toMatch(new RegExp(`^${kind}: \\S`))
      expect(reason).not.toMatch(/NaN|undefined|Infinity/)
    }),
  )
})
