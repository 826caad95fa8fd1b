/** The way of frames into a sink: what is in them is counted, and noted of its producer. */

import { gapReasonName } from '../reasons.ts'
import type { RecordLayout } from '../record-layout.ts'
import { ACCOUNT_BYTES, FRAME, readGapFrame } from '../spool/segment-format.ts'
import type { Frame } from '../spool/segment-reader.ts'
import { type EntryVisitor, visitEntries } from './frame-entries.ts'
import { frameViews } from './frame-views.ts'
import type { FrameAccount, OnGap, ProducerLog } from './producer-log.ts'
import { NO_TOTALS, type ShipTotals } from './ship-state.ts'
import type { Sink } from './sink.ts'

export class FrameIntake {
  readonly #sink: Pick<Sink, 'write' | 'gap' | 'held'>
  #totals: { -readonly [Key in keyof ShipTotals]: ShipTotals[Key] } = { ...NO_TOTALS }
  #gaps: Record<string, number> = {}

  constructor(sink: Pick<Sink, 'write' | 'gap' | 'held'>) {
    this.#sink = sink
  }

  get totals(): ShipTotals {
    return { ...this.#totals, gaps: { ...this.#gaps } }
  }

  /** Goes on from what was committed. */
  restore(totals: ShipTotals): void {
    this.#totals = { ...NO_TOTALS, ...totals }
    this.#gaps = { ...totals.gaps }
  }

  noteQuarantined(): void {
    this.#totals.quarantined++
  }

  /**
   * Takes one frame; when this throws, it was taken in part.
   *
   * @returns false: something in it cannot be told, though its checksum is right
   */
  take(
    producer: ProducerLog,
    frame: Pick<Frame, 'kind' | 'payload'>,
    account: FrameAccount,
    layouts: ReadonlyMap<number, RecordLayout>,
  ): boolean {
    const onGap = this.onGap(producer.producer)
    const isWhole =
      frame.kind !== FRAME.RECORDS || this.#takeRecords(producer, frame.payload, layouts)
    if (frame.kind === FRAME.GAPS) {
      for (const { from, to, reason } of readGapFrame(frame.payload) ?? []) {
        producer.explain(from, to, nameOfReason(reason), onGap)
      }
    }
    if (frame.kind === FRAME.END) producer.end()
    producer.advance(account)
    return isWhole
  }

  /** Who is told of runs of a producer that have no record. */
  onGap(producer: string): OnGap {
    return (from, to, reason) => {
      this.#gaps[reason] = (this.#gaps[reason] ?? 0) + to - from + 1
      this.#sink.gap({ producer, from, to, reason })
    }
  }

  #takeRecords(
    producer: ProducerLog,
    payload: Uint8Array,
    layouts: ReadonlyMap<number, RecordLayout>,
  ): boolean {
    const sink = this.#sink
    const onGap = this.onGap(producer.producer)
    const frame = frameViews(payload.subarray(ACCOUNT_BYTES))
    let shadows = 0
    const visitor: EntryVisitor = {
      record: (sequence, isShadow) => {
        const isNew = producer.record(sequence, isShadow)
        if (!isNew) this.#totals.duplicates++
        else if (isShadow) shadows++
        return isNew
      },
      gap: ({ from, to, reason }) => producer.explain(from, to, nameOfReason(reason), onGap),
    }
    const { froms, count, isWhole } = visitEntries(frame, visitor)
    if (count === 0) return isWhole
    const before = sink.held.rows
    const unreadable = sink.write({ producer: producer.producer, layouts, frame, froms, count })
    const lost = unreadable.filter(({ isShadow }) => !isShadow)
    for (const { sequence } of lost) producer.takeBack(sequence, 'corrupt', onGap)
    this.#totals.records += count - shadows - lost.length
    this.#totals.shadows += shadows - (unreadable.length - lost.length)
    this.#totals.rows += sink.held.rows - before
    return isWhole
  }
}

/** Of a later release: it is a reason all the same. */
const nameOfReason = (reason: number): string => gapReasonName(reason) || `reason_${reason}`
