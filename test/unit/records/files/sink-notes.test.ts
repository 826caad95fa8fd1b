import { expect, test } from 'vitest'
import { notedOf, publishable } from '../../../../src/records/files/sink-notes.ts'
import { HookedWorld } from '../../../helpers/records/hooked-world.ts'
import { ROOT } from '../../../helpers/records/shipping-world.ts'

const HOUR_MS = 3_600_000
const HOUR = 'endpoint=a/date=2026-01-02/hour=03'

test('notedOf() takes what is there, also of an earlier release', () => {
  const nothing = { nextNumber: 1, root: null, counted: [], lost: [] }
  expect(notedOf(null)).toEqual(nothing)
  expect(notedOf({ nextNumber: 7, root: '/r' })).toEqual({ ...nothing, nextNumber: 7, root: '/r' })
  expect(notedOf({ counted: ['a'], lost: [['b', 'c']] })).toEqual({
    ...{ ...nothing, counted: ['a'], lost: [['b', 'c']] },
  })
})

test('publishable() deletes nothing beside a new file of an intent that says no reason', () => {
  const renames = [
    [`${HOUR}/g-3.parquet.unfinished`, `${HOUR}/g-3.parquet`],
    ['_producers/p.json.unfinished', '_producers/p.json'],
  ] as const
  const others = ['endpoint=a/date=2026-01-02/hour=04/g-2.parquet', '_producers/q.json']
  const intent = { renames, deletes: [`${HOUR}/g-1.parquet`, ...others] }
  expect(publishable({ nextNumber: 4 }, intent)).toEqual({ renames, deletes: others })
  expect(publishable({ counted: [] }, intent)).toEqual(intent)
  expect(publishable(null, null)).toEqual({ renames: [], deletes: [] })
})

/** A shipper that ended when it had committed record 2 and published nothing of it. */
const killedBeforePublishing = async (): Promise<HookedWorld> => {
  const world = new HookedWorld()
  await world.ship(0, 1)
  world.hook = (call, path) => {
    if (call === 'rename' && /endpoint=.*\.parquet\.unfinished$/.test(path)) world.kill()
  }
  await world.ship(60_000, 2)
  expect(world.isKilled).toBe(true)
  world.hook = () => {}
  world.restart()
  return world
}

test('what was committed and lies on a disk that is away is there when the disk is back', async () => {
  const world = await killedBeforePublishing()
  world.files.rename(ROOT, '/data/disk')
  world.restart()
  await world.ship(120_000, 3)
  expect(world.faults.join()).toMatch(/its disk is away/)
  world.files.rename(ROOT, '/data/below')
  world.files.rename('/data/disk', ROOT)
  world.restart()
  await world.ship(180_000, 4)
  expect(await world.viewed()).toEqual([1, 2, 4])
  await world.end(4)
  expect((await world.verify()).problems).toEqual(['g7q2.1.0-3: 1 records are missing'])
})

test('nor does it need another start for that', async () => {
  const world = await killedBeforePublishing()
  world.files.rename(ROOT, '/data/disk')
  world.restart()
  await world.ship(120_000, 3)
  world.files.rename(ROOT, '/data/below')
  world.files.rename('/data/disk', ROOT)
  await world.ship(120_000 + HOUR_MS, 4)
  expect(await world.viewed()).toEqual([1, 2, 4])
})
