/** The layouts that entries may name, as the spool thread has them. */

import { encodeLayout } from '../layout-file.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { EntryRedactor } from '../redact/entry-redactor.ts'

/** What the policy of a layout makes of its entries before they are on disk. */
export type Redactor = Pick<EntryRedactor, 'concerns' | 'redact'>

export interface SpooledLayout {
  /** As a segment has it. */
  readonly bytes: Uint8Array
  /** null: entries are kept as they are. */
  readonly redactor: Redactor | null
}

interface Dropped {
  readonly ids: readonly number[]
  readonly ends: readonly number[]
}

export class SpoolLayouts {
  readonly #layouts = new Map<number, SpooledLayout>()
  readonly #dropped: Dropped[] = []
  readonly #redactorOf: (layout: RecordLayout) => Redactor | null

  constructor(redactorOf: (layout: RecordLayout) => Redactor | null) {
    this.#redactorOf = redactorOf
  }

  add(layouts: readonly RecordLayout[]): void {
    for (const layout of layouts) {
      const redactor = this.#redactorOf(layout)
      this.#layouts.set(layout.id, { bytes: encodeLayout(layout), redactor })
    }
  }

  find(id: number): SpooledLayout | null {
    return this.#layouts.get(id) ?? null
  }

  /**
   * Nobody will use these ids again: once the rings have been read up to `ends`, counts of units of
   * each, no entry names them.
   */
  dropAfter(ids: readonly number[], ends: readonly number[]): void {
    if (ids.length > 0) this.#dropped.push({ ids, ends })
  }

  /** `reads`: up to where the rings have been read. */
  sweep(reads: readonly number[]): void {
    const isRead = ({ ends }: Dropped) => ends.every((end, ring) => ((reads[ring]! - end) | 0) >= 0)
    while (this.#dropped.length > 0 && isRead(this.#dropped[0]!)) {
      for (const id of this.#dropped.shift()!.ids) this.#layouts.delete(id)
    }
  }
}
