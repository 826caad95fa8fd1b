/** Who kills the shipper, and what it does besides: no record pays for it. */

import { expect, test } from 'vitest'
import { FileSink, type FileSinkOptions } from '../../../../src/records/file-sink.ts'
import type { TidyTimes } from '../../../../src/records/shipping/sink.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { ended, PRODUCER, records, upTo } from '../../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../../../helpers/records/shipping-world.ts'
import { HEADER, SEAL } from '../../../helpers/segments.ts'

const COUNT = 20
const HOUR_MS = 3_600_000

const filled = (): ShippingWorld => {
  const world = new ShippingWorld()
  const frames = upTo(COUNT).map((number) => records(number, number))
  world.put({}, [layoutFrame(), ...frames, ended(COUNT), SEAL])
  return world
}

/** Nothing is lost: neither in files, nor by what accounts say. */
const checkAll = async (world: ShippingWorld, count = COUNT): Promise<void> => {
  const lines = await world.lines()
  expect(lines.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual(upTo(count))
  expect(await world.gaps()).toEqual([])
  expect(world.segments()).toEqual([])
  const report = await verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: () => false })
  expect(report).toMatchObject({ ok: true, producers: [{ id: PRODUCER, present: count }] })
}

/** The process is gone. */
class Killed extends Error {}

/** One whose `where` kills it. */
class Mortal extends FileSink {
  where: 'prepare' | 'tidy' | 'merge' | null = null

  override prepare(...given: Parameters<FileSink['prepare']>): ReturnType<FileSink['prepare']> {
    if (this.where === 'prepare') throw new Killed()
    return super.prepare(...given)
  }

  override tidy(times: TidyTimes): ReturnType<FileSink['tidy']> {
    if (this.where === 'tidy') throw new Killed()
    const mayMerge = (folder: string): boolean => {
      const isAllowed = times.mayMerge(folder)
      if (isAllowed && this.where === 'merge') this.die()
      return isAllowed
    }
    return super.tidy({ ...times, mayMerge })
  }

  /** What no code of ours catches. */
  die: () => void = () => {}
}

const mortal = (where: Mortal['where']) => (options: FileSinkOptions) =>
  Object.assign(new Mortal(options), { where })

/** Until one lives. */
const live = async (world: ShippingWorld): Promise<void> => {
  const shipping = world.start()
  await world.run(shipping)
  // What has waited.
  world.nowMs += 60_000
  await world.run(shipping)
  shipping.close()
}

for (const kills of [1, 7, 9, 12, 40]) {
  test(`${kills} kills before a commit lose nothing`, async () => {
    const world = filled()
    world.sinkOf = mortal('prepare')
    for (let times = 0; times < kills; times++) {
      await expect(world.run(world.start())).rejects.toThrow()
    }
    world.sinkOf = mortal(null)
    await live(world)
    await checkAll(world)
  })
}

test('a shipper that is killed whenever it has a frame ships all others, and that one in the end', async () => {
  const world = filled()
  const { sinkOf } = world
  let isDeadly = true
  world.sinkOf = (options) => {
    const sink = sinkOf(options)
    const { write } = sink
    sink.write = (batch) => {
      if (isDeadly && batch.frame.doubles.includes(3)) throw new Killed()
      return write.call(sink, batch)
    }
    return sink
  }
  world.put({ replica: 2 }, [layoutFrame(), records(5, 6), SEAL])
  for (let starts = 0; starts < 30; starts++) await world.run(world.start()).catch(() => {})
  expect((await world.lines()).filter(({ producer }) => producer !== PRODUCER)).toHaveLength(2)
  expect(await world.gaps()).toMatchObject([])
  isDeadly = false
  await live(world)
  expect((await world.lines()).filter(({ producer }) => producer === PRODUCER)).toHaveLength(COUNT)
})

test('a fault in putting files in order holds up no record', async () => {
  const world = filled()
  world.sinkOf = mortal('tidy')
  for (let starts = 0; starts < 12; starts++) await world.start().step()
  await live(world)
  await checkAll(world)
})

test('what ends two processes in a merge is merged no more, and no frame is blamed', async () => {
  const world = new ShippingWorld()
  const number = (each: number) => [layoutFrame(), records(2 * each - 1, 2 * each), SEAL]
  world.alive.add(HEADER.process.pid)
  for (const each of [1, 2, 3]) {
    world.put({ number: each }, number(each))
    await world.run(world.start())
  }
  world.nowMs += 2 * HOUR_MS
  world.put({ number: 4 }, [layoutFrame(), records(7, 8), ended(8), SEAL])
  world.alive.clear()
  let deaths = 0
  for (let starts = 0; starts < 10; starts++) {
    // The process stands still for ever, as far as anybody can see: it is dead.
    let die = () => {}
    const death = new Promise<'dead'>((resolve) => {
      die = () => {
        deaths++
        resolve('dead')
      }
    })
    world.sinkOf = (options) => {
      const sink = Object.assign(new Mortal(options), { where: 'merge' as const })
      const tidy = sink.tidy.bind(sink)
      sink.tidy = async (times) => {
        let isDead = false
        sink.die = () => {
          isDead = true
          throw new Killed()
        }
        const nothing = { givenUp: new Map(), numbers: new Float64Array(), isWhole: true }
        const tidied = await Promise.resolve(tidy(times)).catch(() => nothing)
        if (!isDead) return tidied
        die()
        return new Promise(() => {})
      }
      return sink
    }
    await Promise.race([world.run(world.start()), death])
  }
  expect(deaths).toBe(2)
  world.sinkOf = mortal(null)
  await live(world)
  await checkAll(world, 8)
})

test('a disk that is full while the shipper is started again and again has nothing set aside', async () => {
  const world = filled()
  const { write } = world.files
  world.files.write = () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  }
  for (let times = 0; times < 20; times++) {
    const shipping = world.start()
    await world.run(shipping, () => shipping.failures > 0)
    world.noteFault()
  }
  world.files.write = write
  await live(world)
  await checkAll(world)
})
