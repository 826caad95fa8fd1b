/** Two gateways that share what they should, or should not. */

import { expect, test } from 'vitest'
import { EXAMPLE_REPOSITORY } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'
import { expectAccounted, expectKept, untilShipped } from '../helpers/records/books.ts'
import { startRecorded } from '../helpers/records/recorded-gateway.ts'
import { makeTempDir } from '../helpers/temp-dir.ts'

const SMALL = { replicas: 1, threads: 1 }

test('a second gateway on a state folder is refused, and the first one goes on', async () => {
  const world = await startRecorded({ ...SMALL, records: { DURABILITY: 'process' } })
  const { stateDir } = world
  await world.ask(10)
  const second = await startGateway({
    ...SMALL,
    ...{ repository: EXAMPLE_REPOSITORY, stateDir, hasRecords: true, isReadyAwaited: false },
    env: { SLUICE_RECORDS__PATH: world.path },
  })
  expect((await second.ended).code).toBe(1)
  expect(second.stderr).toContain('STATE_DIR_LOCKED')
  await world.ask(10)
  const books = await untilShipped(world.gateway)
  expect(books).toMatchObject({ produced: 20, shipped: 20 })
  await expectKept(world.ids, world.path, stateDir)
  await world.stop()
})

test('two gateways write into one folder of records, and both are accounted for', async () => {
  const path = makeTempDir('rec')
  const first = await startRecorded({ ...SMALL, path })
  const second = await startRecorded({ ...SMALL, path })
  await Promise.all([first.ask(30), second.ask(40)])
  expect(await untilShipped(first.gateway)).toMatchObject({ produced: 30, shipped: 30 })
  expect(await untilShipped(second.gateway)).toMatchObject({ produced: 40, shipped: 40 })
  const { producers } = await expectAccounted(path, null)
  expect(producers.map(({ present }) => present).sort()).toEqual([30, 40])
  await first.stop()
  await second.stop()
  const ids = [...first.ids, ...second.ids]
  await expectKept(ids, path, first.stateDir)
  await expectAccounted(path, null)
})
