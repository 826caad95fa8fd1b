/** Frames that end the shipper, whenever they are read: all others are shipped, and it is said. */

import { expect, test } from 'vitest'
import { ENTRY_DOUBLE } from '../../../../src/records/entry.ts'
import { FileSink } from '../../../../src/records/file-sink.ts'
import type { ShipBatch } from '../../../../src/records/shipping/sink.ts'
import { ended, entriesFrame, PRODUCER, record } from '../../../helpers/records/frames.ts'
import { layoutFrame, ShippingWorld } from '../../../helpers/records/shipping-world.ts'
import { HEADER, type PlannedFrame, SEAL } from '../../../helpers/segments.ts'

const STARTS_MAX = 30

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
    const sequences = sequencesOf(batch)
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
    }
  }
  throw new Error('the shipper ends for ever')
}

const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i)
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

test('a frame that cannot even be set aside is left unread, with what follows it', async () => {
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
  expect(await world.gaps()).toEqual([{ producer: PRODUCER, from: 1, to: 3, reason: 'corrupt' }])
  expect(world.files.readdir('/state/spool/quarantine')).toEqual(['r1-i3-g0-1.seg'])
})

test('a disk that is full while the shipper is started again and again has nothing set aside', async () => {
  const world = new ShippingWorld()
  world.put({}, [layoutFrame(), records(1), records(2), ended(2), SEAL])
  const { write } = world.files
  world.files.write = () => {
    throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  }
  for (let times = 0; times < 20; times++) {
    const shipping = world.start()
    await world.run(shipping, () => shipping.failures > 0)
  }
  world.files.write = write
  expect(await live(world)).toBe(1)
  expect(await numbersOf(world)).toEqual([1, 2])
  expect(await world.gaps()).toEqual([])
})

test('a shipper that is killed again and again, while others are well, sets nothing aside', async () => {
  const world = poisonedWorld([], 'write')
  world.put({}, [layoutFrame(), records(1), records(2), records(3), ended(3), SEAL])
  for (let times = 0; times < 5; times++) {
    world.sinkOf = (options) =>
      Object.assign(new Poisoned(options), { poison: [3], where: 'prepare' })
    await world.run(world.start()).catch(() => {})
  }
  world.sinkOf = (options) => new FileSink(options)
  expect(await live(world)).toBe(1)
  expect(await numbersOf(world)).toEqual([1, 2, 3])
  expect(await world.gaps()).toEqual([])
})
