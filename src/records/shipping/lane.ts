/**
 * The way of records from the spool into one sink: reads frames, leaves out what is shipped
 * already, and commits places, accounts and what the sink was about to do at one moment.
 *
 * What is promised: a record that is whole in a segment comes into the sink exactly once, however
 * often the process dies and in whatever order segments are read. Without its state file, which is
 * replaced as a whole, what was shipped above the floor of a published account may come twice.
 */

import { GatewayError } from '../../shared/errors.ts'
import { predictionIdPrefix } from '../../shared/ids.ts'
import type { RecordLayout } from '../record-layout.ts'
import type { SegmentHeader } from '../spool/segment-format.ts'
import type { Frame } from '../spool/segment-reader.ts'
import { encodeAccount, isForgettable, retire } from './account.ts'
import { isCommitDue, isFull, type LaneLimits } from './commit-due.ts'
import { Committed } from './committed.ts'
import { accountOf } from './frame-account.ts'
import { FrameIntake } from './frame-intake.ts'
import { type BookedStream, type FindAccount, LaneBook } from './lane-book.ts'
import { PatientClock } from './patient-clock.ts'
import { readShipState, type ShipState, type ShipTotals, writeShipState } from './ship-state.ts'
import type { Intent, Sink } from './sink.ts'
import { type Stream, streamKeyOfFile } from './spool-folder.ts'
import type { FrameSink, StreamWorld } from './stream-reader.ts'

export interface LaneOptions extends StreamWorld {
  readonly sink: Sink
  readonly statePath: string
  readonly limits: LaneLimits
  readonly findAccount: FindAccount
  /** For people: what was found wrong, once for each file. */
  onFault(file: string, detail: string): void
}

/** How long one step reads, so that others have their turn. */
const STEP_MS = 50

/**
 * A fault of ours in the middle of a frame: what is noted of it and what the sink has may differ.
 * Only a new process, which begins with what was committed, may go on.
 */
export class LaneBroken extends Error {
  constructor(cause: unknown) {
    super('A frame was taken in part', { cause })
    this.name = 'LaneBroken'
  }
}

