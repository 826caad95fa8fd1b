/** What is promised of records when processes are killed, in short: records-deaths.test.ts. */

import { expect, test } from 'vitest'
import { signal } from '../helpers/reaper.ts'
import { expectAccounted, expectKept, untilShipped } from '../helpers/records/books.ts'
import { startRecorded } from '../helpers/records/recorded-gateway.ts'

test('a replica and the shipper are killed at once, and nothing that was answered is lost', async () => {
  const records = { DURABILITY: 'process' }
  const world = await startRecorded({ replicas: 1, threads: 1, records })
  const load = world.load()
  await load.answered(200)
  signal(world.shipperPid(), 'SIGKILL')
  await world.killReplica(0)
  await load.answered(100)
  expect((await load.stop()).refused).toEqual([])
  const books = await untilShipped(world.gateway)
  expect(books.undurable).toBe(0)
  await expectKept(world.ids, world.path, world.stateDir)
  await expectAccounted(world.path, world.stateDir, books)
})
