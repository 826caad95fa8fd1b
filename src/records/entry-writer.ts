/** One record as an entry of the ring: measured, then written where room was claimed. */

import {
  CHECK_AT,
  ENTRY_DOUBLE,
  ENTRY_FLAG,
  ENTRY_HEADER_BYTES,
  ENTRY_KIND,
  ENTRY_WORD,
  entryCheck,
  KIND_AT,
  LENGTH_AT,
  padded,
  UNIT_BYTES,
} from './entry.ts'
import { extrasBytes, putExtras } from './extras.ts'
import type { RecordRing } from './ring/record-ring.ts'
import { TensorSection } from './tensor-writing.ts'
import { putText, SIZE, textBytes } from './text-writing.ts'
import type { WriteFacts } from './write-facts.ts'
import type { WritePlan } from './write-plan.ts'

const idBytes = ({ requestId }: WriteFacts, size: number): number =>
  requestId === null ? 0 : padded(4 + textBytes(requestId, size))

export class EntryWriter {
  readonly #ring: RecordRing
  readonly #inputs: TensorSection
  readonly #outputs: TensorSection
  #isStub = false

  constructor(ring: RecordRing) {
    this.#ring = ring
    this.#inputs = new TensorSection(ring)
    this.#outputs = new TensorSection(ring)
  }

  /**
   * Units to be claimed for a record of at most `bytesMax`; 0: not even without features and
   * outputs is it small enough. Feedback is kept whole or not at all.
   */
  measure(plan: WritePlan, facts: WriteFacts, bytesMax: number): number {
    this.#isStub = false
    const most = this.#bytes(plan, facts, SIZE.MOST)
    const bytes = most <= bytesMax ? most : this.#exactBytes(plan, facts, bytesMax)
    return bytes <= bytesMax ? bytes / UNIT_BYTES : 0
  }

  /** Most texts take half of what they may. What cannot do is not read: it may have 10 MB. */
  #exactBytes(plan: WritePlan, facts: WriteFacts, bytesMax: number): number {
    if (this.#bytes(plan, facts, SIZE.LEAST) <= bytesMax) {
      const bytes = this.#bytes(plan, facts, SIZE.EXACT)
      if (bytes <= bytesMax) return bytes
    }
    if (facts.text !== null || ENTRY_HEADER_BYTES + idBytes(facts, SIZE.LEAST) > bytesMax) {
      return Number.POSITIVE_INFINITY
    }
    this.#isStub = true
    return ENTRY_HEADER_BYTES + idBytes(facts, SIZE.EXACT)
  }

  #bytes(plan: WritePlan, facts: WriteFacts, size: number): number {
    const { inputs, results, extras, text } = facts
    let bytes = ENTRY_HEADER_BYTES + idBytes(facts, size)
    const isCut = extras?.isCut === true
    bytes += this.#inputs.measure(plan.inputs, isCut ? null : inputs, facts, size)
    bytes += this.#outputs.measure(plan.outputs, results, facts, size)
    if (extras !== null && !this.#inputs.isAbsent) bytes += extrasBytes(extras, size)
    if (text !== null) bytes += padded(4 + textBytes(text, size))
    return bytes
  }

  /** Writes what was measured into the entry that starts at `unit`; its length in units. */
  put(plan: WritePlan, facts: WriteFacts, unit: number, inclusion: number): number {
    this.#putHeader(plan, facts, unit, inclusion)
    const start = unit * UNIT_BYTES
    const at = unit * 2
    const { words } = this.#ring
    let end = start + ENTRY_HEADER_BYTES
    if (!this.#isStub) end = this.#putTensors(plan, facts, at, end)
    if (facts.requestId !== null) {
      words[at + ENTRY_WORD.REQUEST_ID] = end - start
      end = putText(this.#ring, end, facts.requestId)
    }
    if (facts.extras !== null && words[at + ENTRY_WORD.INPUTS] !== 0) {
      words[at + ENTRY_WORD.EXTRAS] = end - start
      end = putExtras(this.#ring, end, facts.extras)
    }
    if (facts.text !== null) {
      words[at + ENTRY_WORD.TEXT] = end - start
      end = putText(this.#ring, end, facts.text)
    }
    const length = end - start
    words[at + LENGTH_AT] = length
    words[at + CHECK_AT] = entryCheck(words, at, length)
    return length / UNIT_BYTES
  }

  #putHeader(plan: WritePlan, facts: WriteFacts, unit: number, inclusion: number): void {
    const { words, doubles } = this.#ring
    const at = unit * 2
    words[at + KIND_AT] = ENTRY_KIND.RECORD
    words[at + ENTRY_WORD.LAYOUT] = plan.layout
    words[at + ENTRY_WORD.ROLE] = facts.role
    words[at + ENTRY_WORD.CODE] = facts.code
    words[at + ENTRY_WORD.STATUS] = facts.status
    words[at + ENTRY_WORD.PROTOCOL] = facts.protocol
    words[at + ENTRY_WORD.BUCKET] = facts.bucket
    words[at + ENTRY_WORD.ROWS] = facts.rows
    words[at + ENTRY_WORD.FLAGS] = this.#flags(plan, facts)
    words[at + ENTRY_WORD.REQUEST_ID] = 0
    words[at + ENTRY_WORD.INPUTS] = 0
    words[at + ENTRY_WORD.OUTPUTS] = 0
    words[at + ENTRY_WORD.EXTRAS] = 0
    words[at + ENTRY_WORD.TEXT] = 0
    const ids = facts.traceIds
    const trace = at + ENTRY_WORD.TRACE
    for (let i = 0; i < 4; i++) words[trace + i] = ids === null ? 0 : ids[i]!
    doubles[unit + ENTRY_DOUBLE.SEQUENCE] = facts.sequence
    doubles[unit + ENTRY_DOUBLE.TIME] = facts.startedMs + facts.wallOffsetMs
    doubles[unit + ENTRY_DOUBLE.EPOCH] = facts.epoch
    doubles[unit + ENTRY_DOUBLE.INCLUSION] = inclusion
    doubles[unit + ENTRY_DOUBLE.LATENCY] = facts.latencyMs
    doubles[unit + ENTRY_DOUBLE.DECODE] = facts.decodeMs
    doubles[unit + ENTRY_DOUBLE.QUEUE] = facts.queueMs
    doubles[unit + ENTRY_DOUBLE.COMPUTE] = facts.computeMs
  }

  #flags({ inputs }: WritePlan, { isBatch, extras }: WriteFacts): number {
    let flags = isBatch ? ENTRY_FLAG.IS_BATCH : 0
    if (this.#isStub) return flags | ENTRY_FLAG.TOO_LARGE
    if (inputs === null) flags |= ENTRY_FLAG.POLICY
    else if (extras?.isCut === true) flags |= ENTRY_FLAG.TOO_LARGE
    if (this.#inputs.isFree) flags |= ENTRY_FLAG.INPUTS_FREE
    if (this.#outputs.isFree) flags |= ENTRY_FLAG.OUTPUTS_FREE
    return flags
  }

  #putTensors(plan: WritePlan, facts: WriteFacts, at: number, from: number): number {
    const { words } = this.#ring
    const start = at << 2
    let end = from
    if (!this.#inputs.isAbsent) {
      words[at + ENTRY_WORD.INPUTS] = end - start
      end = this.#inputs.put(plan.inputs!, facts.inputs!, facts, end)
    }
    if (!this.#outputs.isAbsent) {
      words[at + ENTRY_WORD.OUTPUTS] = end - start
      end = this.#outputs.put(plan.outputs!, facts.results!, facts, end)
    }
    return end
  }
}
