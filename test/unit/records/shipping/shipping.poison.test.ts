/** Frames that end the shipper, whenever they are read: all others are shipped, and it is said. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENTRY_DOUBLE } from '../../../../src/records/entry.ts'
import { FileSink } from '../../../../src/records/file-sink.ts'
import type { ShipBatch } from '../../../../src/records/shipping/sink.ts'
import { verifyRecords } from '../../../../src/records/verify.ts'
import { ended, entriesFrame, PRODUCER, record } from '../../../helpers/records/frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from '../../../helpers/records/shipping-world.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'
import { HEADER, type PlannedFrame, SEAL } from '../../../helpers/segments.ts'

const STARTS_MAX = 30
const NOTE = '/state/shipper/attempts-files.json'

const records = (...numbers: readonly number[]): PlannedFrame =>
  entriesFrame(
    numbers.map((number) => record(number)),
    numbers.at(-1)!,
  )

const sequencesOf = ({ frame, froms, count }: ShipBatch): number[] =>
  Array.from({ length: count }, (_, i) => frame.doubles[(froms[i]! >> 3) + ENTRY_DOUBLE.SEQUENCE]!)

/** What there is a fault of ours for: it ends the process, or is thrown. */
class Poisoned extends FileSink {
  poison: readonly number[] = []
  where: 'write' | 'prepare' = 'write'
  readonly #sequences: number[] = []

  override write(batch: ShipBatch): ReturnType<FileSink['write']> {
    const sequences = batch.producer === PRODUCER ? sequencesOf(batch) : []
    this.#sequences.push(...sequences)
    if (this.where === 'write') this.#check(sequences)
    return super.write(batch)
  }

  override prepare(...given: Parameters<FileSink['prepare']>): ReturnType<FileSink['prepare']> {
    if (this.where === 'prepare') this.#check(this.#sequences.splice(0))
    return super.prepare(...given)
  }

  #check(sequences: readonly number[]): void {
    if (sequences.some((each) => this.poison.includes(each))) throw new TypeError('poison')
  }
}

/** A world in which records of some numbers end every shipper that has them. */
const poisonedWorld = (poison: readonly number[], where: 'write' | 'prepare') => {
  const world = new ShippingWorld()
  world.sinkOf = (options) => {
    const sink = new Poisoned(options)
    Object.assign(sink, { poison, where })
    return sink
  }
  return world
}

