/** How a lane reads: a while of every stream in turn, and what is read into the sink. */

import { predictionIdPrefix } from '../../shared/ids.ts'
import { Refusals } from '../spool/refusals.ts'
import type { Attempts } from './attempts.ts'
import { accountOf } from './frame-account.ts'
import type { FrameIntake } from './frame-intake.ts'
import type { FrameSink, ReadFrame } from './frame-sink.ts'
import type { BookedStream, LaneBook } from './lane-book.ts'
import { LOOK_AGAIN_MS } from './segment-places.ts'
import type { Stream } from './spool-folder.ts'

/** How long one step reads, so that others have their turn. */
const STEP_MS = 50
/** Of what a disk does not give is asked so seldom that it takes a tenth of the time. */
const PAUSE = 9
/** From one look to the next, of the time that counts as looked. */
const LOOKED_MS_MAX = 2 * LOOK_AGAIN_MS

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
  readonly #passedOver: Refusals
  #lookedMs = 0
  /** Monotonic ms; null: it has not looked yet. */
  #lookedAtMs: number | null = null

  constructor(options: LaneIntakeOptions) {
    this.#options = options
    this.#passedOver = new Refusals(() => options.monotonic(), PAUSE)
  }

  /** Whether no further frame may be read before a commit. */
  get isFull(): boolean {
    const { attempts, isFull } = this.#options
    return this.#waiting !== null || this.frames >= attempts.framesMax || isFull()
  }

  /**
   * Reads for a while; true: everything that lies there has been read.
   *
   * @param isHome whether it is the spool that was there before
   * @throws LaneBroken
   */
  read(streams: readonly Stream[], isHome: boolean): boolean {
    const { book, attempts, monotonic } = this.#options
    const untilMs = monotonic() + STEP_MS
    this.#look(isHome)
    this.#passedOver.keep(new Set(streams.flatMap((each) => each.segments.map((s) => s.file))))
    let hasAll = true
    try {
      for (const listed of this.#inTurn(streams)) {
        const stream = book.stream(listed.key)
        if (!stream.reader.read(listed, this.#sinkOf(listed.key, stream, untilMs))) hasAll = false
      }
    } catch (cause) {
      throw new LaneBroken(cause)
    }
    if (this.frames === 0) attempts.spare(hasAll)
    return hasAll
  }

  /** While nobody looks, as the spool is away or a sink, what cannot be read may be well. */
  #look(isHome: boolean): void {
    const nowMs = this.#options.monotonic()
    const passedMs = nowMs - (this.#lookedAtMs ?? nowMs)
    if (isHome) this.#lookedMs += Math.min(passedMs, LOOKED_MS_MAX)
    this.#lookedAtMs = nowMs
  }

  /** Each in turn is the first: one with ever more would leave no time for those behind it. */
  #inTurn(streams: readonly Stream[]): readonly Stream[] {
    const waiting = streams.findIndex(({ key }) => key === this.#waiting)
    const first = waiting < 0 ? this.#turns++ % Math.max(1, streams.length) : waiting
    this.#waiting = null
    const inTurn = [...streams.slice(first), ...streams.slice(0, first)]
    if (waiting >= 0 || !this.#passedOver.isPausing) return inTurn
    // Nor may one of which the disk gives nothing, each time after seconds.
    const isHeldUp = ({ key }: Stream) => this.#options.book.stream(key).reader.isHeldUp
    return inTurn.toSorted((a, b) => Number(isHeldUp(a)) - Number(isHeldUp(b)))
  }

  #sinkOf(key: string, stream: BookedStream, untilMs: number): FrameSink {
    const { intake, attempts, monotonic, onChange, onFault } = this.#options
    return {
      ...{ passedOver: this.#passedOver, lookedMs: this.#lookedMs },
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
