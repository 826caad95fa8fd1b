/**
 * The way of records from the spool into one sink: reads frames, leaves out what is shipped
 * already, and commits places, accounts and what the sink was about to do at one moment.
 *
 * What is promised: a record that is whole in a segment comes into the sink exactly once, however
 * often the process dies and in whatever order segments are read. Without its state file, which is
 * replaced as a whole, what was shipped above the floor of a published account may come twice.
 */

import { basename, dirname, join } from 'node:path'
import { GatewayError } from '../../shared/errors.ts'
import type { Account } from './account.ts'
import { Attempts, type Lives } from './attempts.ts'
import { isCommitDue, isFull, type LaneLimits } from './commit-due.ts'
import { Committed } from './committed.ts'
import { FrameIntake } from './frame-intake.ts'
import { type BookWorld, isOfDisk, LaneBook } from './lane-book.ts'
import { LaneBroken, LaneIntake } from './lane-intake.ts'
import { PatientClock } from './patient-clock.ts'
import { readShipState, type ShipState, type ShipTotals, writeShipState } from './ship-state.ts'
import type { Intent, Prepared, Sink, Tidied } from './sink.ts'
import { type Stream, streamKeyOfFile } from './spool-folder.ts'
import { SpoolHome, type SpoolListing } from './spool-home.ts'

export interface LaneOptions extends BookWorld {
  readonly sink: Sink
  readonly statePath: string
  readonly limits: LaneLimits
  readonly lives: Lives
  /** Called between accounts, in each of which thousands of files may be counted. */
  readonly breathe?: () => Promise<void>
}

/** Beside the state. */
const attemptsPath = (statePath: string): string =>
  join(dirname(statePath), `attempts-${basename(statePath)}`)

export class Lane {
  readonly #options: LaneOptions
  readonly #book: LaneBook
  readonly #intake: FrameIntake
  readonly #attempts: Attempts
  readonly #reading: LaneIntake
  #patient: PatientClock
  #home: SpoolHome
  /** Texts of accounts that no sink has been given yet. */
  readonly #accounts = new Map<string, string | null>()
  /** What was prepared; it has to be written and published before anything else. */
  #unwritten: ShipState | null = null
  #unpublished: Intent | null = null
  /** What is safe in the sink. */
  readonly committed = new Committed()
  /** Monotonic ms since when there is something to commit; -1: there is nothing. */
  #dirtySinceMs = -1
  #committedMs = Number.NEGATIVE_INFINITY
  #committedAtMs = 0
  #era: string
  #isKnown = false
  #isOpen = false

  constructor(options: LaneOptions) {
    this.#options = options
    this.#book = new LaneBook({ ...options, findAccount: (name) => this.#findAccount(name) })
    this.#intake = new FrameIntake(options.sink)
    const { files, lives, monotonic, onFault } = options
    const path = attemptsPath(options.statePath)
    this.#attempts = new Attempts({ files, path, lives, onFault })
    this.#reading = new LaneIntake({
      ...{ book: this.#book, intake: this.#intake, attempts: this.#attempts },
      ...{ monotonic, onFault, onChange: () => this.#touch() },
      isFull: () => isFull(options.sink.held, options.limits),
    })
    this.#patient = new PatientClock(options)
    this.#home = new SpoolHome(options)
    this.#era = `${options.now()}-${lives.pid}`
  }

  /** Whether it is known what was committed before: that takes no sink. */
  get isKnown(): boolean {
    return this.#isKnown
  }

  /** Whether its sink has begun. */
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

  /** The wall clock for what cannot be undone; null: nobody knows yet. */
  get believedMs(): number | null {
    return this.#isOpen ? this.#patient.now() : null
  }

