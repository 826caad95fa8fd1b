import { expect, test } from 'vitest'
import { findOwnFiles } from '../../../../src/records/files/own-files.ts'
import { ensureRoot } from '../../../../src/records/files/unfinished.ts'
import { HookedWorld, refusal } from '../../../helpers/records/hooked-world.ts'
import { ROOT, STATE } from '../../../helpers/records/shipping-world.ts'

const HOUR_MS = 3_600_000
const YEAR_MS = 365 * 24 * HOUR_MS
const HOUR = 'endpoint=flights/date=1970-01-01/hour=00'

test.each(['EACCES', 'EIO'])(
  'a folder that cannot be listed (%s) is told and holds up nothing',
  async (code) => {
    const world = new HookedWorld()
    await world.ship(0, 1)
    ensureRoot(world.files, world.at('endpoint=other'))
    world.hook = (call, path) => {
      if (call === 'readdir' && path.endsWith('endpoint=other')) throw refusal(code, path)
    }
    world.restart()
    await world.ship(60_000, 2)
    expect(world.shipping.failures).toBe(0)
    expect(world.faults).toEqual([expect.stringMatching(`endpoint=other: Error: ${code}`)])
    const { ok, problems } = await world.verify()
    expect(ok).toBe(false)
    expect(problems).toEqual([expect.stringMatching('endpoint=other cannot be listed')])
    world.hook = () => {}
    expect(await world.viewed()).toEqual([1, 2])
  },
)

test('the folder of all records has to be listed', async () => {
  const world = new HookedWorld()
  await world.ship(0, 1)
  world.hook = (call, path) => {
    if (call === 'readdir' && path === ROOT) throw refusal('EIO', path)
  }
  expect(() => findOwnFiles(world.files, ROOT, 'g7q2')).toThrow(/EIO/)
})

test('what lies in a folder that could not be listed is neither written over nor forgotten', async () => {
  const world = new HookedWorld()
  world.nowMs = 100 * YEAR_MS
  for (const sequence of [1, 2]) await world.ship(0, sequence)
  world.hook = (call, path) => {
    if (call === 'readdir' && path.endsWith(HOUR)) throw refusal('EACCES', path)
  }
  // The numbers of its files are known to nobody.
  world.files.unlink(STATE)
  world.restart()
  for (const sequence of [3, 4]) await world.ship(0, sequence)
  world.hook = () => {}
  expect(world.names).toHaveLength(4)
  expect(await world.viewed()).toEqual([1, 2, 3, 4])
  for (const hours of [1, 2]) await world.ship(100 * YEAR_MS + hours * 2 * HOUR_MS, null)
  expect(world.names).toHaveLength(1)
  expect(await world.sequences()).toEqual([1, 2, 3, 4])
})
