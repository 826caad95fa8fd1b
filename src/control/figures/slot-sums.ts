/**
 * Sums of counter slots that do not depend on the order of addition.
 *
 * Counts are whole numbers and add exactly. Seconds are cut to multiples of 2^-20 s (about 1 us)
 * when they arrive, so that they add exactly too, up to 2^33 s. Otherwise a sum could fall by its
 * last bit when a replica dies and is added in another place, and Prometheus takes any fall for a
 * restart: it would count the whole sum a second time.
 */

import { create } from '@bufbuild/protobuf'
import { type Slot, SlotSchema } from '../../../proto/gen/control_pb.ts'
import {
  LAST_AT,
  PENDING_AT,
  REQUESTS_AT,
  SECONDS_AT,
  SLOT_DOUBLES,
} from '../../shared/counters.ts'

/** Counters by slotKeyText. */
export type SlotSums = Map<string, Float64Array>

const QUANTA_PER_SECOND = 2 ** 20

/** Cuts seconds to what adds exactly. Never rises, and never falls when `seconds` rises. */
export const exactSeconds = (seconds: number): number =>
  Math.floor(seconds * QUANTA_PER_SECOND) / QUANTA_PER_SECOND

/** The slot of a message; null when it is of another layout than ours. */
export const slotOf = ({ values, indices, doubles }: Slot): Float64Array | null => {
  const isSparse = doubles > 0
  const isOurs = isSparse
    ? doubles === SLOT_DOUBLES && indices.length === values.length
    : values.length === SLOT_DOUBLES
  if (!isOurs) return null
  const slot = isSparse ? new Float64Array(SLOT_DOUBLES) : Float64Array.from(values)
  if (isSparse) for (const [i, at] of indices.entries()) slot[at] = values[i]!
  for (const at of SECONDS_AT) slot[at] = exactSeconds(slot[at]!)
  return slot
}

/** A slot as a message: few of its doubles are ever touched. */
export const slotMessage = (key: string, slot: Float64Array): Slot => {
  const indices: number[] = []
  const values: number[] = []
  for (const [at, value] of slot.entries()) {
    if (value === 0) continue
    indices.push(at)
    values.push(value)
  }
  return create(SlotSchema, { key, indices, values, doubles: SLOT_DOUBLES })
}

/** Takes the counters away; what is no sum stays. */
export const subtractFrom = (sums: SlotSums, key: string, slot: Float64Array): void => {
  const negated = slot.map((value) => -value)
  negated.fill(0, 0, REQUESTS_AT)
  addInto(sums, key, negated)
}

/** Adds a slot, and what waits; of two last runs the later one counts. */
export const addTo = (sum: Float64Array, slot: Float64Array): void => {
  sum[PENDING_AT]! += slot[PENDING_AT]!
  sum[LAST_AT] = Math.max(sum[LAST_AT]!, slot[LAST_AT]!)
  for (let i = REQUESTS_AT; i < SLOT_DOUBLES; i++) sum[i]! += slot[i]!
}

export const addInto = (sums: SlotSums, key: string, slot: Float64Array): void => {
  const sum = sums.get(key)
  if (sum === undefined) sums.set(key, slot.slice())
  else addTo(sum, slot)
}

/** The counters of a process that has ended: nothing waits in it any more. */
export const ended = (slot: Float64Array): Float64Array => slot.with(PENDING_AT, 0)

/** Keeps the higher of two values, each by itself. */
export const raiseInto = (sums: SlotSums, key: string, slot: Float64Array): void => {
  const sum = sums.get(key)
  if (sum === undefined) {
    sums.set(key, slot.slice())
    return
  }
  for (let i = 0; i < SLOT_DOUBLES; i++) sum[i] = Math.max(sum[i]!, slot[i]!)
}

/** Whether any counter is lower than before: the slot has begun again from zero. */
export const hasFallen = (before: Float64Array, after: Float64Array): boolean => {
  for (let i = REQUESTS_AT; i < SLOT_DOUBLES; i++) if (after[i]! < before[i]!) return true
  return false
}