export class Lane {
  readonly #options: LaneOptions
  readonly #book: LaneBook
  readonly #intake: FrameIntake
  #patient: PatientClock
  /** Texts of accounts that no sink has been given yet. */
  readonly #accounts = new Map<string, string | null>()
  /** What was prepared; it has to be written and published before anything else. */
  #unwritten: ShipState | null = null
  #unpublished: Intent | null = null
  /** What is safe in the sink. */
  readonly committed = new Committed()
  #turns = 0
  /** Monotonic ms since when there is something to commit; -1: there is nothing. */
  #dirtySinceMs = -1
  #committedMs = Number.NEGATIVE_INFINITY
  #committedAtMs = 0
  #isOpen = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.#book = new LaneBook(options, this.#findAccount)
    this.#intake = new FrameIntake(options.sink)
    this.#patient = new PatientClock(options)
  }

  /** Whether it knows what was committed before. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  get totals(): ShipTotals {
    return this.#intake.totals
  }

  /** Wall clock of the last commit; 0: there was none yet. */
  get committedMs(): number {
    return this.#committedAtMs
  }

  /** To be called before the spool is listed for `step`. */
  askAlive(): void {
    this.#book.askAlive()
  }

  /** Whether there is something to ask that was not known of the last time. */
  get isUnasked(): boolean {
    return this.#book.isUnasked
  }

  /**
   * One turn: begins, retries, reads for a moment, or commits, whatever is next.
   *
   * @returns false: there was nothing to do
   * @throws what stands in the way of the sink or of the state file; nothing is lost, try later
   */
  async step(streams: readonly Stream[], isLast = false): Promise<boolean> {
    if (!this.#isOpen) await this.#openSink()
    if (await this.#finishCommit()) return true
    const listed = new Map(streams.map((stream) => [stream.key, stream]))
    const { held } = this.#options.sink
    const [rows, bytes] = [held.rows, held.bytes]
    const hasAll = this.#read(streams)
    const hasRead = held.rows !== rows || held.bytes !== bytes
    if (this.#book.forget(listed) || this.#book.hasEnded(listed)) this.#touch()
    await this.#tidy()
    if (!this.#isDue(isLast && hasAll)) return hasRead || !hasAll
    await this.#commit(listed)
    return true
  }

  /** One account that cannot be read holds up no other producer. */
  readonly #findAccount: FindAccount = (producer) => {
    const { findAccount, onFault } = this.#options
    try {
      return findAccount(producer)
    } catch (thrown) {
      onFault(producer, `its account cannot be read, what is shipped is counted anew (${thrown})`)
      return null
    }
  }

  close(): void {
    this.#book.close()
  }

  async #openSink(): Promise<void> {
    const { sink } = this.#options
    const state = this.#readState()
    await sink.open(state?.sinkState ?? null, state?.intent ?? null)
    if (state !== null) {
      this.#book.restore(state, streamKeyOfFile)
      this.committed.take(state)
      this.#intake.restore(state.totals)
      this.#patient = new PatientClock(this.#options, state.time)
    }
    this.#isOpen = true
  }

  /** A state that is damaged is set aside: accounts under `records.path` tell nearly as much. */
  #readState(): ShipState | null {
    const { files, statePath, onFault } = this.#options
    try {
      return readShipState(files, statePath)
    } catch (thrown) {
      const { code, message } = GatewayError.from(thrown)
      if (code !== 'STATE_CORRUPT') throw thrown
      files.rename(statePath, `${statePath}.corrupt`)
      onFault(statePath, `${message}; it is set aside, and some records may be shipped twice`)
      return null
    }
  }

  /** Returns whether something had been left over. */
  async #finishCommit(): Promise<boolean> {
    if (this.#unwritten === null) return false
    const { files, statePath, sink } = this.#options
    const state = this.#unwritten
    if (this.#unpublished === null) {
      // Again after it has failed: the same, so it does not matter which of the two is there.
      writeShipState(files, statePath, state)
      this.#unpublished = state.intent
    }
    if (this.#unpublished !== null) await sink.publish(this.#unpublished)
    this.committed.take(state)
    this.#unpublished = null
    this.#unwritten = null
    return true
  }

  #touch(): void {
    if (this.#dirtySinceMs < 0) this.#dirtySinceMs = this.#options.monotonic()
  }

  #isFull(): boolean {
    const { sink, limits } = this.#options
    return isFull(sink.held, limits)
  }

  #isDue(isLast: boolean): boolean {
    if (this.#dirtySinceMs < 0) return false
    const { monotonic, limits } = this.#options
    const times = { nowMs: monotonic(), sinceMs: this.#dirtySinceMs, lastMs: this.#committedMs }
    return isLast || this.#isFull() || isCommitDue(times, limits)
  }

  /** Whether everything that lies there has been read. */
  #read(streams: readonly Stream[]): boolean {
    const untilMs = this.#options.monotonic() + STEP_MS
    let hasAll = true
    // Each in turn is the first: one with ever more would leave no time for those behind it.
    const first = streams.length === 0 ? 0 : this.#turns++ % streams.length
    for (const listed of [...streams.slice(first), ...streams.slice(0, first)]) {
      const stream = this.#book.stream(listed.key)
      const sink: FrameSink = {
        frame: (frame, header, layouts) => this.#take(stream, frame, header, layouts),
        goesOn: () => !this.#isFull() && this.#options.monotonic() < untilMs,
        fault: (file, detail) => this.#options.onFault(file, detail),
      }
      if (!stream.reader.read(listed, sink)) hasAll = false
      for (const { file } of listed.segments) {
        if (stream.reader.places.get(file)?.done === 'quarantine' && !stream.isDamaged) {
          stream.isDamaged = true
          this.#intake.noteQuarantined()
          this.#touch()
        }
      }
    }
    return hasAll
  }

  #take(
    stream: BookedStream,
    frame: Frame,
    header: SegmentHeader,
    layouts: ReadonlyMap<number, RecordLayout>,
  ): void {
    const account = accountOf(frame)
    if (account === null) return
    this.#touch()
    const { gateway, replica, incarnation } = header
    // It becomes the name of a file.
    if (!/^[A-Za-z0-9_]{1,64}$/.test(gateway)) {
      this.#options.onFault(gateway, 'records of a gateway of such a name are left out')
      return
    }
    const name = predictionIdPrefix(gateway, replica, account.thread, incarnation).slice(0, -1)
    const producer = this.#book.producer(stream, name)
    try {
      const isWhole = this.#intake.take(producer, frame, account, layouts)
      if (!isWhole) stream.reader.isTorn = true
    } catch (cause) {
      throw new LaneBroken(cause)
    }
  }

  /** Notes in their accounts what of producers is given up with the next commit. */
  async #tidy(): Promise<void> {
    const { sink, now, monotonic } = this.#options
    const believedMs = this.#patient.now()
    const monotonicMs = monotonic()
    if (!sink.isTidyDue(monotonicMs)) return
    const retired = await sink.tidy({ monotonicMs, wallMs: now(), believedMs })
    for (const [name, each] of retired) {
      this.#touch()
      if (this.#book.retire(name, each)) continue
      const account = this.#findAccount(name)
      if (account === null) continue
      const rest = retire(account, each)
      this.#accounts.set(name, isForgettable(rest) ? null : encodeAccount(rest))
    }
    if (sink.hasTidied) this.#touch()
  }

  async #commit(listed: ReadonlyMap<string, Stream>): Promise<void> {
    const { sink, now } = this.#options
    this.#book.settle(listed, (producer) => this.#intake.onGap(producer))
    for (const [name, text] of this.#book.takeChangedTexts()) this.#accounts.set(name, text)
    const { intent, state } = await sink.prepare(this.#accounts, now())
    this.#accounts.clear()
    this.#dirtySinceMs = -1
    this.#committedMs = this.#options.monotonic()
    this.#committedAtMs = now()
    this.#unwritten = {
      ...{ sink: sink.name, totals: this.#intake.totals, sinkState: state, intent },
      ...{ ...this.#book.snapshot(), time: this.#patient.time },
    }
    await this.#finishCommit()
  }
}
