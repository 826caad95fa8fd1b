import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ENTRY_KIND, KIND_AT, LENGTH_AT, UNIT_BYTES } from '../../../../src/records/entry.ts'
import {
  claim,
  drain,
  giveBack,
  isDurable,
  isEmpty,
  mapRecordRing,
  publish,
  type RecordRing,
  RING_DOUBLE,
  RING_WORD,
  recordRingBytes,
  SPOOL_STATE,
  writtenEnd,
} from '../../../../src/records/ring/record-ring.ts'

const CAPACITY = 64 * 1024
const UNITS = CAPACITY / UNIT_BYTES

/** A ring whose counts start at `start`, seen from both sides. */
const makeRing = (start = 0): { writer: RecordRing; reader: RecordRing } => {
  const buffer = new SharedArrayBuffer(recordRingBytes(CAPACITY))
  const { head } = mapRecordRing(buffer, 0, CAPACITY)
  head[RING_WORD.WRITTEN] = start
  head[RING_WORD.READ] = start
  return {
    writer: mapRecordRing(buffer, 0, CAPACITY),
    reader: mapRecordRing(buffer, 0, CAPACITY),
  }
}

/** Fills the entry at `unit` with `value`, from end to end. */
const fill = (ring: RecordRing, unit: number, units: number, value: number): void => {
  ring.words[unit * 2 + LENGTH_AT] = units * UNIT_BYTES
  ring.words[unit * 2 + KIND_AT] = ENTRY_KIND.RECORD
  ring.doubles.fill(value, unit + 1, unit + units)
}

const put = (ring: RecordRing, units: number, value: number): boolean => {
  const unit = claim(ring, units)
  if (unit < 0) return false
  fill(ring, unit, units, value)
  publish(ring, units)
  return true
}

interface Entry {
  readonly units: number
  readonly value: number
}

/** Drains at most `most` entries, each of which must be whole. */
const take = (ring: RecordRing, most: number): Entry[] => {
  const entries: Entry[] = []
  const units = drain(ring, (from, to) => {
    if (entries.length === most) return false
    const values = new Set(ring.doubles.subarray(from / UNIT_BYTES + 1, to / UNIT_BYTES))
    expect(values.size).toBe(1)
    entries.push({ units: (to - from) / UNIT_BYTES, value: [...values][0]! })
    return true
  })
  expect(units).toBeGreaterThanOrEqual(entries.reduce((sum, entry) => sum + entry.units, 0))
  return entries
}

/** What a ring should be: two lists, what is published and what is drained but not given back. */
interface Model {
  waiting: Entry[]
  held: Entry[]
  next: number
}

type Real = ReturnType<typeof makeRing>

const unitsOf = (entries: readonly Entry[]): number =>
  entries.reduce((sum, { units }) => sum + units, 0)

const sizes = fc.oneof(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: UNITS / 2 }))

const steps = [
  sizes.map((units) => ({
    toString: () => `put ${units}`,
    check: () => true,
    run: (model: Model, { writer }: Real) => {
      const fits = put(writer, units, model.next)
      const used = unitsOf(model.waiting) + unitsOf(model.held)
      // A filler can take as much as one entry less a unit, whatever is in the ring.
      if (used + 2 * units - 1 <= UNITS / 2) expect(fits).toBe(true)
      if (used + units > UNITS) expect(fits).toBe(false)
      if (fits) model.waiting.push({ units, value: model.next })
      model.next++
    },
  })),
  sizes.map((units) => ({
    toString: () => `claim ${units} and fill it without publishing`,
    check: () => true,
    run: (_: Model, { writer }: Real) => {
      const unit = claim(writer, units)
      if (unit >= 0) fill(writer, unit, units, -1)
    },
  })),
  sizes
    .chain((units) => fc.integer({ min: 2, max: units }).map((less) => [units, less] as const))
    .map(([units, less]) => ({
      toString: () => `claim ${units}, publish ${less}`,
      check: () => true,
      run: (model: Model, { writer }: Real) => {
        const unit = claim(writer, units)
        if (unit < 0) return
        fill(writer, unit, less, model.next)
        publish(writer, less)
        model.waiting.push({ units: less, value: model.next++ })
      },
    })),
  fc.integer({ min: 0, max: 9 }).map((most) => ({
    toString: () => `drain ${most}`,
    check: () => true,
    run: (model: Model, { reader }: Real) => {
      const entries = model.waiting.splice(0, most)
      expect(take(reader, most)).toEqual(entries)
      model.held.push(...entries)
    },
  })),
  fc.constant({
    toString: () => 'give back',
    check: () => true,
    run: (model: Model, { reader }: Real) => {
      giveBack(reader)
      model.held = []
    },
  }),
  fc.constant({
    toString: () => 'the reader is replaced',
    check: () => true,
    run: (model: Model, real: Real) => {
      const buffer = real.writer.head.buffer as SharedArrayBuffer
      real.reader = mapRecordRing(buffer, 0, CAPACITY)
      model.waiting = [...model.held, ...model.waiting]
      model.held = []
    },
  }),
]

