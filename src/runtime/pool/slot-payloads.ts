/** What a compute thread reads from the slots that it has claimed, and writes into them. */

import type { Tensor, TensorData } from '../../shared/tensor.ts'
import type { Place, RunTimes } from '../batch-runs.ts'
import type { Queued } from '../row-queue.ts'
import {
  hasPayload,
  type PoolMemory,
  payloadViews,
  SLOT_DOUBLES,
  SLOT_LINE_DOUBLES,
  SLOT_LINE_WORDS,
  SLOT_WORDS,
} from './pool-memory.ts'
import { tensorsOn } from './pool-shape.ts'

export class SlotPayloads {
  readonly #pool: PoolMemory
  readonly #originMs: number
  readonly #inputs: (TensorData[] | undefined)[] = []
  readonly #outputs: (TensorData[] | undefined)[] = []

  /** `originMs`: what is added to the times of this thread for those that all threads share. */
  constructor(pool: PoolMemory, originMs: number) {
    this.#pool = pool
    this.#originMs = originMs
  }

  /** How its request may wait, in the time of this thread. */
  termsOf(slot: number): Queued {
    const { slotWords, slotDoubles } = this.#pool
    const at = slot * SLOT_LINE_DOUBLES
    return {
      priority: slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.PRIORITY]!,
      deadlineMs: slotDoubles[at + SLOT_DOUBLES.DEADLINE]! - this.#originMs,
      timeoutMs: slotDoubles[at + SLOT_DOUBLES.TIMEOUT]! - this.#originMs,
    }
  }

  /** Views on the rows of a slot: to be copied, as ONNX Runtime takes no shared memory. */
  take(slot: number, rows: number): Tensor[] {
    this.#inputs[slot] ??= payloadViews(this.#pool, slot, 'inputs')
    return tensorsOn(this.#pool.shape.inputs, this.#inputs[slot], rows)
  }

  /** Copies the rows at a place of results into the slot; false: they do not fit. */
  put(slot: number, results: readonly Tensor[], { rowStart, rows }: Place): boolean {
    if (!this.#fits(slot, rows, results)) return false
    this.#outputs[slot] ??= payloadViews(this.#pool, slot, 'outputs')
    const columns = this.#outputs[slot]
    for (const [i, { stride }] of this.#pool.shape.outputs.entries()) {
      const data = results[i]!.data as Float64Array
      const part = data.subarray(rowStart * stride, (rowStart + rows) * stride)
      ;(columns[i] as Float64Array).set(part)
    }
    return true
  }

  /** Results are as large as the signature says. */
  #fits(slot: number, rows: number, results: readonly Tensor[]): boolean {
    const { shape } = this.#pool
    if (rows > shape.slotRows || !hasPayload(this.#pool, slot)) return false
    return shape.outputs.every(({ datatype, stride }, i) => {
      const found = results[i]!
      return found.datatype === datatype && found.data.length === stride * found.shape[0]!
    })
  }

  /** A run that the member of the slot was the first of: its data thread counts it. */
  noteRun(slot: number, rows: number, { startedMs, runStartMs, endedMs }: RunTimes): void {
    const { slotWords, slotDoubles } = this.#pool
    const wordAt = slot * SLOT_LINE_WORDS
    const at = slot * SLOT_LINE_DOUBLES
    const isFirst = slotWords[wordAt + SLOT_WORDS.SERVED_RUNS]!++ === 0
    slotWords[wordAt + SLOT_WORDS.SERVED_ROWS] = rows
    if (isFirst)
      slotDoubles.fill(0, at + SLOT_DOUBLES.SERVED_INPUT_MS, at + SLOT_DOUBLES.SERVED_ENDED)
    slotDoubles[at + SLOT_DOUBLES.SERVED_INPUT_MS]! += runStartMs - startedMs
    slotDoubles[at + SLOT_DOUBLES.SERVED_RUN_MS]! += endedMs - runStartMs
    slotDoubles[at + SLOT_DOUBLES.SERVED_ENDED] = endedMs + this.#originMs
  }

  /** The run that answers the member of the slot. */
  noteAnswer(slot: number, { runRows }: Place, times: RunTimes): void {
    const { slotWords, slotDoubles } = this.#pool
    const at = slot * SLOT_LINE_DOUBLES
    slotWords[slot * SLOT_LINE_WORDS + SLOT_WORDS.RUN_ROWS] = runRows
    slotDoubles[at + SLOT_DOUBLES.STARTED] = times.startedMs + this.#originMs
    slotDoubles[at + SLOT_DOUBLES.RUN_START] = times.runStartMs + this.#originMs
    slotDoubles[at + SLOT_DOUBLES.ENDED] = times.endedMs + this.#originMs
  }
}