  /** What an earlier time of the wall clock is by that. */
  today(wallMs: number): number {
    return this.#patient.today(wallMs)
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
  async step({ marks, streams }: SpoolListing, isLast = false): Promise<boolean> {
    if (!this.#isOpen) await this.#openSink()
    const listed = new Map(streams.map((stream) => [stream.key, stream]))
    this.#book.see(streams)
    this.#home.look(marks, () => this.#book.misses(listed))
    this.#book.expect(streams)
    if (await this.#finishCommit(streams)) return true
    const { held } = this.#options.sink
    const [rows, bytes] = [held.rows, held.bytes]
    const hasAll = this.#reading.read(streams, !this.isAway)
    const hasRead = held.rows !== rows || held.bytes !== bytes
    // What is not there may come back with the spool.
    const isHome = !this.isAway
    const hasForgotten = isHome && this.#book.forget(listed)
    const hasEnded = isHome && this.#book.hasEnded(listed)
    if (hasForgotten || hasEnded) this.#touch()
    // While nothing is under way: whatever comes of it is the fault of no frame.
    if (this.#reading.frames === 0) await this.#tidy()
    const isDue = this.#dirtySinceMs >= 0 && ((isLast && hasAll) || this.#isDue(hasEnded))
    if (!isDue) return hasRead || !hasAll
    await this.#commit(listed)
    await this.#finishCommit(streams)
    // Where there is ever more to read, this is the only time.
    await this.#tidy()
    return true
  }

  /** Whether something in the spool waits until it can be read. */
  get hasLeft(): boolean {
    return this.isAway || this.#book.isPassedOver
  }

  /** Whether the spool is not the one that was there before, and that one is waited for. */
  get isAway(): boolean {
    return this.#home.isAway
  }

  /** `isInOrder`: it is no fault that ends it. */
  close(isInOrder = true): void {
    if (isInOrder) this.#attempts.spare()
    this.#book.close()
  }

  async #openSink(): Promise<void> {
    const { sink } = this.#options
    this.#attempts.open()
    const state = this.#readState()
    if (state !== null) this.committed.take(state)
    this.#isKnown = true
    const opened = await sink.open(state?.sinkState ?? null, state?.intent ?? null)
    if (state !== null) {
      this.#book.restore(state, streamKeyOfFile)
      this.#era = state.era ?? ''
      this.#intake.restore(state.totals)
      this.#patient = new PatientClock(this.#options, state.time)
      this.#home = new SpoolHome(this.#options, state.home)
      if (opened === 'moved') {
        this.#book.move()
        this.#touch()
      }
    }
    this.#isOpen = true
  }

  #findAccount(producer: string): Account | null {
    const account = this.#options.findAccount(producer)
    if (account !== null) this.#options.sink.noteAccount(account)
    return account
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
  async #finishCommit(streams: readonly Stream[]): Promise<boolean> {
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
    const isThere = (file: string) =>
      this.isAway ||
      streams.some(({ segments }) => segments.some((segment) => segment.file === file))
    this.#attempts.commit(this.#reading.frames, isThere)
    this.#reading.frames = 0
    return true
  }

  #touch(): void {
    if (this.#dirtySinceMs < 0) this.#dirtySinceMs = this.#options.monotonic()
  }

  #isDue(hasEnded: boolean): boolean {
    const { monotonic, limits } = this.#options
    const [sinceMs, lastMs] = [this.#dirtySinceMs, this.#committedMs]
    const times = { nowMs: monotonic(), sinceMs, lastMs, hasEnded }
    return this.#reading.isFull || isCommitDue(times, limits)
  }

  /** Notes in their accounts what of producers is given up with the next commit. */
  async #tidy(): Promise<void> {
    const { sink, now, monotonic, onFault, breathe } = this.#options
    const believedMs = this.#patient.now()
    // Nothing else may come for days, and what has had its time is to go all the same.
    if (this.#patient.isUnnoted) this.#touch()
    const monotonicMs = monotonic()
    if (!sink.isTidyDue(monotonicMs)) return
    const mayMerge = (folder: string) => this.#attempts.beginExtra(folder)
    const mayRetire = (producer: string) => this.#book.mayRetire(producer)
    const countedOf = (producer: string) => this.#book.countedOf(producer)
    const times = { monotonicMs, wallMs: now(), believedMs }
    let tidied: Tidied
    try {
      tidied = await sink.tidy({ ...times, mayMerge, mayRetire, countedOf })
    } catch (thrown) {
      // Another time: records do not wait for it.
      onFault('tidy', String(thrown))
      return
    } finally {
      this.#attempts.endExtra()
    }
    for (const [name, files] of tidied.givenUp) {
      this.#touch()
      this.#book.retire(name, files, tidied)
      await breathe?.()
    }
    if (sink.hasTidied) this.#touch()
  }

  async #commit(listed: ReadonlyMap<string, Stream>): Promise<void> {
    const { sink, now } = this.#options
    if (!this.isAway) this.#book.settle(listed, (producer) => this.#intake.onGap(producer))
    for (const [name, text] of this.#book.takeChangedTexts()) this.#accounts.set(name, text)
    const { intent, state } = await this.#prepare()
    this.#accounts.clear()
    this.#book.letGo()
    this.#dirtySinceMs = -1
    this.#committedMs = this.#options.monotonic()
    this.#committedAtMs = now()
    this.#unwritten = {
      ...{ sink: sink.name, totals: this.#intake.totals, sinkState: state, intent },
      ...{ ...this.#book.snapshot(), time: this.#patient.note() },
      ...{ era: this.#era, finished: this.committed.finished, home: this.#home.mark },
    }
  }

  async #prepare(): Promise<Prepared> {
    const { sink, now } = this.#options
    if (this.#reading.frames > 0) this.#attempts.beginAgain()
    try {
      return await sink.prepare(this.#accounts, now())
    } catch (thrown) {
      if (!isOfDisk(thrown)) throw new LaneBroken(thrown)
      this.#attempts.spare()
      throw thrown
    }
  }
}
