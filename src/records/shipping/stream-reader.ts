/**
 * Reads the segments of one stream, one after the other, from the places to which they are shipped.
 * One that cannot be read now is passed over, and comes another time: what is shipped once is told
 * by sequence, not by order.
 */

import { join } from 'node:path'
import { GatewayError } from '../../shared/errors.ts'
import type { ProcessIdentity } from '../../shared/process-identity.ts'
import { decodeLayout } from '../layout-file.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import { FRAME, readLayoutId, type SegmentHeader } from '../spool/segment-format.ts'
import { type Frame, type SegmentEnd, SegmentReader } from '../spool/segment-reader.ts'
import type { Handling } from './attempts.ts'
import { hasBytesBehind } from './segment-rest.ts'
import type { SegmentPlace } from './ship-state.ts'
import { type ListedSegment, type Stream, type Verdict, verdictOf } from './spool-folder.ts'

export interface StreamWorld {
  readonly files: FileCalls
  readonly folder: string
  isAlive(process: ProcessIdentity): boolean
  /** Wall clock, as that of files. */
  now(): number
  /** Monotonic milliseconds. */
  monotonic(): number
}

/** A frame but LAYOUT, HEADER and SEAL, and what is needed to make sense of it. */
export interface ReadFrame {
  readonly frame: Frame
  readonly header: SegmentHeader
  readonly layouts: ReadonlyMap<number, RecordLayout>
  /** It is to be explained, not to be taken. */
  readonly isSetAside: boolean
  /** Something before it in its segment is lost. */
  readonly isBehindDamage: boolean
}

/** Where frames go. */
export interface FrameSink {
  /** A frame at this place is about to be read. */
  begin(file: string, offset: number): Handling
  /**
   * What it throws goes to the caller; the frame comes again.
   *
   * @returns false: not all of it could be told, so that its segment is to be kept
   */
  frame(read: ReadFrame): boolean
  /** False: enough for now. */
  goesOn(): boolean
  /** For people: something of a segment cannot be read. */
  fault(file: string, detail: string): void
  /** A segment is read to its end; `isKept`: it is to be set aside. */
  end(file: string, isKept: boolean): void
}

interface OpenSegment {
  readonly file: string
  readonly reader: SegmentReader
  readonly layouts: Map<number, RecordLayout>
  /** A layout of a later release was in it. */
  isNewer: boolean
  /** What comes next is not to be read now. */
  isPassedOver: boolean
}

const LAYOUT_ID_BYTES = 8
const PASSED_OVER = 'the shipper has ended again and again when it read on'
/** For what cannot be read, perhaps for ever. */
const LOOK_AGAIN_MS = 30_000

export class StreamReader {
  readonly #world: StreamWorld
  readonly places = new Map<string, SegmentPlace>()
  /** Something in its segments is lost. */
  isDamaged = false
  /** A segment of it that has a successor ends without a seal: something in it may be lost. */
  isTorn = false
  #open: OpenSegment | null = null
  /** Who writes the stream; null until a header has been read. */
  #process: ProcessIdentity | null
  #isDead = false
  #isAsked = false
  /** Monotonic ms before which it makes no sense to look again. */
  readonly #notBeforeMs = new Map<string, number>()

