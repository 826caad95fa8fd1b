/**
 * Whatever becomes of the shipper, and whatever its disk does: every record that is whole in a
 * segment ends up in one Parquet file, every gap in one file of gaps, and a segment is there until
 * both are.
 *
 * Every call is failed and every fault tried where `SLUICE_TEST_RUNS_FACTOR` is above 1.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FileCalls } from '../../src/records/spool/file-calls.ts'
import { verifyRecords } from '../../src/records/verify.ts'
import { type FailingFiles, failingFiles, nthFailure } from '../helpers/failing-files.ts'
import { entriesFrame, record, records } from '../helpers/records/frames.ts'
import {
  layoutFrame,
  ROOT,
  ShippingWorld,
  SPOOL,
  STATE,
} from '../helpers/records/shipping-world.ts'
import { gapEntry } from '../helpers/ring-entries.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { HEADER, SEAL } from '../helpers/segments.ts'

const HOUR_MS = 3_600_000

/** What happens before the shipper goes on: three moments of the life of a replica. */
const STAGES: readonly ((world: ShippingWorld) => void)[] = [
  (world) => {
    world.alive.add(HEADER.process.pid)
    world.put({}, [layoutFrame(), records(1, 3)])
  },
  (world) => {
    const gaps = gapEntry([{ from: 4, to: 6, reason: 2 }])
    const rest = [entriesFrame([gaps, record(7)], 7), records(8, 9), SEAL]
    world.put({}, [layoutFrame(), records(1, 3), ...rest])
    world.put({ number: 2 }, [layoutFrame(), records(10, 11)])
  },
  (world) => {
    // Its spool thread was replaced, and began with what it had not given back.
    world.put({ generation: 1 }, [layoutFrame(), records(10, 13)])
    world.alive.clear()
  },
]
const RECORDS = [1, 2, 3, 7, 8, 9, 10, 11, 12, 13]
const GAPS = [{ producer: 'g7q2.1.0-3', from: 4, to: 6, reason: 'ring_full' }]

