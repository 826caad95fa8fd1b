import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LENGTH_AT, UNIT_BYTES } from '../../../../src/records/entry.ts'
import { GAP_UNITS_MAX } from '../../../../src/records/ring/gap-entry.ts'
import {
  claim,
  drain,
  giveBack,
  mapRecordRing,
  publish,
  recordRingBytes,
} from '../../../../src/records/ring/record-ring.ts'
import { RingRoom } from '../../../../src/records/ring/ring-room.ts'

const RING_BYTES = 64 * 1024
const ENTRY_UNITS_MAX = 1024

type Step = 'take' | { readonly kind: 'promise' | 'keep' | 'open' | 'gap'; readonly units: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.constant('take' as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('promise', 'promise', 'keep', 'open', 'gap'),
      units: fc.integer({ min: 1, max: ENTRY_UNITS_MAX }),
    }),
  },
)

/** Both ends of a ring, and the promises of which nothing has come yet. */
class World {
  readonly promises: number[] = []
  readonly #buffer = new SharedArrayBuffer(recordRingBytes(RING_BYTES))
  readonly #ring = mapRecordRing(this.#buffer, 0, RING_BYTES)
  readonly #reader = mapRecordRing(this.#buffer, 0, RING_BYTES)
  readonly room = new RingRoom(this.#ring, ENTRY_UNITS_MAX)

  do(next: Step): void {
    if (next === 'take') {
      drain(this.#reader, () => true)
      giveBack(this.#reader)
      return
    }
    const { kind, units } = next
    if (kind === 'promise' && this.room.promise(units)) this.promises.push(units)
    if (kind === 'keep') this.keep(units)
    if (kind === 'open') this.#put(this.room.claim(units, 0), units)
    if (kind === 'gap') this.#gap(Math.min(units, GAP_UNITS_MAX))
  }

  /** The first promise is kept, by no more than so many units. */
  keep(units: number): void {
    const promised = this.promises.shift()
    if (promised === undefined) return
    this.room.end(promised)
    const wanted = Math.min(units, promised)
    const unit = this.room.claim(wanted, promised)
    expect(unit).toBeGreaterThanOrEqual(0)
    this.#put(unit, wanted)
  }

  #gap(units: number): void {
    this.#put(claim(this.#ring, units, this.room.keptUnits), units)
  }

  #put(unit: number, units: number): void {
    if (unit < 0) return
    this.#ring.words[unit * 2 + LENGTH_AT] = units * UNIT_BYTES
    publish(this.#ring, units)
  }
}

test('whatever is written around it, who has a promise finds room', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300, size: 'max' }), (steps) => {
      const world = new World()
      for (const next of steps) world.do(next)
      while (world.promises.length > 0) world.keep(ENTRY_UNITS_MAX)
      expect(world.room.promisedUnits).toBe(0)
    }),
  )
})

test('a GAP entry finds room where all else is promised', () => {
  const ring = mapRecordRing(new SharedArrayBuffer(recordRingBytes(RING_BYTES)), 0, RING_BYTES)
  const room = new RingRoom(ring, ENTRY_UNITS_MAX)
  for (const units of [100, 1]) while (room.promise(units));
  expect([room.has(1), room.claim(1, 0)]).toEqual([false, -1])
  expect(claim(ring, GAP_UNITS_MAX, room.keptUnits)).toBe(0)
})

test('a promise that ends gives its room to others', () => {
  const ring = mapRecordRing(new SharedArrayBuffer(recordRingBytes(RING_BYTES)), 0, RING_BYTES)
  const room = new RingRoom(ring, ENTRY_UNITS_MAX)
  for (const units of [100, 1]) while (room.promise(units));
  room.end(100)
  expect([room.has(100), room.has(101)]).toEqual([true, false])
})
