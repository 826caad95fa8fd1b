/** A segment that is being read, and what of it is needed to make sense of its frames. */

import { join } from 'node:path'
import { GatewayError } from '../../shared/errors.ts'
import { decodeLayout } from '../layout-file.ts'
import type { RecordLayout } from '../record-layout.ts'
import { AroundBadPages } from '../spool/bad-pages.ts'
import { errnoOf, type ReadCalls } from '../spool/file-calls.ts'
import { readLayoutId } from '../spool/segment-format.ts'
import { type SegmentEnd, SegmentReader } from '../spool/segment-reader.ts'
import { findBytesBehind } from './segment-rest.ts'
import type { SegmentPlace } from './ship-state.ts'
import type { Verdict } from './spool-folder.ts'

const LAYOUT_ID_BYTES = 8
const TIRED = 'its disk takes long to say what it does not give'
const PASSED_OVER = 'the shipper has ended again and again when it read on'
/** What a disk has not given for so long it will not give: a disk that is away comes back. */
const UNREADABLE_MS_MAX = 86_400_000

/** Where segments lie, and by which time. */
export interface SegmentWorld {
  readonly files: ReadCalls
  readonly folder: string
  /** Monotonic milliseconds. */
  monotonic(): number
}

export class OpenSegment {
  readonly file: string
  readonly reader: SegmentReader
  readonly layouts = new Map<number, RecordLayout>()
  /** A layout of a later release was in it. */
  isNewer = false
  /** What comes next is not to be read now. */
  isPassedOver = false
  /** It was told to stop before its end. */
  isUnderWay = false
  /** As of the last time that somebody looked behind what is whole. */
  hasRest = false
  /** Code of the system; empty: it could be looked at. */
  #restFault = ''
  readonly #files: ReadCalls
  readonly #path: string
  /** null: what cannot be read may be another time. */
  readonly #around: AroundBadPages | null

  constructor({ files, folder, monotonic }: SegmentWorld, file: string, place: SegmentPlace) {
    const { offset, unreadableMs = 0, badPages } = place
    const isGivenUp = unreadableMs >= UNREADABLE_MS_MAX
    this.file = file
    this.#around = isGivenUp ? new AroundBadPages(files, monotonic, badPages) : null
    this.#files = files
    this.#path = join(folder, file)
    this.reader = new SegmentReader(this.#around ?? files, this.#path, offset)
  }

  /** Looks whether anything lies behind `offset`. */
  lookBehind(offset: number): boolean {
    try {
      this.hasRest = findBytesBehind(this.#files, this.#path, offset)
    } catch (thrown) {
      this.hasRest = true
      const errno = errnoOf(thrown)
      if (errno === '') throw thrown
      if (!this.isLastTime) this.#restFault = errno
    }
    return this.hasRest
  }

  /** Whether nobody knows now what lies behind what is whole. */
  get isRestUnseen(): boolean {
    return this.#restFault !== ''
  }

  /** Why it cannot be read, or what is wrong with it. */
  get detail(): string {
    return this.#restFault || this.reader.detail
  }

  /** What cannot be read now is lost. */
  get isLastTime(): boolean {
    return this.#around !== null
  }

  /** What is to be known for going on with it another time: where it does not give pages. */
  get badPages(): readonly number[] {
    return this.#around?.badPages ?? []
  }

  /** Whether it takes so long to find them that it goes on another time. */
  get isTired(): boolean {
    return this.#around?.isTired === true
  }

  /** Whether the disk does not give all of it any more, given why there was no further frame. */
  isLostIn(end: SegmentEnd): boolean {
    if (this.#around === null || this.isPassedOver || this.isTired) return false
    return this.#around.lostBytes > 0 || end === 'unreadable'
  }

  /** What is to be told to people of a segment that is read to its end. */
  faults(end: SegmentEnd, verdict: Verdict): string[] {
    const { isPassedOver, isTired, reader } = this
    const detail = isPassedOver ? PASSED_OVER : isTired ? TIRED : this.detail
    const lost = isTired ? 0 : (this.#around?.lostBytes ?? 0)
    return [
      ...(lost > 0 ? [`for a day the disk has not given ${lost} bytes of it: they are lost`] : []),
      ...(verdict === 'leave' ? [`it is of a later release (${detail})`] : []),
      ...(verdict === 'quarantine' ? [`the rest is lost: ${end} ${detail}`] : []),
      ...(end === 'unreadable' ? [`it cannot be read (${detail})`] : []),
      ...(verdict === 'done' && reader.isMended ? ['its first bytes were damaged: mended'] : []),
    ]
  }

  /** What is wrong with a layout, for people; null: it is known from now on. */
  takeLayout(payload: Uint8Array): string | null {
    const id = readLayoutId(payload)
    if (id === null) return null
    try {
      this.layouts.set(id, decodeLayout(payload.subarray(LAYOUT_ID_BYTES)))
      return null
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      this.isNewer = code === 'STATE_TOO_NEW'
      return message
    }
  }
}