/** One shipper after the other, until one lives; how many there were. */
const live = async (world: ShippingWorld): Promise<number> => {
  for (let starts = 1; starts <= STARTS_MAX; starts++) {
    const shipping = world.start()
    try {
      await world.run(shipping)
      shipping.close()
      return starts
    } catch {
      // The process is gone: nothing more of it is called.
      world.noteFault()
    }
  }
  throw new Error('the shipper ends for ever')
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
const proofOf = (world: ShippingWorld) =>
  verifyRecords(world.files, ROOT, { spool: SPOOL, isAlive: ({ pid }) => world.isAlive(pid) })
const numbersOf = async (world: ShippingWorld) =>
  (await world.lines()).map(({ sequence }) => sequence).sort((a, b) => a - b)

for (const where of ['write', 'prepare'] as const) {
  test(`a frame that ends the shipper in ${where} is set aside, and all others are shipped`, async () => {
    const world = poisonedWorld([31], where)
    const frames = numbers(0, 9).map((i) => records(...numbers(3 * i + 1, 3 * i + 3)))
    const tail = [records(31, 32), records(33, 40), ended(40), SEAL]
    world.put({}, [layoutFrame(), ...frames, ...tail])
    world.put({ replica: 2 }, [layoutFrame(), records(1, 2, 3), ended(3), SEAL])
    expect(await live(world)).toBeLessThan(10)
    const own = (await world.lines()).filter(({ producer }) => producer === PRODUCER)
    expect(own.map(({ sequence }) => sequence).sort((a, b) => a - b)).toEqual([
      ...numbers(1, 30),
      ...[33, 40],
    ])
    expect(await world.gaps()).toEqual([
      { producer: PRODUCER, from: 31, to: 32, reason: 'unshippable' },
    ])
    expect(world.accounts()[0]).toMatchObject({ records: 32, gaps: { unshippable: 2 }, taken: 40 })
    expect(world.segments()).toEqual([])
    expect(world.files.readdir('/state/spool/quarantine')).toEqual(['r1-i3-g0-1.seg'])
    expect(world.faults.join()).toMatch(/a frame that ends the shipper is set aside/)
  })
}

test('several of them are set aside one by one', async () => {
  const world = poisonedWorld([2, 5, 9], 'prepare')
  const frames = numbers(1, 10).map((number) => records(number))
  world.put({}, [layoutFrame(), ...frames, ended(10), SEAL])
  expect(await live(world)).toBeLessThan(16)
  expect(await numbersOf(world)).toEqual([1, 3, 4, 6, 7, 8, 10])
  expect(world.accounts()).toMatchObject([{ records: 7, gaps: { unshippable: 3 } }])
})

test('a segment of a replica that lives is read on behind such a frame', async () => {
  const world = poisonedWorld([2], 'write')
  world.alive.add(HEADER.process.pid)
  const frames = [layoutFrame(), records(1), records(2), records(3)]
  world.put({}, frames)
  await live(world)
  expect(await numbersOf(world)).toEqual([1, 3])
  expect(world.segments()).toHaveLength(1)
  world.put({}, [...frames, records(4), SEAL])
  await live(world)
  expect(await numbersOf(world)).toEqual([1, 3, 4])
  expect(world.files.readdir('/state/spool/quarantine')).toHaveLength(1)
})

test('a frame that cannot even be set aside stays where it is, with what follows it', async () => {
  const world = new ShippingWorld()
  const path = world.put({}, [layoutFrame(), records(1), records(2), records(3), SEAL])
  world.put({ number: 2 }, [layoutFrame(), records(4), ended(4), SEAL])
  const { open, read } = world.files
  const opened = new Set<number>()
  world.files.open = (name, flags) => {
    const file = open.call(world.files, name, flags)
    if (name === path) opened.add(file)
    return file
  }
  // There is no memory for what is read of the first segment: the process is killed.
  world.files.read = (file, bytes, offset, length, position) => {
    if (opened.has(file)) throw new TypeError('killed')
    return read.call(world.files, file, bytes, offset, length, position)
  }
  expect(await live(world)).toBeLessThan(STARTS_MAX)
  expect(await numbersOf(world)).toEqual([4])
  expect(await world.gaps()).toEqual([])
  expect(world.segments()).toEqual(['r1-i3-g0-1.seg'])
  expect(world.accounts()).toMatchObject([{ state: 'open', records: 1 }])
  expect(world.faults.join()).toMatch(/it cannot be read \(the shipper has ended again and again/)
  // Nobody looks at it again and again, and another release may read what is in it.
  world.nowMs += 60_000
  expect(await live(world)).toBe(1)
  Object.assign(world.files, { open, read })
  world.files.unlink(NOTE)
  world.nowMs += 60_000
  expect(await live(world)).toBe(1)
  expect(await numbersOf(world)).toEqual([1, 2, 3, 4])
  expect(await proofOf(world)).toMatchObject({ ok: true, producers: [{ present: 4, gaps: [] }] })
})

for (const last of [1, 3]) {
  test(`what lies behind a frame that stays is in no file, and not lost: from ${last} on`, async () => {
    const world = new ShippingWorld()
    world.sinkOf = (options) => {
      const sink = new Poisoned(options)
      Object.assign(sink, { poison: [last], where: 'write' })
      const { gap } = sink
      // Not even that it has no record can be written.
      sink.gap = (told) => {
        if (told.producer === PRODUCER) throw new TypeError('poison')
        gap.call(sink, told)
      }
      return sink
    }
    const frames = numbers(1, 50).map((number) => records(number))
    world.put({}, [layoutFrame(), ...frames, ended(50), SEAL])
    world.put({ replica: 2 }, [layoutFrame(), records(1, 2, 3), ended(3), SEAL])
    expect(await live(world)).toBeLessThan(STARTS_MAX)
    const shipping = world.start()
    for (let times = 0; times < 3; times++) {
      await world.run(shipping)
      world.nowMs += 60_000
    }
    expect(world.segments()).toEqual(['r1-i3-g0-1.seg'])
    const report = await proofOf(world)
    expect(report).toMatchObject({ ok: true })
    expect(report.producers).toMatchObject([{ last: 50, present: 50, gaps: [] }, { present: 3 }])
  })
}

test('a segment that is put back counts nothing twice, and is kept', async () => {
  for (const isLiving of [true, false]) {
    const world = poisonedWorld([2], 'write')
    if (isLiving) world.alive.add(HEADER.process.pid)
    const tail = isLiving ? [SEAL] : [ended(3), SEAL]
    world.put({}, [layoutFrame(), records(1), records(2), records(3), ...tail])
    await live(world)
    const kept = '/state/spool/quarantine/r1-i3-g0-1.seg'
    // It may know nothing of it any more.
    if (world.files.stat(NOTE) !== null) world.files.unlink(NOTE)
    world.files.rename(kept, '/state/spool/r1-i3-g0-1.seg')
    world.sinkOf = (options) => new FileSink(options)
    await live(world)
    expect(world.segments()).toEqual([])
    expect(world.files.stat(kept)).not.toBeNull()
    expect(await numbersOf(world)).toEqual([1, 3])
    expect(world.accounts()).toMatchObject([{ records: 2, gaps: { unshippable: 1 }, taken: 3 }])
    expect(await proofOf(world)).toMatchObject({ ok: true, producers: [{ present: 2 }] })
  }
})

test('a frame that ends the shipper when a full disk has room again is set aside as well', async () => {
  const world = poisonedWorld([2], 'prepare')
  world.put({}, [layoutFrame(), records(1), records(2), records(3), ended(3), SEAL])
  const { sinkOf } = world
  world.sinkOf = (options) => {
    const sink = sinkOf(options)
    const { prepare } = sink
    let isFull = true
    sink.prepare = (...given) => {
      if (!isFull) return prepare.apply(sink, given)
      isFull = false
      throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
    }
    return sink
  }
  expect(await live(world)).toBeLessThan(STARTS_MAX)
  expect(await numbersOf(world)).toEqual([1, 3])
  expect(world.accounts()).toMatchObject([{ records: 2, gaps: { unshippable: 1 } }])
})

test('of a frame that is set aside and is no whole one every sequence has a reason', async () => {
  const world = poisonedWorld([2], 'write')
  // Behind its first record something that is no entry: what follows cannot be told.
  const broken = entriesFrame([record(2), new Uint8Array(16), record(3)], 3)
  world.put({}, [layoutFrame(), records(1), broken, records(4), ended(4), SEAL])
  await live(world)
  expect(await numbersOf(world)).toEqual([1, 4])
  expect(world.accounts()).toMatchObject([{ gaps: { unshippable: 1, corrupt: 1 }, taken: 4 }])
  expect(await proofOf(world)).toMatchObject({ ok: true, producers: [{ last: 4, present: 2 }] })
})

test('whatever ends it, and whoever kills it besides: all others are shipped, and it is said', async () => {
  const one = fc.record({
    poison: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    where: fc.constantFrom('write' as const, 'prepare' as const),
    // Whether it is killed from outside before it commits, life by life.
    kills: fc.array(fc.boolean(), { maxLength: 60 }),
  })
  await fc.assert(
    fc.asyncProperty(one, async ({ poison, where, kills }) => {
      const world = poisonedWorld(poison, where)
      const frames = numbers(1, 12).map((number) => records(number))
      world.put({}, [layoutFrame(), ...frames, ended(12), SEAL])
      const { sinkOf } = world
      let lives = 0
      let isKilled = false
      world.sinkOf = (options) => {
        const sink = sinkOf(options)
        isKilled = kills[lives++] ?? false
        if (!isKilled) return sink
        sink.prepare = () => {
          throw new Error('killed')
        }
        return sink
      }
      for (let isWell = false; !isWell || lives < kills.length; ) {
        expect(lives).toBeLessThan(kills.length + 60)
        const shipping = world.start()
        isWell = await world.run(shipping).then(
          () => true,
          () => false,
        )
        if (!isWell && !isKilled) world.noteFault()
        if (!isWell) continue
        world.nowMs += 60_000
        isWell = world.segments().length === 0
      }
      expect(await numbersOf(world)).toEqual(numbers(1, 12).filter((n) => !poison.includes(n)))
      const gaps = (await world.gaps()).flatMap(({ from, to }) => numbers(from, to))
      expect(gaps.sort((a, b) => a - b)).toEqual(poison.toSorted((a, b) => a - b))
      expect(await proofOf(world)).toMatchObject({ ok: true, producers: [{ last: 12 }] })
    }),
    { numRuns: propertyRuns(15) },
  )
})
