import { expect, test } from 'vitest'
import { Account } from '../../../src/server/account.ts'
import {
  batchIndex,
  COMPUTE_AT,
  FAIL_SECONDS_AT,
  INPUT_SECONDS_AT,
  LAST_AT,
  OUTPUT_SECONDS_AT,
  PENDING_AT,
  PROTOCOLS,
  QUEUE_AT,
  REASON_ABORTED,
  REASON_OK,
  ROWS_AT,
  RUN_ROWS_AT,
  RUN_SECONDS_AT,
  RUNS_AT,
  requestsIndex,
  SLOT_DOUBLES,
  TOTAL_AT,
} from '../../../src/shared/counters.ts'
import { LATENCY_SLOTS, latencySlot } from '../../../src/shared/latency-slots.ts'
import {
  mapReplicaMemory,
  replicaMemoryBytes,
  THREAD_GAUGES,
  THREAD_STATE,
  THREAD_WORDS,
} from '../../../src/shared/shared-memory.ts'

const makeAccount = () => {
  const memory = mapReplicaMemory(new SharedArrayBuffer(replicaMemoryBytes(2)), 2)
  const [own, other] = memory.threads
  return { account: new Account(own!), own: own!, other: other! }
}

const OIP = PROTOCOLS.indexOf('oip')
const BASE = 3 * SLOT_DOUBLES

const RUN = { startedMs: 10, runStartMs: 10.25, endedMs: 10.75, takenMs: 10.75 }

test('answered() counts the request, its rows and its durations in one slot', () => {
  const { account, own, other } = makeAccount()
  const times = { totalMs: 1.5, queueMs: 0.5, outputMs: 0.125 }
  const place = { rowStart: 0, rows: 4, runRows: 5, inputs: null }
  account.answered(BASE, OIP, place, RUN, times)
  account.answered(BASE, OIP, { ...place, rowStart: 4, rows: 1 }, RUN, times)
  const slot = own.counters.subarray(BASE, BASE + SLOT_DOUBLES)
  expect(slot[requestsIndex(OIP, REASON_OK)]).toBe(2)
  expect(slot[ROWS_AT]).toBe(5)
  for (const [at, us] of [
    [TOTAL_AT, 1500],
    [QUEUE_AT, 500],
    [COMPUTE_AT, 500],
  ] as const) {
    expect(slot[at + latencySlot(us)]).toBe(2)
    expect(slot[at + LATENCY_SLOTS]).toBeCloseTo((2 * us) / 1e6, 12)
  }
  expect(slot[INPUT_SECONDS_AT]).toBe(0.0005)
  for (const at of [OUTPUT_SECONDS_AT, batchIndex(5) + 3]) expect(slot[at]).toBe(0.00025)
  expect(own.counters.findIndex((value) => value !== 0)).toBeGreaterThanOrEqual(BASE)
  expect(other.counters.every((value) => value === 0)).toBe(true)
})

test('counted() counts a request without durations', () => {
  const { account, own } = makeAccount()
  account.counted(BASE, OIP, REASON_ABORTED)
  const marks = [...own.counters.keys()].filter((i) => own.counters[i] !== 0)
  expect(marks).toEqual([BASE + requestsIndex(OIP, REASON_ABORTED)])
})

test('ranBatch() counts the run in the slot of its first member', () => {
  const { account, own } = makeAccount()
  account.ranBatch(BASE, 7, RUN)
  const slot = own.counters.subarray(BASE, BASE + SLOT_DOUBLES)
  expect([slot[RUNS_AT], slot[RUN_ROWS_AT], slot[batchIndex(7)]]).toEqual([1, 7, 1])
  expect(slot[RUN_SECONDS_AT]).toBe(0.0005)
  expect(slot[batchIndex(7) + 1]).toBe(0.00025)
})

test('ranBatch() knows the end of the run by the wall clock, as of the last beat', () => {
  const { own } = makeAccount()
  let nowMs = 1_700_000_000_000
  const account = new Account(own, { now: () => nowMs, monotonic: () => 10 })
  const ended = () => {
    account.ranBatch(BASE, 1, { ...RUN, endedMs: 30 })
    return own.counters[BASE + LAST_AT]
  }
  expect(ended()).toBe(1_700_000_000_020)
  nowMs += 3_600_000
  expect(ended()).toBe(1_700_000_000_020)
  account.beat(0, 0)
  expect(ended()).toBe(1_700_003_600_020)
})

test('failed() adds the time of a request, and pending() who waits', () => {
  const { account, own } = makeAccount()
  account.failed(BASE, 250)
  account.failed(BASE, 500)
  for (const delta of [1, 1, -1] as const) account.pending(BASE, delta)
  const slot = own.counters.subarray(BASE, BASE + SLOT_DOUBLES)
  const marks = [...slot].flatMap((value, i) => (value === 0 ? [] : [[i, value]]))
  expect(marks).toEqual([
    [PENDING_AT, 1],
    [FAIL_SECONDS_AT, 0.75],
  ])
})

test('admitted(), left(), connections() and queueRows() are sums of what comes and goes', () => {
  const { account, own, other } = makeAccount()
  for (let i = 0; i < 3; i++) account.admitted()
  account.left()
  account.connections(1)
  account.connections(1)
  account.connections(-1)
  account.queueRows(5)
  account.queueRows(2)
  account.queueRows(-3)
  expect(own.words[THREAD_WORDS.IN_FLIGHT]).toBe(2)
  expect(own.words[THREAD_WORDS.CONNECTIONS]).toBe(1)
  expect(own.gauges[THREAD_GAUGES.QUEUE_ROWS]).toBe(4)
  expect([...other.words, ...other.gauges].every((value) => value === 0)).toBe(true)
})

test('encoding() is a state of its own, and a beat, until what it does returns or throws', () => {
  const { account, own } = makeAccount()
  const state = () => own.words[THREAD_WORDS.STATE]
  expect(account.encoding(state)).toBe(THREAD_STATE.ENCODE)
  expect(state()).toBe(THREAD_STATE.IDLE)
  expect(() => account.encoding(() => expect.unreachable())).toThrow()
  expect(state()).toBe(THREAD_STATE.IDLE)
  expect(own.words[THREAD_WORDS.BEAT]).toBe(4)
})

test('decoding() is a state of its own, and a beat', () => {
  const { account, own } = makeAccount()
  account.decoding()
  expect(own.words[THREAD_WORDS.STATE]).toBe(THREAD_STATE.DECODE)
  account.idle()
  expect(own.words[THREAD_WORDS.STATE]).toBe(THREAD_STATE.IDLE)
  expect(own.words[THREAD_WORDS.BEAT]).toBe(2)
})

test('beat() publishes what the thread has used', () => {
  const { account, own } = makeAccount()
  account.beat(1.5, 0.25)
  expect(own.gauges[THREAD_GAUGES.CPU_SECONDS]).toBe(1.5)
  expect(own.gauges[THREAD_GAUGES.LOOP_LAG_SECONDS]).toBe(0.25)
})
