/** Which of the ready slots of a version come next. */

import type { QueuePolicies } from '../../shared/queue-policy.ts'
import {
  POOL_WORDS,
  type PoolMemory,
  SLOT_DOUBLES,
  SLOT_LINE_DOUBLES,
  SLOT_LINE_WORDS,
  SLOT_WORDS,
  topIndex,
} from './pool-memory.ts'
import { SLOTS_PER_THREAD } from './pool-shape.ts'
import { SLOT_STATE, stateOf } from './pool-slots.ts'

/** Whether slot `a` goes before `b`: by priority, then those in time, then by admission. */
const isBefore = (pool: PoolMemory, a: number, b: number, nowMs: number): boolean => {
  const { slotWords, slotDoubles } = pool
  const [wordA, wordB] = [a * SLOT_LINE_WORDS, b * SLOT_LINE_WORDS]
  const byPriority =
    slotWords[wordA + SLOT_WORDS.PRIORITY]! - slotWords[wordB + SLOT_WORDS.PRIORITY]!
  if (byPriority !== 0) return byPriority < 0
  const isLateA = slotDoubles[a * SLOT_LINE_DOUBLES + SLOT_DOUBLES.TIMEOUT]! <= nowMs
  const isLateB = slotDoubles[b * SLOT_LINE_DOUBLES + SLOT_DOUBLES.TIMEOUT]! <= nowMs
  if (isLateA !== isLateB) return isLateB
  // Tickets wrap around, and are never 2^31 apart.
  return ((slotWords[wordA + SLOT_WORDS.TICKET]! - slotWords[wordB + SLOT_WORDS.TICKET]!) | 0) < 0
}

/** Whether its deadline has passed, or the time after which its policy refuses it. */
export const isOver = (
  { slotWords, slotDoubles }: PoolMemory,
  slot: number,
  { byLevel, base }: QueuePolicies,
  nowMs: number,
): boolean => {
  const at = slot * SLOT_LINE_DOUBLES
  if (slotDoubles[at + SLOT_DOUBLES.DEADLINE]! <= nowMs) return true
  if (slotDoubles[at + SLOT_DOUBLES.TIMEOUT]! > nowMs) return false
  const priority = slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.PRIORITY]!
  return (byLevel[priority] ?? base).timeoutAction === 'reject'
}

/**
 * The first `count` of the ready slots that `isWanted`, in order. Where thousands wait and few are
 * to be had, most are looked at once.
 */
export const firstReady = (
  pool: PoolMemory,
  count: number,
  nowMs: number,
  isWanted: (slot: number) => boolean,
): number[] => {
  const found: number[] = []
  if (count === 0 || Atomics.load(pool.words, POOL_WORDS.READY) <= 0) return found
  const { states, shape, tops } = pool
  for (let thread = 0; thread < shape.dataThreads; thread++) {
    const first = thread * SLOTS_PER_THREAD
    const end = first + Atomics.load(tops, topIndex(thread))
    for (let slot = first; slot < end; slot++) {
      if (stateOf(states[slot]!) !== SLOT_STATE.READY || !isWanted(slot)) continue
      if (found.length === count && !isBefore(pool, slot, found[count - 1]!, nowMs)) continue
      insert(pool, found, slot, nowMs)
      if (found.length > count) found.pop()
    }
  }
  return found
}

/** Into its place, from the end: slots are mostly found in the order of their tickets. */
const insert = (pool: PoolMemory, found: number[], slot: number, nowMs: number): void => {
  let at = found.length
  while (at > 0 && isBefore(pool, slot, found[at - 1]!, nowMs)) at--
  found.splice(at, 0, slot)
}
