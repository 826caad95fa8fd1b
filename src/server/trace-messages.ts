/** From the rings of a replica to the message that takes its ended traced requests to control. */

import { create } from '@bufbuild/protobuf'
import {
  type TracedRequest,
  TracedRequestSchema,
  type Traces,
  TracesSchema,
} from '../../proto/gen/control_pb.ts'
import { ID_WORDS, TRACE_WORDS } from '../shared/trace-context.ts'
import {
  doubleAt,
  drainRing,
  TRACE,
  TRACE_AT,
  type TraceRing,
  takeLost,
  wordAt,
} from '../shared/trace-ring.ts'

const bytesOf = (words: Int32Array, from: number, to: number): Uint8Array => {
  const bytes = new Uint8Array((to - from) * 4)
  const view = new DataView(bytes.buffer)
  for (let i = from; i < to; i++) view.setInt32((i - from) * 4, words[i]!)
  return bytes
}

const idsOf = (words: Int32Array, at: number) => {
  const isRoot = (words[at + TRACE_WORDS]! | words[at + TRACE_WORDS + 1]!) === 0
  return {
    traceId: bytesOf(words, at, at + TRACE_WORDS),
    parentSpanId: isRoot ? new Uint8Array() : bytesOf(words, at + TRACE_WORDS, at + ID_WORDS),
  }
}

/** Where it came so far, what is in a slot. */
const optional = <Name extends string>(name: Name, value: number): Partial<Record<Name, number>> =>
  Number.isNaN(value) ? {} : ({ [name]: value } as Record<Name, number>)

const readSlot = (
  { words, doubles }: TraceRing,
  slot: number,
  thread: number,
  keyOf: (counterSlot: number) => number,
): TracedRequest => {
  const word = wordAt(slot)
  const at = doubleAt(slot)
  return create(TracedRequestSchema, {
    ...idsOf(words, word + TRACE.IDS),
    thread,
    key: keyOf(words[word + TRACE.COUNTER_SLOT]!),
    protocol: words[word + TRACE.PROTOCOL]!,
    reason: words[word + TRACE.REASON]!,
    route: words[word + TRACE.ROUTE]!,
    epoch: BigInt(doubles[at + TRACE_AT.EPOCH]!),
    sequence: BigInt(doubles[at + TRACE_AT.SEQUENCE]!),
    rows: words[word + TRACE.ROWS]!,
    runRows: words[word + TRACE.RUN_ROWS]!,
    receivedMs: doubles[at + TRACE_AT.RECEIVED]!,
    ...optional('startedMs', doubles[at + TRACE_AT.STARTED]!),
    ...optional('admittedMs', doubles[at + TRACE_AT.ADMITTED]!),
    ...optional('takenMs', doubles[at + TRACE_AT.TAKEN]!),
    ...optional('runStartMs', doubles[at + TRACE_AT.RUN_START]!),
    ...optional('runEndMs', doubles[at + TRACE_AT.RUN_END]!),
    ...optional('writingMs', doubles[at + TRACE_AT.WRITING]!),
    endedMs: doubles[at + TRACE_AT.ENDED]!,
  })
}

/**
 * Empties the rings. Null: there was nothing in them, and nothing was lost.
 *
 * @param keyAt the labels of a counter slot (slotKeyText)
 */
export const tracesFrom = (
  rings: readonly TraceRing[],
  keyAt: (counterSlot: number) => string,
): Traces | null => {
  const requests: TracedRequest[] = []
  const keys = new Map<number, number>()
  const keyOf = (counterSlot: number): number => {
    const known = keys.get(counterSlot)
    if (known !== undefined) return known
    keys.set(counterSlot, keys.size)
    return keys.size - 1
  }
  let lost = 0
  for (const [thread, ring] of rings.entries()) {
    drainRing(ring, (slot) => requests.push(readSlot(ring, slot, thread, keyOf)))
    lost += takeLost(ring)
  }
  if (requests.length === 0 && lost === 0) return null
  return create(TracesSchema, { requests, keys: [...keys.keys()].map(keyAt), lost: BigInt(lost) })
}
