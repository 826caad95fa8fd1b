/** The slots of one data thread: which are free, and what it writes into them and reads. */

import type { Tensor, TensorData } from '../../shared/tensor.ts'
import { hasPayload, type PoolMemory, payloadViews } from './pool-memory.ts'
import { SLOTS_PER_THREAD, tensorsOn } from './pool-shape.ts'
import { free } from './pool-slots.ts'

export class OwnSlots {
  readonly #pool: PoolMemory
  /** Free ones, the lowest on top at first: compute threads look at no more than was in use. */
  readonly #withPayload: number[] = []
  readonly #bare: number[] = []
  readonly #inputs: (TensorData[] | undefined)[] = []
  readonly #asked: (readonly Tensor[] | undefined)[] = []
  readonly #outputs: (TensorData[] | undefined)[] = []

  constructor(pool: PoolMemory, dataThread: number) {
    this.#pool = pool
    const first = dataThread * SLOTS_PER_THREAD
    for (let slot = first + SLOTS_PER_THREAD - 1; slot >= first; slot--)
      this.#stockOf(slot).push(slot)
  }

  #stockOf(slot: number): number[] {
    return hasPayload(this.#pool, slot) ? this.#withPayload : this.#bare
  }

  /** A free slot that has a payload; -1: there is none. */
  takeWithPayload(): number {
    return this.#withPayload.pop() ?? -1
  }

  /** Any free slot, if possible one without payload. There must be one. */
  take(): number {
    return this.#bare.pop() ?? this.#withPayload.pop()!
  }

  giveBack(slot: number): void {
    free(this.#pool, slot)
    this.#stockOf(slot).push(slot)
  }

  inputsOf(slot: number): TensorData[] {
    this.#inputs[slot] ??= payloadViews(this.#pool, slot, 'inputs')
    return this.#inputs[slot]
  }

  /**
   * All rows of the inputs in the payload, of which those of its request come first, valid until
   * the slot is given back. Kept: whoever does not read them has nothing made.
   */
  askedOf(slot: number): readonly Tensor[] {
    const { inputs, slotRows } = this.#pool.shape
    this.#asked[slot] ??= tensorsOn(inputs, this.inputsOf(slot), slotRows)
    return this.#asked[slot]
  }

  /** The answers in the payload, valid until the slot is given back. */
  answersOf(slot: number, rows: number): Tensor[] {
    this.#outputs[slot] ??= payloadViews(this.#pool, slot, 'outputs')
    return tensorsOn(this.#pool.shape.outputs, this.#outputs[slot], rows)
  }
}
