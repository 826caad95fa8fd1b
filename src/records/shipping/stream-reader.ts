/**
 * Reads the segments of one stream, one after the other, from the places to which they are shipped.
 * One that cannot be read now is passed over, and comes another time: what is shipped once is told
 * by sequence, not by order.
 */

import type { ProcessIdentity } from '../../shared/process-identity.ts'
import { isOfMedium } from '../spool/bad-pages.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import { FRAME } from '../spool/segment-format.ts'
import type { Frame, SegmentEnd } from '../spool/segment-reader.ts'
import type { Handling } from './attempts.ts'
import type { FrameSink } from './frame-sink.ts'
import { OpenSegment } from './open-segment.ts'
import { type LatestSegment, SegmentNumbers } from './segment-numbers.ts'
import { SegmentPlaces } from './segment-places.ts'
import { SegmentTurns } from './segment-turns.ts'
import {
  type ListedSegment,
  type ReadFacts,
  type Stream,
  type Verdict,
  verdictOf,
} from './spool-folder.ts'

export interface StreamWorld {
  readonly files: FileCalls
  readonly folder: string
  isAlive(process: ProcessIdentity): boolean
  /** Wall clock, as that of files. */
  now(): number
  /** Monotonic milliseconds. */
  monotonic(): number
}

export class StreamReader {
  readonly #world: StreamWorld
  readonly places = new SegmentPlaces()
  readonly numbers: SegmentNumbers
  /** Something in its segments is lost. */
  isDamaged = false
  /**
   * Something may be lost: a segment that has a successor ends without a seal, or is there no more.
   */
  isTorn = false
  #open: OpenSegment | null = null
  /** Who writes the stream; null until a header has been read. */
  #process: ProcessIdentity | null
  #isDead = false
  #isAsked = false
  /** All that lies there has been read, but for what is passed over. */
  hasRead = false
  readonly #turns: SegmentTurns

  constructor(world: StreamWorld, process: ProcessIdentity | null, latest?: LatestSegment) {
    this.#world = world
    this.numbers = new SegmentNumbers(latest ?? null)
    this.#process = process
    this.#turns = new SegmentTurns(() => world.monotonic(), this.places)
  }

