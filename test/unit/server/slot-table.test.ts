import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SlotTable } from '../../../src/server/slot-table.ts'
import {
  LAST_AT,
  PENDING_AT,
  ROWS_AT,
  requestsIndex,
  SLOT_DOUBLES,
  type SlotKey,
  slotKeyText,
} from '../../../src/shared/counters.ts'
import { FIXED_KEYS, OVERFLOW_KEY, OVERFLOW_SLOT } from '../../../src/shared/slot-keys.ts'
import { answerKey, countInto } from '../../helpers/counted-slots.ts'

const MINUTE_MS = 60_000
const OK_AT = requestsIndex(0, 0)

const keysOf = (...names: string[]): SlotKey[] => [
  ...FIXED_KEYS,
  ...names.map((name) => answerKey(name)),
]
const textOf = (name: string) => slotKeyText(answerKey(name))
const counters = (slots: number) => new Float64Array(slots * SLOT_DOUBLES)

const sumOf = (table: SlotTable, text: string, at = OK_AT): number => {
  const sum = table.sums().find(({ key }) => key === text)
  return sum?.values[sum.indices.indexOf(at)] ?? 0
}

test('assign() keeps the slot of a key over plans', () => {
  const table = new SlotTable([counters(8)])
  const first = table.assign(keysOf('a', 'b'), [], 0).slots
  const second = table.assign(keysOf('b', 'c'), keysOf('a', 'b'), 1).slots
  expect(second[textOf('b')]).toBe(first[textOf('b')])
  expect(new Set([...Object.values(first), ...Object.values(second)]).size).toBe(2 + 3)
})

test('assign() gives the fixed keys their places, and nobody else', () => {
  const table = new SlotTable([counters(4)])
  const { slots, overflowed } = table.assign(keysOf('a', 'b', 'c', 'd'), [], 0)
  expect(FIXED_KEYS.map((key) => slots[slotKeyText(key)])).toEqual([0, OVERFLOW_SLOT])
  expect(['a', 'b', 'c', 'd'].map((name) => slots[textOf(name)])).toEqual([2, 3, 1, 1])
  expect(overflowed).toBe(2)
})

test('assign() takes no slot of a plan that serves, however long it has been served', () => {
  const thread = counters(4)
  const table = new SlotTable([thread])
  const served = keysOf('a', 'b')
  const { slots } = table.assign(served, [], 0)
  thread[slots[textOf('a')]! * SLOT_DOUBLES + OK_AT] = 7
  const later = table.assign(keysOf('a', 'new'), served, 60 * MINUTE_MS)
  expect(later.slots[textOf('a')]).toBe(slots[textOf('a')])
  expect(later.slots[textOf('new')]).toBe(OVERFLOW_SLOT)
  expect(later.overflowed).toBe(1)
  expect(sumOf(table, textOf('a'))).toBe(7)
})

test('assign() gives out a slot again only when long unused, zeroed', () => {
  const thread = counters(3)
  const table = new SlotTable([thread])
  table.assign(keysOf('old'), [], 0)
  thread.fill(9)
  expect(table.assign(keysOf('new'), [], 19 * MINUTE_MS).overflowed).toBe(1)
  const { slots, overflowed } = table.assign(keysOf('new'), [], 20 * MINUTE_MS)
  expect([slots[textOf('new')], overflowed]).toEqual([2, 0])
  expect(thread.subarray(2 * SLOT_DOUBLES).every((value) => value === 0)).toBe(true)
  expect(thread[OK_AT]).toBe(9)
})

test('sums() has the latest of last runs, and what waits in a slot in which nothing is counted', () => {
  const threads = [counters(8), counters(8)]
  const table = new SlotTable(threads)
  const { slots } = table.assign(keysOf('m'), [], 0)
  const base = slots[textOf('m')]! * SLOT_DOUBLES
  for (const [i, thread] of threads.entries()) {
    thread[base + PENDING_AT] = 2 + i
    thread[base + LAST_AT] = 9000 - i
  }
  expect([PENDING_AT, LAST_AT].map((at) => sumOf(table, textOf('m'), at))).toEqual([5, 9000])
})

test('sums() adds up the threads and leaves out what is zero', () => {
  const threads = [counters(8), counters(8)]
  const table = new SlotTable(threads)
  const { slots } = table.assign(keysOf('idle', 'busy'), [], 0)
  const request = { protocol: 1, reason: 0, rows: 3, totalUs: 90, queueUs: 5, computeUs: 60 }
  const base = slots[textOf('busy')]! * SLOT_DOUBLES
  for (const thread of threads) countInto(thread.subarray(base, base + SLOT_DOUBLES), request)
  const all = table.sums()
  expect(all.map(({ key }) => key)).toEqual([textOf('busy')])
  expect(sumOf(table, textOf('busy'), requestsIndex(1, 0))).toBe(2)
  expect(sumOf(table, textOf('busy'), ROWS_AT)).toBe(6)
  expect(all[0]!.values.includes(0)).toBe(false)
  expect(all[0]!.indices).toHaveLength(all[0]!.values.length)
})

