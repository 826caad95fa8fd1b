/** Counter slots as data threads fill them, for tests of what is summed and exported. */

import fc from 'fast-check'
import {
  COMPUTE_AT,
  FAIL_SECONDS_AT,
  PROTOCOLS,
  QUEUE_AT,
  REASON_OK,
  REASONS,
  ROWS_AT,
  SLOT_DOUBLES,
  type SlotKey,
  slotKeyText,
  TOTAL_AT,
} from '../../src/shared/counters.ts'
import { countParts, countRequest, countRun, noteEnd, observe } from '../../src/shared/counting.ts'

export interface CountedRequest {
  readonly protocol: number
  readonly reason: number
  readonly rows: number
  readonly totalUs: number
  readonly queueUs: number
  readonly computeUs: number
  readonly inputUs?: number
  readonly outputUs?: number
}

const START_MS = 1_700_000_000_000

/** Counts one request as stage 8 does; an answered one is a run of its own. */
export const countInto = (slot: Float64Array, request: CountedRequest): void => {
  const { protocol, reason, rows, totalUs, queueUs, computeUs, inputUs = 0, outputUs = 0 } = request
  countRequest(slot, 0, protocol, reason)
  if (reason !== REASON_OK) {
    slot[FAIL_SECONDS_AT]! += totalUs / 1e6
    return
  }
  slot[ROWS_AT]! += rows
  observe(slot, TOTAL_AT, totalUs)
  observe(slot, QUEUE_AT, queueUs)
  observe(slot, COMPUTE_AT, computeUs)
  countParts(slot, 0, rows, inputUs / 1e6, outputUs / 1e6)
  countRun(slot, 0, rows, inputUs / 1e6, computeUs / 1e6)
  noteEnd(slot, 0, START_MS + Math.round(totalUs))
}

export const slotFrom = (requests: readonly CountedRequest[]): Float64Array => {
  const slot = new Float64Array(SLOT_DOUBLES)
  for (const request of requests) countInto(slot, request)
  return slot
}

export const answerKey = (endpoint: string, version = '1', variant = `v${version}`): SlotKey => ({
  endpoint,
  model: endpoint,
  version,
  variant,
  role: 'answer',
})

/** Of requests that reached no version. */
export const refusedKey = (endpoint: string): SlotKey => ({
  endpoint,
  model: endpoint,
  version: '',
  variant: '',
  role: 'refused',
})

const us = fc.double({ min: 0.5, max: 2e7, noNaN: true })

export const anyRequest: fc.Arbitrary<CountedRequest> = fc.record({
  protocol: fc.nat({ max: PROTOCOLS.length - 1 }),
  reason: fc.oneof(fc.constant(REASON_OK), fc.nat({ max: REASONS - 1 })),
  rows: fc.integer({ min: 1, max: 200_000 }),
  totalUs: us,
  queueUs: us,
  computeUs: us,
  inputUs: us,
  outputUs: us,
})

/** Names as a folder may bear them, and worse. */
const name = fc.oneof(fc.constantFrom('flights', 'clicks'), fc.string({ unit: 'binary' }))

const anyKey: fc.Arbitrary<SlotKey> = fc.oneof(
  name.map(refusedKey),
  fc
    .tuple(name, fc.constantFrom('1', '2'), fc.constantFrom('v1', 'canary'))
    .map(([endpoint, version, variant]) => answerKey(endpoint, version, variant)),
  // a second endpoint over the same model: two slots of one version
  fc.constantFrom('a', 'b').map((endpoint) => ({ ...answerKey(endpoint), model: 'flights' })),
)

/** Requests by slotKeyText: short to print when a property fails, unlike slots. */
export type CountedSlots = readonly (readonly [key: string, requests: CountedRequest[]])[]

export const anySlots: fc.Arbitrary<CountedSlots> = fc.uniqueArray(
  fc.tuple(anyKey.map(slotKeyText), fc.array(anyRequest, { maxLength: 6 })),
  { selector: ([key]) => key, maxLength: 5 },
)

export const slotsFrom = (counted: CountedSlots): Map<string, Float64Array> =>
  new Map(counted.map(([key, requests]) => [key, slotFrom(requests)]))
