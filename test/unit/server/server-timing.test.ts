import { expect, test } from 'vitest'
import type { Pending } from '../../../src/server/pending.ts'
import { timingOf, withTotal } from '../../../src/server/server-timing.ts'

const pending = { exchange: { headMs: 1, startedMs: 2 }, admittedMs: 4.5 } as Pending
const place = { rowStart: 0, rows: 1, runRows: 3, inputs: null }
const times = { startedMs: 8, runStartMs: 9, endedMs: 12.25, takenMs: 12.25 }

test('timingOf() says where the time went, and withTotal() all of it', () => {
  expect(withTotal(timingOf(pending, place, times), 10.25)).toBe(
    'body;dur=1.000, decode;dur=2.500, queue;dur=3.500, infer;dur=4.250;desc="batch 3", total;dur=10.250',
  )
})

test('timingOf() shows no negative time, whatever clocks of other threads say', () => {
  expect(timingOf(pending, place, { ...times, startedMs: 3 })).toContain('queue;dur=0.000')
})
