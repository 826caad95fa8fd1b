/** Where tensors lie in an entry of one row, for readers of columns that open no entry. */

import { padded } from './entry.ts'
import type { LayoutTensor, RecordLayout } from './record-layout.ts'
import { copyBytes, copyOf } from './write-plan.ts'

export interface SectionOffsets {
  /**
   * By tensor: bytes from the start of its section, which the header names. null: some tensor is
   * of text or has free dimensions, so that offsets differ from entry to entry.
   */
  readonly inputs: readonly number[] | null
  readonly outputs: readonly number[] | null
}

const offsetsOf = (tensors: readonly LayoutTensor[]): number[] | null => {
  const offsets: number[] = []
  let at = 0
  for (const { datatype, rowElements } of tensors) {
    if (datatype === 'BYTES' || rowElements < 0) return null
    offsets.push(at)
    at += padded(rowElements * copyBytes(copyOf(datatype)))
  }
  return offsets
}

/** They hold for entries of one row whose flags say neither INPUTS_FREE nor OUTPUTS_FREE. */
export const sectionOffsets = ({ inputs, outputs }: RecordLayout): SectionOffsets => ({
  inputs: offsetsOf(inputs),
  outputs: offsetsOf(outputs),
})
