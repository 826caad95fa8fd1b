/** The way of frames into a sink: what is in them is counted, and noted of its producer. */

import { GAP_REASON, gapReasonName } from '../reasons.ts'
import type { RecordLayout } from '../record-layout.ts'
import { ACCOUNT_BYTES, FRAME, readGapFrame } from '../spool/segment-format.ts'
import type { Frame } from '../spool/segment-reader.ts'
import { type EntryVisitor, visitEntries } from './frame-entries.ts'
import { frameViews } from './frame-views.ts'
import type { FrameAccount, OnGap, ProducerLog } from './producer-log.ts'
import { NO_TOTALS, type ShipTotals } from './ship-state.ts'
import type { Sink } from './sink.ts'

/** What became of a frame. */
export interface Taken {
  /** False: something in it cannot be told, though its checksum is right. */
  readonly isWhole: boolean
  /** Entries that are no records. */
  readonly unreadable: number
  /** Some count as shipped of which nobody can tell that they are. */
  readonly isDoubtful: boolean
}

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

  /** A segment is set aside. */
  noteQuarantined(): void {
    this.#totals.quarantined++
  }

  /** Takes one frame; when this throws, it was taken in part. */
  take(
    producer: ProducerLog,
    frame: Pick<Frame, 'kind' | 'payload'>,
    account: FrameAccount,
    layouts: ReadonlyMap<number, RecordLayout>,
  ): Taken {
    const taken =
      frame.kind === FRAME.RECORDS ? this.#takeRecords(producer, frame.payload, layouts) : WHOLE
    this.#takeOthers(producer, frame, account)
    return taken
  }

  /**
   * Explains the records of a frame, and looks no further into them.
   *
   * @returns false: something in it cannot be told
   */
  setAside(
    producer: ProducerLog,
    frame: Pick<Frame, 'kind' | 'payload'>,
    account: FrameAccount,
  ): boolean {
    const isWhole = frame.kind !== FRAME.RECORDS || this.#explainRecords(producer, frame.payload)
    this.#takeOthers(producer, frame, account)
    return isWhole
  }

  #takeOthers(
    producer: ProducerLog,
    { kind, payload }: Pick<Frame, 'kind' | 'payload'>,
    account: FrameAccount,
  ): void {
    if (kind === FRAME.GAPS) {
      for (const { from, to, reason } of readGapFrame(payload) ?? []) {
        producer.explain(from, to, nameOfReason(reason), this.onGap(producer.producer))
      }
    }
    if (kind === FRAME.END) producer.end()
    producer.advance(account)
  }

  #explainRecords(producer: ProducerLog, payload: Uint8Array): boolean {
    const onGap = this.onGap(producer.producer)
    let [from, to] = [0, -1]
    const flush = (): void => producer.explain(from, to, UNSHIPPABLE, onGap)
    const { isWhole } = visitEntries(frameViews(payload.subarray(ACCOUNT_BYTES)), {
      record: (sequence, isShadow) => {
        if (isShadow) return false
        if (sequence !== to + 1) {
          flush()
          from = sequence
        }
        to = sequence
        return false
      },
      gap: ({ from: first, to: last, reason }) =>
        producer.explain(first, last, nameOfReason(reason), onGap),
    })
    flush()
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
  ): Taken {
    const sink = this.#sink
    const onGap = this.onGap(producer.producer)
    const frame = frameViews(payload.subarray(ACCOUNT_BYTES))
    let shadows = 0
    let isDoubtful = false
    const visitor: EntryVisitor = {
      record: (sequence, isShadow) => {
        const isNew = producer.record(sequence, isShadow)
        if (!isNew) {
          this.#totals.duplicates++
          isDoubtful ||= producer.hasLost
        } else if (isShadow) shadows++
        return isNew
      },
      gap: ({ from, to, reason }) => producer.explain(from, to, nameOfReason(reason), onGap),
    }
    const { froms, count, isWhole } = visitEntries(frame, visitor)
    if (count === 0) return { isWhole, unreadable: 0, isDoubtful }
    const before = sink.held.rows
    const unreadable = sink.write({ producer: producer.producer, layouts, frame, froms, count })
    const lost = unreadable.filter(({ isShadow }) => !isShadow)
    for (const { sequence } of lost) producer.takeBack(sequence, 'corrupt', onGap)
    this.#totals.records += count - shadows - lost.length
    this.#totals.shadows += shadows - (unreadable.length - lost.length)
    this.#totals.rows += sink.held.rows - before
    return { isWhole, unreadable: unreadable.length, isDoubtful }
  }
}

const WHOLE: Taken = { isWhole: true, unreadable: 0, isDoubtful: false }
const UNSHIPPABLE = gapReasonName(GAP_REASON.UNSHIPPABLE)

/** Of a later release: it is a reason all the same. */
const nameOfReason = (reason: number): string => gapReasonName(reason) || `reason_${reason}`
