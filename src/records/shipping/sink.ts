/**
 * Where records go. A sink has its own place in the spool, so that one that is slow or away holds
 * up no other: see lane.ts, which reads for it.
 *
 * What it takes is kept in two steps. `prepare` makes everything that was taken durable, but shows
 * it to nobody, and says in an intent what is left to do. The lane then writes intent, places in
 * the spool and accounts into one file, at once, and `publish` does what the intent says: again
 * after a crash, so it may have been done already, or half.
 */

import type { RecordLayout } from '../record-layout.ts'
import type { Account, FilesThere, GivenUp } from './account.ts'
import type { FrameViews } from './frame-views.ts'
import type { NumberRuns } from './number-runs.ts'

/** Entries of one frame, each of a record that was not shipped before. */
export interface ShipBatch {
  readonly producer: string
  readonly layouts: ReadonlyMap<number, RecordLayout>
  readonly frame: FrameViews
  /** Where the first `count` of them begin, in bytes of the frame. */
  readonly froms: Int32Array
  readonly count: number
}

/** An entry that is no record, though its checksum is right. */
export interface Unreadable {
  readonly sequence: number
  /** The sequence is that of its answer, of which it says nothing. */
  readonly isShadow: boolean
}

/** Sequences of one producer, both ends included, that have no record. */
export interface ProducerGap {
  readonly producer: string
  readonly from: number
  readonly to: number
  readonly reason: string
}

/** Once it is renamed, the files that it replaces are to go, and not before; absent: it is new. */
export type Rename = readonly [from: string, to: string, replaced?: readonly string[]]

/** What is left to do; paths relative to what the sink writes to. Plain data. */
export interface Intent {
  readonly renames: readonly Rename[]
  readonly deletes: readonly string[]
}

/** A sink's own part of the state file. Plain data. */
export type SinkState = Readonly<Record<string, unknown>>

export interface Prepared {
  readonly intent: Intent
  readonly state: SinkState
}

/** What a sink holds that is not durable yet. */
export interface Held {
  readonly rows: number
  readonly bytes: number
}

/** The account of a producer as its readers see it, by producer; null: it is to go. */
export type AccountTexts = ReadonlyMap<string, string | null>

/** What is given up, and which files there are beside it. */
export interface Tidied extends FilesThere {
  /** Files, by the producers of whom something is in them. */
  readonly givenUp: ReadonlyMap<string, readonly GivenUp[]>
}

/** Milliseconds. */
export interface TidyTimes {
  readonly monotonicMs: number
  readonly wallMs: number
  /** The wall clock for what cannot be undone: no leap ahead of it is believed at once. */
  readonly believedMs: number
  /** Asked right before files of a folder become one; false: that is not to be tried. */
  mayMerge(folder: string): boolean
  /**
   * Asked before something of a producer is given up; false: that cannot be counted now, for its
   * account cannot be read.
   */
  mayRetire(producer: string): boolean
  /**
   * Numbers of files that are counted as given up of a producer. null: nobody knows, it may have
   * been forgotten when all of them were; `refused`: the disk does not give its account now.
   */
  countedOf(producer: string): NumberRuns | null | 'refused'
}

export type Opened = 'same' | 'moved'

export interface Sink {
  readonly name: string
  readonly held: Held
  /**
   * Begins, or begins again, from what was written last: publishes its intent, and removes what an
   * earlier life left unfinished. Called before everything else.
   *
   * @returns `moved`: what it has written before lies elsewhere, and its accounts with it
   * @throws what stands in its way; it is called again later
   */
  open(state: SinkState | null, intent: Intent | null): Opened | Promise<Opened>
  /**
   * Takes a copy of what it needs, and does no more than that: what is slow has its time in
   * `prepare`.
   *
   * @returns entries that are no records
   */
  write(batch: ShipBatch): readonly Unreadable[]
  gap(gap: ProducerGap): void
  /** There is such an account: of the numbers of files that it has as counted none is new. */
  noteAccount(account: Account): void
  /** Whether it is time to tidy up. */
  isTidyDue(monotonicMs: number): boolean
  /** Whether tidying up has left something for `prepare` to do. */
  readonly hasTidied: boolean
  /**
   * Puts what it has kept in order, and gives up what has had its time, with the next `prepare`.
   *
   * @returns what is given up, of which some may be counted already
   * @throws what stands in its way
   */
  tidy(times: TidyTimes): Tidied | Promise<Tidied>
  /** @throws what stands in its way; nothing is lost, and it is called again later */
  prepare(accounts: AccountTexts, nowMs: number): Prepared | Promise<Prepared>
  /** @throws the same */
  publish(intent: Intent): void | Promise<void>
}
