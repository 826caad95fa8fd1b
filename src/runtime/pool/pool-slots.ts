/**
 * The life of a slot: one word, generation | compute thread | state, and every change of hands is
 * one compare-exchange on it.
 *
 * ```
 *          data thread              compute thread t            agent, when t has died
 * FREE --- publish ---> READY
 *   ^                   READY ----- claim ----> CLAIMED t
 *   |                   CLAIMED t - begin ----> RUNNING t
 *   |                   either ---- finish ---> DONE             either -> READY once, then DONE
 *   +--- withdraw ----- READY
 *   +--- free --------- DONE
 * ```
 *
 * The generation rises with every request, so that nobody mistakes one for another. READY and the
 * words of levels are changed by whoever has changed the state, right after it: they may be late by
 * an instruction, and are bounds and hints.
 */

import {
  LEVEL_WORDS,
  levelIndex,
  POOL_WORDS,
  type PoolMemory,
  RESULT,
  SLOT_DOUBLES,
  SLOT_LINE_DOUBLES,
  SLOT_LINE_WORDS,
  SLOT_WORDS,
  topIndex,
} from './pool-memory.ts'
import { ownerOf, SLOTS_PER_THREAD } from './pool-shape.ts'

export const SLOT_STATE = { FREE: 0, READY: 1, CLAIMED: 2, RUNNING: 3, DONE: 4 } as const

const STATE_BITS = 3
const THREAD_BITS = 8
const GENERATION_SHIFT = STATE_BITS + THREAD_BITS
/** Compute threads of a replica, so that each has a number in the state word. */
const COMPUTE_THREADS_MAX = 2 ** THREAD_BITS - 1

const pack = (generation: number, holder: number, state: number): number =>
  (generation << GENERATION_SHIFT) | (holder << STATE_BITS) | state

export const stateOf = (word: number): number => word & (2 ** STATE_BITS - 1)
const holderOf = (word: number): number => (word >>> STATE_BITS) & COMPUTE_THREADS_MAX
export const generationOf = (word: number): number => word >>> GENERATION_SHIFT

const change = (
  { states }: PoolMemory,
  slot: number,
  word: number,
  holder: number,
  state: number,
): boolean => {
  const next = pack(generationOf(word), holder, state)
  return Atomics.compareExchange(states, slot, word, next) === word
}

/** A request waits, or waits no more (-1). */
const wait = (pool: PoolMemory, slot: number, requests: 1 | -1): void => {
  const { levels, slotWords } = pool
  const at = slot * SLOT_LINE_WORDS
  const level = levelIndex(pool, slotWords[at + SLOT_WORDS.PRIORITY]!)
  const isOversized = slotWords[at + SLOT_WORDS.OVERSIZED] === 1
  const rowsAt = isOversized ? LEVEL_WORDS.OVERSIZED_ROWS : LEVEL_WORDS.ROWS
  Atomics.add(levels, level + rowsAt, requests * slotWords[at + SLOT_WORDS.ROWS]!)
  Atomics.add(levels, level + LEVEL_WORDS.REQUESTS, requests)
}

/** What a request is, when its slot is published. Times are those that all threads share. */
export interface Publication {
  readonly rows: number
  readonly priority: number
  readonly deadlineMs: number
  readonly timeoutMs: number
  /** The compute thread that gets its tensors by message; -1: they are in the payload. */
  readonly holder: number
  /** It alone is more than may wait. */
  readonly isOversized: boolean
}

/** Makes a free slot ready, for its owner. Gives the generation of the request. */
export const publish = (pool: PoolMemory, slot: number, request: Publication): number => {
  const { words, states, slotWords, slotDoubles } = pool
  const at = slot * SLOT_LINE_WORDS
  slotWords[at + SLOT_WORDS.ROWS] = request.rows
  slotWords[at + SLOT_WORDS.PRIORITY] = request.priority
  slotWords[at + SLOT_WORDS.TICKET] = Atomics.add(words, POOL_WORDS.TICKET, 1)
  slotWords[at + SLOT_WORDS.HOLDER] = request.holder + 1
  slotWords[at + SLOT_WORDS.DEATHS] = 0
  slotWords[at + SLOT_WORDS.CANCELLED] = 0
  slotWords[at + SLOT_WORDS.SERVED_RUNS] = 0
  slotWords[at + SLOT_WORDS.OVERSIZED] = request.isOversized ? 1 : 0
  const doubleAt = slot * SLOT_LINE_DOUBLES
  slotDoubles[doubleAt + SLOT_DOUBLES.DEADLINE] = request.deadlineMs
  slotDoubles[doubleAt + SLOT_DOUBLES.TIMEOUT] = request.timeoutMs
  const next = pack(generationOf(states[slot]!) + 1, 0, SLOT_STATE.READY)
  raiseTop(pool, slot)
  Atomics.store(states, slot, next)
  wait(pool, slot, 1)
  Atomics.add(words, POOL_WORDS.READY, 1)
  return generationOf(next)
}

