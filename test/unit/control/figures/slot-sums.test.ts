import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlotSchema } from '../../../../proto/gen/control_pb.ts'
import {
  addInto,
  ended,
  exactSeconds,
  hasFallen,
  raiseInto,
  type SlotSums,
  slotMessage,
  slotOf,
  subtractFrom,
} from '../../../../src/control/figures/slot-sums.ts'
import {
  LAST_AT,
  PENDING_AT,
  REQUESTS_AT,
  SECONDS_AT,
  SLOT_DOUBLES,
} from '../../../../src/shared/counters.ts'
import { anyRequest, slotFrom } from '../../../helpers/counted-slots.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'

const QUANTUM = 2 ** -20

const seconds = fc.double({ min: 0, max: 2 ** 32, noNaN: true })
/** As it comes out of a message. */
const slot = fc
  .array(anyRequest, { maxLength: 4 })
  .map((all) => slotOf(slotMessage('k', slotFrom(all)))!)
const slots = fc.array(slot, { minLength: 1, maxLength: 6 })

/** Summing whole slots takes its time. */
const FEWER = { numRuns: propertyRuns(30) }

const summed = (all: readonly Float64Array[]): Float64Array => {
  const sums: SlotSums = new Map()
  for (const one of all) addInto(sums, 'k', one)
  return sums.get('k')!
}

test('exactSeconds() cuts less than a quantum, once', () => {
  fc.assert(
    fc.property(seconds, (given) => {
      const cut = exactSeconds(given)
      expect(cut).toBeLessThanOrEqual(given)
      expect(given - cut).toBeLessThan(QUANTUM)
      expect(exactSeconds(cut)).toBe(cut)
    }),
  )
})

test('exactSeconds() never falls when seconds rise', () => {
  fc.assert(
    fc.property(seconds, fc.double({ min: 0, max: 1, noNaN: true }), (given, more) => {
      expect(exactSeconds(given + more)).toBeGreaterThanOrEqual(exactSeconds(given))
    }),
  )
})

test('exactSeconds() makes sums of any order equal to the last bit', () => {
  const shuffled = fc
    .array(fc.double({ min: 0, max: 2 ** 28, noNaN: true }), { maxLength: 16 })
    .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })))
  const sum = (all: readonly number[]) => all.reduce((total, each) => total + exactSeconds(each), 0)
  fc.assert(
    fc.property(shuffled, ([all, other]) => {
      expect(sum(other)).toBe(sum(all))
    }),
  )
})

test('slotOf() keeps counts as they are and cuts the seconds alone', () => {
  fc.assert(
    fc.property(fc.array(anyRequest), (requests) => {
      const given = slotFrom(requests)
      const sparse = slotMessage('k', given)
      const dense = create(SlotSchema, { key: 'k', values: [...given] })
      for (const message of [sparse, dense]) {
        const taken = slotOf(message)!
        for (const at of SECONDS_AT) {
          expect(taken[at]).toBe(exactSeconds(given[at]!))
          taken[at] = given[at]!
        }
        expect(taken).toEqual(given)
      }
    }),
  )
})

test.each([
  ['too few values', { values: new Array<number>(SLOT_DOUBLES - 1).fill(0) }],
  ['too many values', { values: new Array<number>(SLOT_DOUBLES + 1).fill(0) }],
  ['none', {}],
  ['another layout', { indices: [1], values: [1], doubles: SLOT_DOUBLES + 1 }],
  ['fewer values than places', { indices: [1, 2], values: [1], doubles: SLOT_DOUBLES }],
])('slotOf() is null for %s', (_, message) => {
  expect(slotOf(create(SlotSchema, message))).toBeNull()
})

test('addInto() adds the same whatever the order', () => {
  fc.assert(
    fc.property(slots, (all) => {
      const sum = summed(all)
      expect(summed([...all].reverse())).toEqual(sum)
      for (let i = REQUESTS_AT; i < SLOT_DOUBLES; i += 97) {
        expect(sum[i]).toBe(all.reduce((total, one) => total + one[i]!, 0))
      }
      for (const at of SECONDS_AT) {
        expect(sum[at]).toBe(all.reduce((total, one) => total + one[at]!, 0))
      }
    }),
    FEWER,
  )
})

test('addInto() adds key by key, and raiseInto() too, without touching what it is given', () => {
  for (const into of [addInto, raiseInto]) {
    const sums: SlotSums = new Map()
    const [one, two] = [slotFrom([]).fill(1), slotFrom([]).fill(2)]
    for (const each of [one, two]) into(sums, 'a', each)
    into(sums, 'b', one)
    expect(new Set(one)).toEqual(new Set([1]))
    const sum = sums.get('a')!
    const wanted = slotFrom([]).fill(into === addInto ? 3 : 2)
    expect(sum).toEqual(wanted.with(LAST_AT, 2))
    expect(sums.get('b')).toEqual(one)
  }
})

test('raiseInto() keeps the higher of two values, each by itself', () => {
  fc.assert(
    fc.property(slots, (all) => {
      const sums: SlotSums = new Map()
      for (const one of [...all, ...all]) raiseInto(sums, 'k', one)
      const wanted = all[0]!.map((_, i) => Math.max(...all.map((one) => one[i]!)))
      expect(sums.get('k')).toEqual(wanted)
    }),
    FEWER,
  )
})

test('hasFallen() sees one value that is lower, and nothing else', () => {
  const last = SLOT_DOUBLES - 1
  const first = REQUESTS_AT
  const index = fc.oneof(fc.constantFrom(first, last), fc.integer({ min: first, max: last }))
  fc.assert(
    fc.property(slot, slot, index, (before, more, at) => {
      const after = summed([before, more])
      expect(hasFallen(before, after)).toBe(false)
      after[at] = before[at]! - QUANTUM
      expect(hasFallen(before, after)).toBe(true)
    }),
  )
})

test('hasFallen() takes no notice of what is no sum', () => {
  const [before, after] = [slotFrom([]), slotFrom([])]
  for (const at of [PENDING_AT, LAST_AT]) before[at] = 9
  expect(hasFallen(before, after)).toBe(false)
})

test('subtractFrom() and ended() leave alone what they are not about', () => {
  const one = slotFrom([]).fill(5)
  const sums: SlotSums = new Map([['k', one.slice()]])
  subtractFrom(sums, 'k', one)
  subtractFrom(sums, 'new', one)
  const kept = (pending: number, last: number) => {
    const slot = slotFrom([])
    slot[PENDING_AT] = pending
    slot[LAST_AT] = last
    return slot
  }
  expect(sums.get('k')).toEqual(kept(5, 5))
  expect(sums.get('new')!.every((value, at) => value === (at < REQUESTS_AT ? 0 : -5))).toBe(true)
  expect(ended(one)).toEqual(one.with(PENDING_AT, 0))
})
