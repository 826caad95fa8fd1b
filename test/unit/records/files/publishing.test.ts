import { expect, test } from 'vitest'
import { publishMoved } from '../../../../src/records/files/publishing.ts'
import { ensureRoot } from '../../../../src/records/files/unfinished.ts'
import type { Intent } from '../../../../src/records/shipping/sink.ts'
import { HookedWorld } from '../../../helpers/records/hooked-world.ts'
import { ROOT } from '../../../helpers/records/shipping-world.ts'
import { HEADER } from '../../../helpers/segments.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
const FOLDER = 'endpoint=flights/date=1970-01-01/hour=00'

test('a file that nobody can delete holds up nothing, and goes when somebody can', async () => {
  const world = new HookedWorld()
  await world.ship(0, 1)
  await world.ship(0, 2)
  world.denied.add('g7q2-1.parquet')
  await world.ship(2 * HOUR_MS, 3)
  await world.ship(2 * HOUR_MS + 60_000, 4)
  expect(world.shipping.failures).toBe(0)
  expect(await world.viewed()).toEqual([1, 2, 3, 4])
  expect(await world.verify()).toMatchObject({ problems: [] })
  expect(world.names).toContain('g7q2-1.parquet')
  expect(world.names).not.toContain('g7q2-2.parquet')
  expect(world.faults.join()).toMatch(/g7q2-1.parquet: Error: it cannot be deleted: EPERM/)
  // The next process knows of it.
  world.shipping = world.start()
  await world.ship(3 * HOUR_MS, null)
  expect(world.names).toContain('g7q2-1.parquet')
  world.denied.clear()
  // It is tried again in an hour, also where there is nothing to ship.
  await world.ship(3 * HOUR_MS + 60_000, null)
  expect(world.names).toContain('g7q2-1.parquet')
  await world.ship(4 * HOUR_MS + 60_000, null)
  expect(await world.sequences()).toEqual([1, 2, 3, 4])
})

test('what has had its time and cannot be deleted goes when it can, and counts once', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.shipping = world.start()
  await world.ship(0, 1)
  world.denied.add('g7q2-1.parquet')
  for (const times of [1, 2, 3]) {
    await world.ship(YEAR_MS + times * HOUR_MS, null)
    expect(world.names).toEqual(['g7q2-1.parquet'])
    expect(world.accounts()).toMatchObject([{ records: 1, retired: { records: 1 } }])
    world.shipping = world.start()
  }
  world.denied.clear()
  await world.ship(YEAR_MS + 9 * HOUR_MS, null)
  expect(world.names).toEqual([])
  expect(world.accounts()).toMatchObject([{ records: 1, retired: { records: 1 } }])
})

test('nor does a folder that cannot be synced any more when files in it are gone', async () => {
  const world = new HookedWorld()
  world.retention = { bytesMax: 0, daysMax: 30 }
  world.shipping = world.start()
  await world.ship(0, 1)
  world.denied.add(FOLDER)
  await world.ship(YEAR_MS, null)
  expect(world.names).toEqual([])
  expect(world.shipping.failures).toBe(0)
})

test('what an earlier life left unfinished and nobody can delete does not keep one from starting', async () => {
  const world = new HookedWorld()
  await world.ship(0, 1)
  const path = `${ROOT}/${FOLDER}/g7q2-9.parquet.unfinished`
  world.files.close(world.files.open(path, 'w'))
  world.denied.add('g7q2-9.parquet.unfinished')
  world.shipping = world.start()
  await world.ship(0, 2)
  world.denied.clear()
  expect(await world.sequences()).toEqual([1, 2])
})

test.each([ROOT, '/data/other'])(
  'what a backup brings back into %s is not deleted',
  async (root) => {
    const world = new HookedWorld()
    await world.ship(0, 1)
    await world.ship(0, 2)
    const backup = world.filesBelow(ROOT).filter((path) => path.endsWith('.parquet'))
    for (const path of backup) world.files.link(path, `/data/${path.split('/').at(-1)}`)
    await world.ship(2 * HOUR_MS, null)
    await world.ship(2 * HOUR_MS, null)
    expect(world.names).toEqual(['g7q2-3.parquet'])
    // The disk fails, and another one is there with what was on it a day ago.
    world.files.rename(ROOT, '/data/broken')
    ensureRoot(world.files, `${root}/${FOLDER}`)
    const restored = backup.map((path) => path.replace(ROOT, root))
    for (const path of restored) {
      world.files.link(`/data/${path.split('/').at(-1)}`, path)
    }
    world.shipping = world.start(world.files, HEADER.gateway, root)
    await world.run(world.shipping)
    expect(
      world.faults.filter((fault) => /what it was to replace is kept/.test(fault)),
    ).toHaveLength(1)
    // They are files like others.
    await world.run(world.shipping)
    const found = world.filesBelow(root).filter((path) => path.endsWith('.parquet'))
    expect(found).toEqual([`${root}/${FOLDER}/g7q2-4.parquet`])
  },
)

test('what is published in the folder that was left takes the place of nothing in the new one', async () => {
  const { files } = new HookedWorld()
  for (const root of ['/data/old', '/data/new']) ensureRoot(files, `${root}/${FOLDER}`)
  const put = (path: string) => files.close(files.open(path, 'w'))
  put(`/data/old/${FOLDER}/g-3.parquet.unfinished`)
  for (const number of [1, 2]) put(`/data/new/${FOLDER}/g-${number}.parquet`)
  const rename = (path: string) => [`${path}.unfinished`, path] as const
  const replaced = [1, 2].map((number) => `${FOLDER}/g-${number}.parquet`)
  const intent: Intent = {
    renames: [[...rename(`${FOLDER}/g-3.parquet`), replaced], rename('_producers/g.0.0-1.json')],
    deletes: [],
  }
  const faults: string[] = []
  const onFault = (path: string) => void faults.push(path)
  await publishMoved({ files, from: '/data/old', to: '/data/new', onFault }, intent)
  expect(files.readdir(`/data/old/${FOLDER}`)).toEqual(['g-3.parquet'])
  expect(files.readdir(`/data/new/${FOLDER}`)).toHaveLength(2)
  expect(faults).toEqual(['/data/new/_producers/g.0.0-1.json'])
})