test('a ring gives back in order what fits, wherever its counts stand', () => {
  const start = fc.constantFrom(0, UNITS - 3, 2 ** 31 - 8, -8, -UNITS, -2)
  fc.assert(
    fc.property(start, fc.commands(steps, { maxCommands: 200 }), (at, commands) => {
      const model: Model = { waiting: [], held: [], next: 1 }
      const real = makeRing(at)
      fc.modelRun(() => ({ model, real }), commands)
      expect(take(real.reader, Number.POSITIVE_INFINITY)).toEqual(model.waiting)
      giveBack(real.reader)
      expect(isEmpty(real.reader)).toBe(true)
      // Whatever has been, half of the ring can be had now.
      expect(put(real.writer, UNITS / 2, 1)).toBe(true)
    }),
  )
})

test('a full ring takes the smallest entry again after the smallest was given back', () => {
  const { writer, reader } = makeRing(-6)
  let count = 0
  while (put(writer, 4, count)) count++
  expect(count).toBe(UNITS / 4 - 1)
  expect(take(reader, 1)).toEqual([{ units: 4, value: 0 }])
  expect(put(writer, 4, 9)).toBe(false)
  giveBack(reader)
  expect(put(writer, 4, 9)).toBe(true)
})

test('drain() passes over everything where a length cannot be', () => {
  for (const length of [0, -8, 12, CAPACITY * 2, 8 * 30]) {
    const { writer, reader } = makeRing()
    put(writer, 4, 1)
    put(writer, 4, 2)
    writer.words[LENGTH_AT] = length
    const found: number[] = []
    expect(drain(reader, (from) => found.push(from) > 0)).toBe(-1)
    expect(found).toEqual([])
    giveBack(reader)
    expect(isEmpty(reader)).toBe(true)
  }
})

test('isDurable() compares modulo 2 ** 32', () => {
  const { writer, reader } = makeRing(-4)
  put(writer, 8, 1)
  const end = writtenEnd(writer)
  reader.head[RING_WORD.DURABLE] = -4
  expect(isDurable(writer, end)).toBe(false)
  reader.head[RING_WORD.DURABLE] = reader.head[RING_WORD.WRITTEN]!
  expect(isDurable(writer, end)).toBe(true)
  expect(end).toBeGreaterThanOrEqual(0)
})

test('words and doubles of the head are apart, and from the entries', () => {
  const { writer } = makeRing()
  for (const at of Object.values(RING_WORD)) writer.head[at] = 1
  for (const at of Object.values(RING_DOUBLE)) writer.headDoubles[at] = 0.5
  for (const at of Object.values(RING_WORD)) expect(writer.head[at]).toBe(1)
  expect(writer.doubles.every((each) => each === 0)).toBe(true)
  expect(new Set(Object.values(SPOOL_STATE)).size).toBe(4)
})

test('a ring has a power of two of bytes, and not more than can be counted', () => {
  const heads = recordRingBytes(CAPACITY) - CAPACITY
  expect(recordRingBytes(1)).toBe(CAPACITY + heads)
  expect(recordRingBytes(CAPACITY + 1)).toBe(2 * CAPACITY + heads)
  expect(heads % 64).toBe(0)
  expect(() => recordRingBytes(2 ** 30 + 1)).toThrow(RangeError)
  expect(() => recordRingBytes(Number.NaN)).toThrow(RangeError)
})
