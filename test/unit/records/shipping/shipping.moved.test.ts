/** `records.path` is changed while replicas live: every folder tells of what is in it. */

import { expect, test } from 'vitest'
import { type VerifyReport, verifyRecords } from '../../../../src/records/verify.ts'
import { ended, records } from '../../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../../../helpers/records/shipping-world.ts'
import { HEADER, type PlannedFrame, SEAL } from '../../../helpers/segments.ts'

const OTHER = '/data/other'

const said = ({ producers, problems }: VerifyReport) => ({
  gaps: producers.flatMap(({ gaps }) => gaps.map((gap) => `${gap.from}-${gap.to} ${gap.reason}`)),
  present: producers.map(({ present }) => present),
  problems,
})

class MovingWorld extends ShippingWorld {
  readonly #frames: PlannedFrame[] = [layoutFrame()]

  /** Ships what comes into a folder, by a shipper of its own, and what `verify` says of it then. */
  async ship(root: string, ...frames: readonly PlannedFrame[]) {
    this.#frames.push(...frames)
    this.put({}, this.#frames)
    await this.run(this.start(this.files, HEADER.gateway, root))
    const { problems } = await verifyRecords(this.files, root, { spool: SPOOL })
    expect(problems).toEqual([])
    return this.verify(root)
  }

  /** What it says of the folder alone. */
  async verify(root: string) {
    return said(await verifyRecords(this.files, root))
  }
}

const movingWorld = (): MovingWorld => {
  const world = new MovingWorld()
  world.alive.add(HEADER.process.pid)
  return world
}

test('verify says of what was shipped before that it is elsewhere, and misses nothing', async () => {
  const world = movingWorld()
  await world.ship(ROOT, records(1, 3))
  // At once, also where nothing has come since.
  expect(await world.ship(OTHER)).toEqual({ gaps: ['1-3 elsewhere'], present: [0], problems: [] })
  expect(await world.ship(OTHER, records(4, 6))).toMatchObject({
    ...{ gaps: ['1-3 elsewhere'], present: [3], problems: [] },
  })
  expect(await world.verify(ROOT)).toEqual({ gaps: [], present: [3], problems: [] })
  world.alive.clear()
  const last = await world.ship(OTHER, records(7, 7), ended(7), SEAL)
  expect(last).toEqual({ gaps: ['1-3 elsewhere'], present: [4], problems: [] })
})

test('a folder in which nothing is of a producer that has ended has no account of it', async () => {
  const world = movingWorld()
  await world.ship(ROOT, records(1, 3))
  world.alive.clear()
  const last = await world.ship(OTHER, ended(3), SEAL)
  expect(last).toEqual({ gaps: [], present: [], problems: [] })
  expect(world.filesBelow(OTHER)).toEqual([])
  expect(await world.verify(ROOT)).toEqual({ gaps: [], present: [3], problems: [] })
})

test('verify misses what was shipped since, and what was shipped before where it was', async () => {
  const world = movingWorld()
  await world.ship(ROOT, records(1, 3))
  await world.ship(OTHER, records(4, 6))
  for (const root of [ROOT, OTHER]) {
    for (const path of world.filesBelow(root)) {
      if (path.endsWith('.parquet')) world.files.unlink(path)
    }
  }
  expect((await world.verify(ROOT)).problems.join()).toMatch(/3 records are missing/)
  expect((await world.verify(OTHER)).problems.join()).toMatch(/3 records are missing/)
})

test('a folder that is gone back to tells its own from what was shipped between', async () => {
  const world = movingWorld()
  await world.ship(ROOT, records(1, 3))
  await world.ship(OTHER, records(4, 6))
  expect(await world.ship(ROOT, records(7, 9))).toEqual({
    ...{ gaps: ['4-6 elsewhere'], present: [6], problems: [] },
  })
  const [own] = world.filesBelow(ROOT).filter((path) => path.endsWith('.parquet'))
  world.files.unlink(own!)
  expect((await world.verify(ROOT)).problems.join()).toMatch(/3 more than .* are missing/)
})

test('files that were moved along are those of the new folder, also what was not published', async () => {
  const world = movingWorld()
  await world.ship(ROOT, records(1, 3))
  const { rename } = world.files
  world.files.rename = (from, to) => {
    if (to.endsWith('.parquet')) throw new Error('it dies here')
    rename.call(world.files, from, to)
  }
  world.put({}, [layoutFrame(), records(1, 3), records(4, 6)])
  const shipping = world.start()
  await world.run(shipping, () => shipping.failures > 0)
  world.files.rename = rename
  world.files.rename(ROOT, OTHER)
  expect(await world.ship(OTHER, records(4, 6), records(7, 9))).toEqual({
    ...{ gaps: [], present: [9], problems: [] },
  })
  expect(world.faults.join()).not.toMatch(/deleted by somebody else/)
})

test('a folder that is left because its disk can only be read holds up nothing', async () => {
  const world = movingWorld()
  await world.ship(ROOT, records(1, 3))
  const { rename, unlink } = world.files
  const failBelow = (path: string): void => {
    if (!path.startsWith(ROOT)) return
    throw Object.assign(new Error('EROFS: read-only file system'), { code: 'EROFS' })
  }
  world.files.rename = (from, to) => {
    failBelow(from)
    rename.call(world.files, from, to)
  }
  world.files.unlink = (path) => {
    failBelow(path)
    unlink.call(world.files, path)
  }
  expect(await world.ship(OTHER, records(4, 6))).toEqual({
    ...{ gaps: ['1-3 elsewhere'], present: [3], problems: [] },
  })
  expect(world.faults.join()).toMatch(/records: Error: .* not be published there: EROFS/)
  expect(world.faults.join()).not.toMatch(/deleted by somebody else/)
})