const checkAll = async (world: ShippingWorld): Promise<void> => {
  const lines = await world.lines()
  expect(lines.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(RECORDS)
  expect(await world.gaps()).toEqual(GAPS)
  expect(world.segments()).toEqual([])
  expect(world.accounts()).toMatchObject([
    { records: 10, gaps: { ring_full: 3 }, state: 'killed', taken: 13, floor: 14 },
  ])
}

const check = async (world: ShippingWorld): Promise<void> => {
  await checkAll(world)
  const paths = world.filesBelow(ROOT)
  expect(paths.filter((path) => path.endsWith('.parquet')).length).toBe(2)
  expect(paths.filter((path) => !/\.(parquet|json)$/.test(path))).toEqual([])
}

/** Runs all stages; whenever the shipper has died, `recover` is called and another one started. */
const live = async (
  world: ShippingWorld,
  calls: FileCalls,
  isDead: () => boolean,
  recover: () => void,
): Promise<void> => {
  let shipping = world.start(calls)
  for (const stage of [...STAGES, () => {}]) {
    stage(world)
    await world.run(shipping, isDead)
    if (!isDead()) continue
    recover()
    shipping = world.start()
    await world.run(shipping)
  }
  // What could not be read is looked at again after a while, and leftovers go at the next start.
  // The hour is over by then, and its files become one.
  world.nowMs += 2 * HOUR_MS
  await world.run(shipping, isDead)
  if (isDead()) recover()
  await world.run(world.start())
  await check(world)
}

const countCalls = async (): Promise<number> => {
  const world = new ShippingWorld()
  const calls = failingFiles(world.files, () => null)
  await live(
    world,
    calls,
    () => false,
    () => {},
  )
  return calls.count
}

/** Calls until the state of the shipper is replaced for the first time. */
const countToCommit = async (): Promise<number> => {
  const world = new ShippingWorld()
  const calls = failingFiles(world.files, () => null)
  const { rename } = world.files
  let count = 0
  world.files.rename = (from, to) => {
    if (to === STATE && count === 0) ({ count } = calls)
    rename.call(world.files, from, to)
  }
  STAGES[0]!(world)
  await world.run(world.start(calls))
  return count
}

const dying = (files: FileCalls, n: number, crash: 'before' | 'middle' | 'after'): FailingFiles =>
  failingFiles(files, (_, number) => (number === n ? { crash } : null))

/** Whether there is time for every call and every fault (`npm run test:full`). */
const isThorough = propertyRuns(1) > 1
const STEP = isThorough ? 1 : 11

/** One of them in turn, or all. */
const someOf = <Kind>(kinds: readonly Kind[], n: number): readonly Kind[] =>
  isThorough ? kinds : [kinds[n % kinds.length]!]

test('a shipper that is killed at any call loses nothing and ships nothing twice', async () => {
  const count = await countCalls()
  expect(count).toBeGreaterThan(100)
  for (let n = 1; n <= count; n += STEP) {
    for (const crash of someOf(['before', 'middle', 'after'] as const, n)) {
      const world = new ShippingWorld()
      const calls = dying(world.files, n, crash)
      let isRecovered = false
      const isDead = () => calls.isCrashed && !isRecovered
      const recover = () => {
        isRecovered = true
        world.files.kill()
      }
      await live(world, calls, isDead, recover)
    }
  }
})

test('nor when it is killed again and again, and never comes to a commit', async () => {
  const count = await countCalls()
  const crash = fc.constantFrom('before' as const, 'middle' as const, 'after' as const)
  // Most of them before the first commit.
  const first = await countToCommit()
  const before = fc.integer({ min: Math.ceil(first / 2), max: first - 1 })
  const number = fc.oneof({ weight: 9, arbitrary: before }, fc.integer({ min: 1, max: count }))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(number, crash), { maxLength: 60 }), async (kills) => {
      const world = new ShippingWorld()
      const left = [...kills]
      const start = () => {
        const [n, how] = left.shift() ?? [Number.POSITIVE_INFINITY, 'before' as const]
        const calls = dying(world.files, n, how)
        return { calls, shipping: world.start(calls) }
      }
      let life = start()
      const runOn = async (): Promise<void> => {
        await world.run(life.shipping, () => life.calls.isCrashed)
        if (!life.calls.isCrashed) return
        world.files.kill()
        life = start()
        await runOn()
      }
      for (const stage of [...STAGES, () => {}, () => {}]) {
        stage(world)
        await runOn()
        // For what has waited, or could not be read.
        world.nowMs += HOUR_MS
        await runOn()
      }
      await checkAll(world)
      const report = await verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: () => false })
      expect(report).toMatchObject({ ok: true, producers: [{ present: 10 }] })
    }),
    { numRuns: propertyRuns(30) },
  )
})

test('nor when power fails with it, whatever is on the disk of what was not synced', async () => {
  const count = await countCalls()
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: count }),
      fc.constantFrom('before' as const, 'middle' as const, 'after' as const),
      fc.infiniteStream(fc.boolean()),
      async (n, crash, survives) => {
        const world = new ShippingWorld()
        const calls = dying(world.files, n, crash)
        let isRecovered = false
        await live(
          world,
          calls,
          () => calls.isCrashed && !isRecovered,
          () => {
            isRecovered = true
            world.files.failPower(() => survives.next().value!)
          },
        )
      },
    ),
    { numRuns: propertyRuns(20) },
  )
})

test('a call that fails once, whichever, harms nothing', async () => {
  const count = await countCalls()
  for (let n = 1; n <= count; n += STEP) {
    for (const errno of someOf(['EIO', 'ENOSPC', 'short'] as const, n)) {
      const world = new ShippingWorld()
      await live(
        world,
        nthFailure(world.files, n, errno),
        () => false,
        () => {},
      )
    }
  }
})

test('a disk that is full for hours holds it up and harms nothing', async () => {
  const count = await countCalls()
  for (let n = 1; n <= count; n += 2 * STEP) {
    const world = new ShippingWorld()
    const calls = failingFiles(world.files, (call, number) =>
      number >= n && world.nowMs < HOUR_MS && /write|mkdir|rename|fsync|link/.test(call)
        ? { errno: 'ENOSPC' }
        : null,
    )
    await live(
      world,
      calls,
      () => false,
      () => {},
    )
  }
})