test('sums() names what overflowed by a key of its own', () => {
  const thread = counters(2)
  const table = new SlotTable([thread])
  table.assign(keysOf('a'), [], 0)
  thread[OVERFLOW_SLOT * SLOT_DOUBLES + OK_AT] = 4
  expect(table.sums().map(({ key }) => key)).toEqual([slotKeyText(OVERFLOW_KEY)])
})

const CAPACITY = FIXED_KEYS.length + 4
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
const someNames = fc.subarray(NAMES, { minLength: 1, maxLength: 4 })

type Step =
  | { readonly does: 'prepare'; readonly names: readonly string[]; readonly commits: boolean }
  | { readonly does: 'count'; readonly who: number }
  | { readonly does: 'wait'; readonly minutes: number }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ does: fc.constant('prepare'), names: someNames, commits: fc.boolean() } as const),
  fc.record({ does: fc.constant('count'), who: fc.nat() } as const),
  fc.record({ does: fc.constant('wait'), minutes: fc.constantFrom(1, 12, 25) } as const),
)

/** Threads that count as the plan that serves tells them, beside what was truly counted. */
class CountingWorld {
  readonly #thread = counters(CAPACITY)
  readonly #table = new SlotTable([this.#thread])
  readonly #counted = new Map<string, number>()
  readonly #namedMs = new Map<string, number>()
  #served: readonly string[] = []
  #slots: Readonly<Record<string, number>> = {}
  #nowMs = 0

  run(step: Step): void {
    if (step.does === 'wait') this.#nowMs += step.minutes * MINUTE_MS
    if (step.does === 'count') this.#count(step.who)
    if (step.does === 'prepare') this.#prepare(step.names, step.commits)
  }

  #count(who: number): void {
    const name = this.#served[who % this.#served.length]
    if (name === undefined) return
    const slot = this.#slots[textOf(name)]!
    this.#thread[slot * SLOT_DOUBLES + OK_AT]! += 1
    const owner = slot === OVERFLOW_SLOT ? OVERFLOW_KEY.endpoint : name
    this.#counted.set(owner, (this.#counted.get(owner) ?? 0) + 1)
  }

  #prepare(names: readonly string[], commits: boolean): void {
    const served = keysOf(...this.#served)
    const { slots, overflowed } = this.#table.assign(keysOf(...names), served, this.#nowMs)
    for (const name of [...names, ...this.#served]) this.#namedMs.set(name, this.#nowMs)
    const own = names.map((name) => slots[textOf(name)]!).filter((slot) => slot !== OVERFLOW_SLOT)
    expect(new Set(own).size).toBe(own.length)
    expect(overflowed).toBe(names.length - own.length)
    // Nobody is turned away while there is a slot that nobody has named for long.
    if (overflowed > 0) expect(this.#recent().length).toBeGreaterThan(4)
    for (const name of this.#served) {
      const [before, after] = [this.#slots[textOf(name)], slots[textOf(name)]]
      if (names.includes(name) && before !== OVERFLOW_SLOT) expect(after).toBe(before)
    }
    this.#check()
    if (!commits) return
    this.#served = names
    this.#slots = slots
  }

  #recent(): string[] {
    return [...this.#namedMs].flatMap(([name, ms]) =>
      this.#nowMs - ms < 20 * MINUTE_MS ? [name] : [],
    )
  }

  /** No key that was named lately has lost a count; the others may have begun again. */
  #check(): void {
    const recent = this.#recent()
    for (const [name, counted] of this.#counted) {
      const isOverflow = name === OVERFLOW_KEY.endpoint
      const text = isOverflow ? slotKeyText(OVERFLOW_KEY) : textOf(name)
      const found = sumOf(this.#table, text)
      if (isOverflow || recent.includes(name)) expect(found).toBe(counted)
      else if (found === 0) this.#counted.set(name, 0)
    }
  }
}

test('assign() loses no slot and no count of a plan that serves, whatever is prepared', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: 'max' }), (steps) => {
      const world = new CountingWorld()
      for (const step of steps) world.run(step)
    }),
  )
})

test('keyAt() names the key that a slot belongs to, also after it was given to another', () => {
  const table = new SlotTable([counters(FIXED_KEYS.length + 1)])
  const { slots } = table.assign(keysOf('a'), [], 0)
  const slot = slots[textOf('a')]!
  expect(table.keyAt(slot)).toBe(textOf('a'))
  expect(FIXED_KEYS.map((_, i) => table.keyAt(i))).toEqual(FIXED_KEYS.map(slotKeyText))
  table.assign(keysOf('b'), [], 60 * MINUTE_MS)
  expect(table.keyAt(slot)).toBe(textOf('b'))
})