  /**
   * Asks whether the process that writes it is dead. To be called before the spool is listed: what
   * a process has written before it died is then in the list.
   */
  askAlive(): void {
    if (this.#process === null) return
    this.#isAsked = true
    if (this.#isDead || this.#world.isAlive(this.#process)) return
    this.#isDead = true
    // What looked as if it were half written is as it will be.
    this.#turns.hurry()
  }

  /** Whether its process was dead before the spool was listed. */
  get isDead(): boolean {
    return this.#isDead
  }

  /** Whether it has become known only now whose it is, so that it is worth to look again. */
  get isUnasked(): boolean {
    return this.#process !== null && !this.#isAsked
  }

  get process(): ProcessIdentity | null {
    return this.#process
  }

  /** Whether all of them are shipped. */
  hasAll(stream: Stream | null): boolean {
    return this.places.hasAll(stream)
  }

  /** Whether there is a segment that could not be read, as far as is known by anybody. */
  get isPassedOver(): boolean {
    return this.places.isPassedOver
  }

  /** Whether what was tried last cannot be read now, which was not known. */
  get isHeldUp(): boolean {
    return this.#turns.isHeldUp
  }

  /** Whether something of it is not there that was, or may have been when its process died. */
  misses(stream: Stream | null): boolean {
    if (this.numbers.isShort || this.places.missing(stream).length > 0) return true
    const isAlive = this.#isAsked && !this.#isDead
    return this.#process !== null && !isAlive && !this.places.isKnownBy(stream)
  }

  /** Reads on. True: everything that lies there has been read. */
  read(stream: Stream, sink: FrameSink): boolean {
    this.hasRead = this.#readAll(stream, sink)
    return this.hasRead
  }

  #readAll(stream: Stream, sink: FrameSink): boolean {
    const segments = this.numbers.settled(stream)
    const underWay = this.#open?.isUnderWay === true ? this.#open.file : null
    for (const segment of this.#turns.begin(segments, underWay)) {
      const { file } = segment
      this.places.revive(segment)
      if (this.places.of(file).done !== null) continue
      if (file !== underWay && !this.#turns.isDue(file, sink.passedOver)) continue
      if (!this.#readSegment(segment, sink)) return false
    }
    this.#turns.end()
    return true
  }

  /** Forgets the places of segments that are there no more. */
  forget(stream: Stream | null): void {
    const isShort = this.numbers.takeShort(this.#isDead, this.#world.monotonic())
    if (isShort || this.places.missing(stream).length > 0) this.isTorn = true
    this.places.forget(stream)
    this.#turns.forget()
  }

  close(): void {
    this.#open?.reader.close()
    this.#open = null
  }

  /** False: it was told to stop. */
  #readSegment(segment: ListedSegment, sink: FrameSink): boolean {
    const sinceMs = this.#world.monotonic()
    const open = this.#opened(segment.file)
    const { offset } = this.places.of(segment.file)
    const end = this.#readFrames(open, segment, sink)
    if (this.places.of(segment.file).offset > offset) this.#turns.isHeldUp = false
    open.isUnderWay = end === null
    if (end === null) return false
    const isLeft = this.#settle(segment, open, end, sink)
    if (isLeft) this.#turns.passOver(segment.file, sinceMs, sink.passedOver)
    else this.#turns.take(segment.file, sink.passedOver)
    return true
  }

  #opened(file: string): OpenSegment {
    if (this.#open?.file === file) return this.#open
    this.close()
    this.#open = new OpenSegment(this.#world, file, this.places.of(file))
    return this.#open
  }

  /** Why there is no further frame; null: it was told to stop. */
  #readFrames(open: OpenSegment, segment: ListedSegment, sink: FrameSink): SegmentEnd | null {
    const { file, reader } = open
    const { bytes, isSeen, isSucceeded } = segment
    while (!open.isNewer) {
      if (!sink.goesOn()) return null
      const { offset } = this.places.of(file)
      const handling = bytes > offset || !isSeen ? sink.begin(file, offset) : 'take'
      if (handling === 'commitFirst') return null
      open.isPassedOver = handling === 'passOver'
      if (open.isPassedOver) return 'unreadable'
      const frame = reader.next()
      this.#process ??= reader.header?.process ?? null
      if (frame === null) {
        const isFinal = isSucceeded || this.#isDead
        if (isFinal && this.#skips(open, sink)) continue
        return reader.end
      }
      if (frame.kind === FRAME.LAYOUT) this.#takeLayout(open, frame, sink)
      else if (frame.kind !== FRAME.SEAL) this.#give(open, frame, handling, sink)
      const isBehind = frame.to > this.places.of(file).offset
      if (isBehind && !open.isNewer) this.places.note(file, { offset: frame.to })
    }
    return 'newer'
  }

  /**
   * Goes on behind what is damaged: what lies there is whole, and says what there was before it.
   * False: nothing that is whole lies there.
   */
  #skips({ file, reader }: OpenSegment, sink: FrameSink): boolean {
    const from = reader.offset
    const skipped = reader.skip()
    if (skipped !== 'done') return skipped === 'later'
    this.isDamaged = true
    this.places.note(file, { isKept: true })
    sink.fault(
      file,
      `there is no whole frame from ${from} to ${reader.offset}: what it was is lost`,
    )
    return true
  }

  #give({ file, reader, layouts }: OpenSegment, frame: Frame, how: Handling, to: FrameSink): void {
    try {
      const isSetAside = how === 'setAside'
      const [header, isBehindDamage] = [reader.header!, reader.hasSkipped]
      const isWhole = to.frame({ frame, header, layouts, isSetAside, isBehindDamage })
      if (!isWhole) this.places.note(file, { isKept: true })
    } catch (thrown) {
      // The reader is behind it: another one has to begin with it.
      this.close()
      throw thrown
    }
  }

  #takeLayout(open: OpenSegment, { payload }: Frame, sink: FrameSink): void {
    const detail = open.takeLayout(payload)
    if (detail === null) return
    if (!open.isNewer) this.places.note(open.file, { isKept: true })
    sink.fault(open.file, detail)
  }

