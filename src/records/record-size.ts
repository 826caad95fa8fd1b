/** How large the record of a request may become, said before the request has run. */

import { ENTRY_HEADER_BYTES, padded } from './entry.ts'
import { extrasBytes } from './extras.ts'
import { SIZE, textBytes } from './text-writing.ts'
import type { WrittenExtras } from './write-facts.ts'
import type { SectionPlan, WritePlan } from './write-plan.ts'

/**
 * Of a tensor of texts, or without a fixed shape, in the body of a request: an ASCII character may
 * become two bytes, and a text of none four. Of the same in an answer: for each row. What turns out
 * to be more has room where the ring has it.
 */
const OPEN_BYTES_A_BODY_BYTE = 4
const OPEN_BYTES_A_ROW = 256

/** What is known of a request when it is admitted. */
export interface RequestOutline {
  readonly rows: number
  readonly requestId: string | null
  readonly extras: WrittenExtras | null
  /** Bytes that were decoded. */
  readonly bodyBytes: number
}

const sectionBytes = (plan: SectionPlan | null, rows: number, openBytes: number): number => {
  if (plan === null) return 0
  const fixed = plan.paddingBytes + plan.rowBytes * (plan.hasRows ? rows : 1)
  return plan.isOpen ? fixed + openBytes : fixed
}

/** Bytes of the record, a multiple of 8, whatever its endpoint allows: no less, but where open. */
export const recordBytesOf = (plan: WritePlan, request: RequestOutline): number => {
  const { rows, requestId, extras, bodyBytes } = request
  let bytes = ENTRY_HEADER_BYTES
  if (requestId !== null) bytes += padded(4 + textBytes(requestId, SIZE.MOST))
  if (extras !== null) bytes += extrasBytes(extras, SIZE.MOST)
  bytes += sectionBytes(plan.inputs, rows, bodyBytes * OPEN_BYTES_A_BODY_BYTE)
  bytes += sectionBytes(plan.outputs, rows, rows * OPEN_BYTES_A_ROW)
  return padded(bytes)
}
