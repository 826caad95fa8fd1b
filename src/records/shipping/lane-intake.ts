/** How a lane reads: a while of every stream in turn, and what is read into the sink. */

import { predictionIdPrefix } from '../../shared/ids.ts'
import type { Attempts } from './attempts.ts'
import { accountOf } from './frame-account.ts'
import type { FrameIntake } from './frame-intake.ts'
import type { FrameSink, ReadFrame } from './frame-sink.ts'
import type { BookedStream, LaneBook } from './lane-book.ts'
import type { Stream } from './spool-folder.ts'

/** How long one step reads, so that others have their turn. */
const STEP_MS = 50

/**
 * A fault of ours: what is noted of frames and what the sink has may differ, or the sink has what
 * it cannot write. Only a new process, which begins with what was committed, may go on.
 */
export class LaneBroken extends Error {
  constructor(cause: unknown) {
    super('What was read cannot be shipped', { cause })
    this.name = 'LaneBroken'
  }
}

export interface LaneIntakeOptions {
  readonly book: LaneBook
  readonly intake: FrameIntake
  readonly attempts: Attempts
  /** Monotonic milliseconds. */
  monotonic(): number
  /** Whether the sink holds as much as it may. */
  isFull(): boolean
  /** There is something to commit. */
  onChange(): void
  onFault(file: string, detail: string): void
}

export class LaneIntake {
  readonly #options: LaneIntakeOptions
  #turns = 0
  /** The stream in which a frame is to be read alone, after a commit; null: there is none. */
  #waiting: string | null = null
  /** Frames since the last commit. */
  frames = 0

  constructor(options: LaneIntakeOptions) {
    this.#options = options
  }

  /** Whether no further frame may be read before a commit. */
  get isFull(): boolean {
    const { attempts, isFull } = this.#options
    return this.#waiting !== null || this.frames >= attempts.framesMax || isFull()
  }

  /**
   * Reads for a while; true: everything that lies there has been read.
   *
   * @throws LaneBroken
   */
  read(streams: readonly Stream[]): boolean {
    const { book, attempts, monotonic } = this.#options
    const untilMs = monotonic() + STEP_MS
    let hasAll = true
    // Each in turn is the first: one with ever more would leave no time for those behind it.
    const waiting = streams.findIndex(({ key }) => key === this.#waiting)
    const first = waiting < 0 ? this.#turns++ % Math.max(1, streams.length) : waiting
    this.#waiting = null
    try {
      for (const listed of [...streams.slice(first), ...streams.slice(0, first)]) {
        const stream = book.stream(listed.key)
        if (!stream.reader.read(listed, this.#sinkOf(listed.key, stream, untilMs))) hasAll = false
      }
    } catch (cause) {
      throw new LaneBroken(cause)
    }
    if (this.frames === 0) attempts.spare(hasAll)
    return hasAll
  }

  #sinkOf(key: string, stream: BookedStream, untilMs: number): FrameSink {
    const { intake, attempts, monotonic, onChange, onFault } = this.#options
    return {
      begin: (file, offset) => {
        const handling = attempts.begin(file, offset, this.frames === 0)
        if (handling === 'commitFirst') this.#waiting = key
        return handling
      },
      frame: (read) => this.#take(stream, read),
      goesOn: () => !this.isFull && monotonic() < untilMs,
      fault: onFault,
      changed: onChange,
      end: (_, isKept) => {
        if (isKept) intake.noteQuarantined()
        onChange()
      },
    }
  }

  /** False: something of it was not to be told. */
  #take(stream: BookedStream, read: ReadFrame): boolean {
    const { book, intake, onChange, onFault } = this.#options
    const { frame, header, layouts, isSetAside, isBehindDamage } = read
    const account = accountOf(frame, isBehindDamage)
    if (account === null) return true
    this.frames++
    onChange()
    const { gateway, replica, incarnation } = header
    // It becomes the name of a file.
    if (!/^[A-Za-z0-9_]{1,64}$/.test(gateway)) {
      onFault(gateway, 'records of a gateway of such a name are left out')
      return false
    }
    const name = predictionIdPrefix(gateway, replica, account.thread, incarnation).slice(0, -1)
    const producer = book.producer(stream, name)
    if (isSetAside) {
      onFault(name, `a frame that ends the shipper is set aside: byte ${frame.from}`)
      if (!intake.setAside(producer, frame, account)) stream.reader.isTorn = true
      return false
    }
    const { isWhole, unreadable, isDoubtful } = intake.take(producer, frame, account, layouts)
    if (!isWhole) stream.reader.isTorn = true
    return isWhole && unreadable === 0 && !isDoubtful
  }
}