const raiseTop = ({ tops }: PoolMemory, slot: number): void => {
  const at = topIndex(ownerOf(slot))
  const end = (slot % SLOTS_PER_THREAD) + 1
  if (tops[at]! < end) Atomics.store(tops, at, end)
}

/** No slot of the data thread is in use: nobody need look for some. */
export const lowerTop = ({ tops }: PoolMemory, dataThread: number): void => {
  Atomics.store(tops, topIndex(dataThread), 0)
}

/** Takes a ready slot for a compute thread. False: somebody else did, or it was withdrawn. */
export const claim = (pool: PoolMemory, slot: number, thread: number): boolean => {
  const word = Atomics.load(pool.states, slot)
  if (stateOf(word) !== SLOT_STATE.READY) return false
  if (!change(pool, slot, word, thread + 1, SLOT_STATE.CLAIMED)) return false
  Atomics.sub(pool.words, POOL_WORDS.READY, 1)
  return true
}

/** The run of a slot that the thread has claimed begins. */
export const begin = (pool: PoolMemory, slot: number): void => {
  const word = Atomics.load(pool.states, slot)
  if (stateOf(word) !== SLOT_STATE.CLAIMED) return
  if (change(pool, slot, word, holderOf(word), SLOT_STATE.RUNNING)) wait(pool, slot, -1)
}

/** The answer to a slot that the thread has claimed is there. */
export const finish = (pool: PoolMemory, slot: number, result: number): void => {
  const word = Atomics.load(pool.states, slot)
  const state = stateOf(word)
  if (state !== SLOT_STATE.CLAIMED && state !== SLOT_STATE.RUNNING) return
  pool.slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.RESULT] = result
  if (!change(pool, slot, word, 0, SLOT_STATE.DONE)) return
  if (state === SLOT_STATE.CLAIMED) wait(pool, slot, -1)
}

/** Takes a request back that no compute thread has claimed. False: one has, or it is done. */
export const withdraw = (pool: PoolMemory, slot: number): boolean => {
  const word = Atomics.load(pool.states, slot)
  if (stateOf(word) !== SLOT_STATE.READY) return false
  if (!change(pool, slot, word, 0, SLOT_STATE.FREE)) return false
  Atomics.sub(pool.words, POOL_WORDS.READY, 1)
  wait(pool, slot, -1)
  return true
}

/** Whoever waited for a slot that is done has its answer. */
export const free = ({ states }: PoolMemory, slot: number): void => {
  Atomics.store(states, slot, pack(generationOf(states[slot]!), 0, SLOT_STATE.FREE))
}

/**
 * What a compute thread had claimed when it died goes to others, once; what has seen two deaths, or
 * whose tensors are gone with it, is lost. For the agent, when the thread has ended.
 */
export const recover = (pool: PoolMemory, thread: number): { again: number; lost: number } => {
  const found = { again: 0, lost: 0 }
  for (let slot = 0; slot < pool.states.length; slot++) {
    const word = Atomics.load(pool.states, slot)
    const state = stateOf(word)
    const isHeld = state === SLOT_STATE.CLAIMED || state === SLOT_STATE.RUNNING
    if (!isHeld || holderOf(word) !== thread + 1) continue
    const at = slot * SLOT_LINE_WORDS
    const deaths = ++pool.slotWords[at + SLOT_WORDS.DEATHS]!
    if (deaths > 1 || pool.slotWords[at + SLOT_WORDS.HOLDER] !== 0) {
      finish(pool, slot, RESULT.LOST)
      found.lost++
      continue
    }
    pool.slotWords[at + SLOT_WORDS.SERVED_RUNS] = 0
    change(pool, slot, word, 0, SLOT_STATE.READY)
    Atomics.add(pool.words, POOL_WORDS.READY, 1)
    if (state === SLOT_STATE.RUNNING) wait(pool, slot, 1)
    found.again++
  }
  return found
}