  /** Counts for how long a disk has not given it. */
  #countUnreadable({ file, detail, isLastTime }: OpenSegment, end: SegmentEnd, sink: FrameSink) {
    if (isLastTime) return
    const isUnreadable = end === 'unreadable' && isOfMedium(detail)
    if (this.places.countUnreadable(file, isUnreadable, sink.lookedMs)) sink.changed()
  }

  #factsOf(segment: ListedSegment, open: OpenSegment, end: SegmentEnd): ReadFacts {
    const { isSeen, isSucceeded, changedMs } = segment
    const { now } = this.#world
    // Of one that is open here, but may be away with the spool, nobody knows where it ends.
    const isKnown = isSeen || end !== 'open'
    return {
      ...{ end, isFinal: isKnown && (isSucceeded || this.#isDead) },
      isHeadless: open.reader.header === null,
      ...{ isNameless: this.#process === null, idleMs: changedMs === null ? 0 : now() - changedMs },
      hasBytes: () => open.lookBehind(0),
    }
  }

  /** Whether it is left as it is. */
  #settle(segment: ListedSegment, open: OpenSegment, found: SegmentEnd, sink: FrameSink): boolean {
    const { file } = segment
    // What a disk does not give any more is damage like other.
    let end = open.isLostIn(found) ? 'corrupt' : found
    let verdict = verdictOf(this.#factsOf(segment, open, end))
    if (verdict === 'done') open.lookBehind(open.reader.offset)
    if (open.isRestUnseen) [end, verdict] = ['unreadable', 'wait']
    if (!open.isPassedOver) this.#countUnreadable(open, end, sink)
    if (open.isTired) {
      this.places.note(file, { badPages: open.badPages })
      sink.changed()
    }
    for (const detail of open.faults(end, verdict)) sink.fault(file, detail)
    // Also what looks damaged while it is written: it would be read anew four times a second.
    const isLeft = verdict === 'leave' || (verdict === 'wait' && end !== 'open')
    if (isLeft !== (this.places.of(file).isPassedOver ?? false)) {
      this.places.note(file, { isPassedOver: isLeft })
      // A later process is not to begin with it.
      sink.changed()
    }
    if (verdict === 'done' || verdict === 'quarantine') this.#finish(segment, end, verdict, sink)
    if (verdict !== 'wait' || end !== 'open') this.close()
    return isLeft
  }

  /** It has come to its end. */
  #finish(segment: ListedSegment, end: SegmentEnd, is: Verdict, to: FrameSink): void {
    const { file, isSucceeded, bytes } = segment
    if (this.#process === null && !isSucceeded) this.places.note(file, { bytesAlone: bytes })
    // Its writer went on in another one, and seals what it leaves: perhaps it was cut off.
    if (end === 'open' && isSucceeded) this.isTorn = true
    if (is === 'quarantine') this.isDamaged = true
    const isKept = is === 'quarantine' || this.#isToBeKept(this.#open!, to)
    this.places.note(file, { done: isKept ? 'quarantine' : 'done' })
    to.end(file, isKept)
  }

  /** Whether something is in it that was not shipped, though it has come to its end. */
  #isToBeKept({ file, hasRest, reader }: OpenSegment, sink: FrameSink): boolean {
    if (this.places.of(file).isKept === true) return true
    if (!hasRest) return false
    sink.fault(file, `there is no whole frame at ${reader.offset}, and its writer is done`)
    this.places.note(file, { isTorn: true })
    return true
  }
}
