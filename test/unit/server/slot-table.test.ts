import { expect, test } from 'vitest'
import { SlotTable } from '../../../src/server/slot-table.ts'
import { SLOT_DOUBLES, type SlotKey, slotKeyText } from '../../../src/shared/counters.ts'
import { COUNTER_SLOTS } from '../../../src/shared/shared-memory.ts'

const key = (variant: string): SlotKey => ({
  endpoint: 'e',
  model: 'e',
  version: '1',
  variant,
  role: 'answer',
})

const counters = () => new Float64Array(COUNTER_SLOTS * SLOT_DOUBLES)

test('SlotTable keeps the slot of a key over plans', () => {
  const table = new SlotTable([counters()])
  const first = table.assign([key('a'), key('b')], 0)
  const second = table.assign([key('b'), key('c')], 1)
  expect(second[slotKeyText(key('b'))]).toBe(first[slotKeyText(key('b'))])
  expect(new Set([...Object.values(first), ...Object.values(second)]).size).toBe(3)
})

test('SlotTable adds the counters of all threads', () => {
  const threads = [counters(), counters()]
  const table = new SlotTable(threads)
  const slot = table.assign([key('a')], 0)[slotKeyText(key('a'))]!
  threads[0]![slot * SLOT_DOUBLES + 5] = 2
  threads[1]![slot * SLOT_DOUBLES + 5] = 3
  expect(table.sums()[0]!.values[5]).toBe(5)
})

test('SlotTable gives out a slot again only when long unused, zeroed', () => {
  const thread = counters()
  const table = new SlotTable([thread])
  const all = Array.from({ length: COUNTER_SLOTS }, (_, i) => key(`v${i}`))
  table.assign(all, 0)
  thread.fill(9)
  expect(table.assign([key('late')], 60_000)[slotKeyText(key('late'))]).toBe(0)
  const slot = table.assign([key('later')], 21 * 60_000)[slotKeyText(key('later'))]!
  expect(slot).toBeGreaterThan(0)
  expect(thread[slot * SLOT_DOUBLES + 1]).toBe(0)
})
