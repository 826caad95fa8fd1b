import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlotRetirement } from '../../../../src/control/figures/slot-retirement.ts'
import type { SlotSums } from '../../../../src/control/figures/slot-sums.ts'
import { parseSlotKey, slotKeyText } from '../../../../src/shared/counters.ts'
import { answerKey, refusedKey } from '../../../helpers/counted-slots.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'

const MINUTE_MS = 60_000
const LIMIT_MS = 15 * MINUTE_MS

const V1 = slotKeyText(answerKey('flights'))
const V1_CANARY = slotKeyText(answerKey('flights', '1', 'canary'))
const V2 = slotKeyText(answerKey('flights', '2'))
const REFUSED = slotKeyText(refusedKey('flights'))
const ALL = [V1, V1_CANARY, V2, REFUSED]

const versionOf = (key: string): string => parseSlotKey(key).version

const sumsOf = (keys: readonly string[]): SlotSums =>
  new Map(keys.map((key) => [key, new Float64Array(1)]))

/** One control: what it has, what is planned and what replicas count, over time. */
const start = (...keys: string[]) => {
  const clock = new FakeClock()
  const retirement = new SlotRetirement()
  const sums = sumsOf(keys)
  const sort = (active: readonly string[], counted: readonly string[] = []) => {
    const sorted = retirement.sort(sums, new Set(active), new Set(counted), clock.monotonic())
    for (const key of sorted.dropped) sums.delete(key)
    return {
      slots: [...sorted.slots.keys()],
      retired: [...sorted.retired.keys()],
      dropped: [...sorted.dropped],
    }
  }
  return { clock, sums, sort }
}

test('sort() keeps a slot for 15 minutes after the last plan that named it', async () => {
  const { clock, sort } = start(V1, V2)
  sort([V1, V2])
  await clock.advance(60 * MINUTE_MS)
  sort([V1, V2])
  await clock.advance(LIMIT_MS)
  expect(sort([V2])).toEqual({ slots: [V1, V2], retired: [], dropped: [] })
  await clock.advance(1)
  expect(sort([V2])).toEqual({ slots: [V2], retired: [], dropped: [V1] })
})

test('sort() counts from the first sight where no plan ever named the slot', async () => {
  const { clock, sums, sort } = start()
  await clock.advance(60 * MINUTE_MS)
  sums.set(V1, new Float64Array(1))
  expect(sort([]).slots).toEqual([V1])
  await clock.advance(LIMIT_MS)
  expect(sort([]).slots).toEqual([V1])
  await clock.advance(1)
  expect(sort([]).dropped).toEqual([V1])
})

test('sort() keeps a slot in the sums of its version as long as that is exported', async () => {
  const { clock, sort } = start(V1, V1_CANARY, V2)
  sort([V1, V1_CANARY, V2])
  await clock.advance(LIMIT_MS + 1)
  expect(sort([V1_CANARY, V2])).toEqual({ slots: [V1_CANARY, V2], retired: [V1], dropped: [] })
  await clock.advance(LIMIT_MS + 1)
  expect(sort([V2])).toEqual({ slots: [V2], retired: [], dropped: [V1, V1_CANARY] })
})

test('sort() keeps no refusals for the sake of others, which are in no sum by version', async () => {
  const other = slotKeyText({ ...refusedKey('flights'), endpoint: 'departures' })
  const { clock, sort } = start(REFUSED, other)
  sort([REFUSED, other])
  await clock.advance(LIMIT_MS + 1)
  expect(sort([other])).toEqual({ slots: [other], retired: [], dropped: [REFUSED] })
})

test('sort() exports a slot again when a plan names it again, with its counters', async () => {
  const { clock, sums, sort } = start(V1, V1_CANARY)
  const slot = sums.get(V1)!
  sort([V1, V1_CANARY])
  await clock.advance(LIMIT_MS + 1)
  expect(sort([V1_CANARY]).retired).toEqual([V1])
  expect(sort([V1, V1_CANARY])).toEqual({ slots: [V1, V1_CANARY], retired: [], dropped: [] })
  expect(sums.get(V1)).toBe(slot)
})

test('sort() keeps counters that a living replica still raises, without series', async () => {
  const { clock, sort } = start(V1, REFUSED)
  sort([V1, REFUSED])
  await clock.advance(LIMIT_MS + 1)
  expect(sort([], ALL)).toEqual({ slots: [], retired: [], dropped: [] })
  expect(sort([], [V1])).toEqual({ slots: [], retired: [], dropped: [REFUSED] })
})

test('sort() forgets planned keys that nobody has counted for', async () => {
  const { clock, sort } = start()
  expect(sort([V1])).toEqual({ slots: [], retired: [], dropped: [] })
  await clock.advance(LIMIT_MS + 1)
  expect(sort([]).dropped).toEqual([V1])
  expect(sort([]).dropped).toEqual([])
})

test('sort() obeys its rules whatever the plans, and keeps the order', async () => {
  const keys = fc.subarray(ALL)
  const step = fc.record({
    minutes: fc.constantFrom(0, 1, 5, 15),
    active: keys,
    seen: keys,
    counted: keys,
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1 }), async (steps) => {
      const { clock, sums, sort } = start()
      const namedMs = new Map<string, number>()
      let before: readonly string[] = []
      for (const { minutes, active, seen, counted } of steps) {
        await clock.advance(minutes * MINUTE_MS)
        const nowMs = clock.monotonic()
        for (const key of seen) if (!sums.has(key)) sums.set(key, new Float64Array(1))
        for (const key of [...active, ...[...sums.keys()].filter((one) => !namedMs.has(one))]) {
          namedMs.set(key, nowMs)
        }
        const isNamed = (key: string) => nowMs - (namedMs.get(key) ?? 0) <= LIMIT_MS
        const named = [...namedMs.keys()].filter((key) => key !== REFUSED && isNamed(key))
        const isExported = (key: string) => named.some((one) => versionOf(one) === versionOf(key))
        const had = [...sums.keys()]
        const { slots, retired, dropped } = sort(active, counted)
        expect(new Set(slots)).toEqual(new Set(had.filter(isNamed)))
        const old = [...namedMs.keys()].filter((key) => !isNamed(key))
        const wanted = old.filter((key) => had.includes(key) && isExported(key))
        expect(new Set(retired)).toEqual(new Set(wanted))
        const useless = old.filter((key) => !wanted.includes(key) && !counted.includes(key))
        expect(new Set(dropped)).toEqual(new Set(useless))
        for (const key of dropped) namedMs.delete(key)
        const stayed = slots.filter((key) => before.includes(key))
        expect(stayed).toEqual(before.filter((key) => stayed.includes(key)))
        before = slots
      }
    }),
  )
})
