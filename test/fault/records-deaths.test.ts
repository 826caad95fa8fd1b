/**
 * Whoever dies: under `process` every prediction that a client was told of is written down once,
 * and of every number that was ever taken it is known what became of it.
 */

import { expect, test } from 'vitest'
import { expectAccounted, expectKept, readBooks, untilShipped } from '../helpers/records/books.ts'
import { startRecorded } from '../helpers/records/recorded-gateway.ts'
import { until } from '../helpers/until.ts'

const PROCESS = { DURABILITY: 'process' }

test('replica, shipper and control die under load, and nothing that was answered is lost', async () => {
  const world = await startRecorded({ records: PROCESS })
  const load = world.load()
  await load.answered(200)
  await world.killReplica(0)
  await load.answered(200)
  await world.killShipper()
  await load.answered(200)
  await world.replaceControl()
  await load.answered(200)
  const { refused } = await load.stop()
  expect(refused).toEqual([])
  const books = await untilShipped(world.gateway)
  await expectKept(world.ids, world.path, world.stateDir)
  await expectAccounted(world.path, world.stateDir, books)
  expect(books.undurable).toBe(0)
  await world.stop()
  await expectKept(world.ids, world.path, world.stateDir)
  await expectAccounted(world.path, null)
})

test('under `memory` a replica that is killed leaves a gap without an end, and where it begins', async () => {
  const world = await startRecorded({ replicas: 1, threads: 1 })
  const load = world.load()
  await load.answered(300)
  // Answers wait for nothing, and a write may take as long as all of them.
  const isSpooled = async () => readBooks(await world.gateway.metrics()).spooled > 0
  await until(isSpooled, { what: 'a record on the disk' })
  await world.killReplica(0)
  await load.answered(100)
  await load.stop()
  const books = await untilShipped(world.gateway)
  const { producers } = await expectAccounted(world.path, world.stateDir, books)
  expect(producers.map(({ open_ended: isOpenEnded }) => isOpenEnded)).toEqual([true, false])
  const [killed] = producers
  // What was answered is known to have been, as far as it was on disk that it was.
  expect(killed!.present).toBeGreaterThan(0)
  expect(new Set(killed!.gaps.map(({ reason }) => reason)).isSubsetOf(new Set(['killed']))).toBe(
    true,
  )
  expect(killed!.gaps.every(({ to }) => to <= killed!.last)).toBe(true)
})