  constructor(world: StreamWorld, process: ProcessIdentity | null) {
    this.#world = world
    this.#process = process
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
    this.#notBeforeMs.clear()
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
    return stream?.segments.every(({ file }) => this.#placeOf(file).done !== null) ?? true
  }

  /** Whether there is a segment that could not be read, as far as is known by anybody. */
  get isPassedOver(): boolean {
    return [...this.places.values()].some(
      ({ done, isPassedOver }) => done === null && isPassedOver === true,
    )
  }

  /** Reads on. True: everything that lies there has been read. */
  read(stream: Stream, sink: FrameSink): boolean {
    for (const segment of stream.segments) {
      if (this.#placeOf(segment.file).done !== null || !this.#isDue(segment)) continue
      if (!this.#readSegment(segment, sink)) return false
    }
    return true
  }

  /** Forgets the places of segments that are there no more. */
  forget(stream: Stream | null): void {
    const there = new Set(stream?.segments.map(({ file }) => file))
    for (const map of [this.places, this.#notBeforeMs]) {
      for (const file of map.keys()) if (!there.has(file)) map.delete(file)
    }
  }

  close(): void {
    this.#open?.reader.close()
    this.#open = null
  }

  #isDue({ file }: ListedSegment): boolean {
    return this.#world.monotonic() >= (this.#notBeforeMs.get(file) ?? 0)
  }

  #placeOf(file: string): SegmentPlace {
    return this.places.get(file) ?? { offset: 0, done: null }
  }

  /** False: it was told to stop. */
  #readSegment(segment: ListedSegment, sink: FrameSink): boolean {
    const open = this.#opened(segment.file)
    const end = this.#readFrames(open, segment, sink)
    if (end === null) return false
    const verdict = verdictOf({
      ...{ end, isFinal: segment.isSucceeded || this.#isDead },
      isNameless: this.#process === null,
      idleMs: this.#world.now() - segment.changedMs,
    })
    this.#settle(segment, verdict, end, sink)
    if (verdict !== 'wait' || end !== 'open') this.close()
    return true
  }

  #opened(file: string): OpenSegment {
    if (this.#open?.file === file) return this.#open
    this.close()
    const { files, folder } = this.#world
    const reader = new SegmentReader(files, join(folder, file), this.#placeOf(file).offset)
    this.#open = { file, reader, layouts: new Map(), isNewer: false, isPassedOver: false }
    return this.#open
  }

  /** Why there is no further frame; null: it was told to stop. */
  #readFrames(open: OpenSegment, segment: ListedSegment, sink: FrameSink): SegmentEnd | null {
    const { file, reader } = open
    const { bytes, isSucceeded } = segment
    while (!open.isNewer) {
      if (!sink.goesOn()) return null
      const { offset } = this.#placeOf(file)
      const handling = bytes > offset ? sink.begin(file, offset) : 'take'
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
      const isBehind = frame.to > this.#placeOf(file).offset
      if (isBehind && !open.isNewer) this.#note(file, { offset: frame.to })
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
    this.#note(file, { isKept: true })
    sink.fault(
      file,
      `there is no whole frame from ${from} to ${reader.offset}: what it was is lost`,
    )
    return true
  }

  #note(file: string, change: Partial<SegmentPlace>): void {
    this.places.set(file, { ...this.#placeOf(file), ...change })
  }

  #give({ file, reader, layouts }: OpenSegment, frame: Frame, how: Handling, to: FrameSink): void {
    try {
      const isSetAside = how === 'setAside'
      const [header, isBehindDamage] = [reader.header!, reader.hasSkipped]
      const isWhole = to.frame({ frame, header, layouts, isSetAside, isBehindDamage })
      if (!isWhole) this.#note(file, { isKept: true })
    } catch (thrown) {
      // The reader is behind it: another one has to begin with it.
      this.close()
      throw thrown
    }
  }

  #takeLayout(open: OpenSegment, { payload }: Frame, sink: FrameSink): void {
    const id = readLayoutId(payload)
    if (id === null) return
    try {
      open.layouts.set(id, decodeLayout(payload.subarray(LAYOUT_ID_BYTES)))
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      open.isNewer = code === 'STATE_TOO_NEW'
      if (!open.isNewer) this.#note(open.file, { isKept: true })
      sink.fault(open.file, message)
    }
  }

  #settle(segment: ListedSegment, verdict: Verdict, end: SegmentEnd, sink: FrameSink): void {
    const { file } = segment
    const isPassedOver = this.#open?.isPassedOver === true
    const detail = isPassedOver ? PASSED_OVER : (this.#open?.reader.detail ?? '')
    if (verdict === 'leave') sink.fault(file, `it is of a later release (${detail})`)
    if (verdict === 'quarantine') sink.fault(file, `the rest is lost: ${end} ${detail}`)
    if (end === 'unreadable') sink.fault(file, `it cannot be read (${detail})`)
    // Also what looks damaged while it is written: it would be read anew four times a second.
    const isLeft = verdict === 'leave' || (verdict === 'wait' && end !== 'open')
    if (isLeft) this.#notBeforeMs.set(file, this.#world.monotonic() + LOOK_AGAIN_MS)
    if (isLeft !== (this.#placeOf(file).isPassedOver ?? false)) {
      this.#note(file, { isPassedOver: isLeft })
    }
    if (verdict !== 'done' && verdict !== 'quarantine') return
    // Its writer went on in another one, and seals what it leaves: perhaps it was cut off.
    if (end === 'open' && segment.isSucceeded) this.isTorn = true
    if (verdict === 'quarantine') this.isDamaged = true
    const isKept = verdict === 'quarantine' || this.#isToBeKept(file, end, sink)
    this.#note(file, { done: isKept ? 'quarantine' : 'done' })
    sink.end(file, isKept)
  }

  /** Whether something is in it that was not shipped, though it has come to its end. */
  #isToBeKept(file: string, end: SegmentEnd, sink: FrameSink): boolean {
    if (this.#placeOf(file).isKept === true) return true
    const { files, folder } = this.#world
    const offset = this.#open?.reader.offset ?? 0
    if (end === 'missing' || !hasBytesBehind(files, join(folder, file), offset)) return false
    sink.fault(file, `there is no whole frame at ${offset}, and its writer is done`)
    this.#note(file, { isTorn: true })
    return true
  }
}
