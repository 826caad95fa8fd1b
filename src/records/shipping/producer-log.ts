/** One producer as a lane knows it: its account, and which of its sequences are shipped. */

import { GAP_REASON, gapReasonName } from '../reasons.ts'
import {
  type Account,
  encodeAccount,
  type FilesThere,
  type GivenUp,
  move,
  newAccount,
  type ProducerState,
  type Retired,
  retire,
  sumOf,
} from './account.ts'
import { type Run, SeenSet } from './seen-set.ts'
import type { ProducerPlace } from './ship-state.ts'

/** What the frames of a producer say of it. */
export interface FrameAccount {
  readonly floor: number
  readonly taken: number
  /** As its writer said it, where the floor was not to be believed; absent: the same. */
  readonly floorSeen?: number | undefined
}

export interface StreamFaults {
  /** Something in its segments is lost. */
  readonly isDamaged: boolean
  /** Something may be: what is missing below the floor. */
  readonly isTorn: boolean
}

/** Called for every run that is explained for the first time. */
export type OnGap = (from: number, to: number, reason: string) => void

const KILLED = gapReasonName(GAP_REASON.KILLED)

/** Reasons of what lies in segments that were set aside. */
const LOST: readonly string[] = [
  gapReasonName(GAP_REASON.CORRUPT),
  gapReasonName(GAP_REASON.UNSHIPPABLE),
]

/**
 * Also of one that was killed: a segment of which nobody knew may turn up, where the spool was
 * away. (A living one says of itself that requests were `killed`, and these are no records.)
 */
const hasLost = ({ gaps, state }: Account): boolean =>
  LOST.some((reason) => (gaps[reason] ?? 0) > 0) || (state === 'killed' && (gaps[KILLED] ?? 0) > 0)

/** Whether something below its floor has neither a record nor a reason. */
const isPartial = ({ records, gaps, floor }: Account): boolean => records + sumOf(gaps) < floor - 1

/** Shadows come later than their answers, by so many requests at most. */
const SHADOWS_KEPT = 2 ** 22

/** What is above more than so many holes may be shipped twice where a state is lost. */
const ABOVE_MAX = 100

export class ProducerLog {
  readonly producer: string
  #seen: SeenSet
  #shadows: SeenSet | null
  #state: ProducerState
  #hasEnded = false
  #floor: number
  /** The highest that a frame has said: what is not settled above it was in no segment. */
  #floorSeen: number
  #taken: number
  #records: number
  readonly #gaps: Record<string, number>
  #retired: Retired
  #elsewhere: Retired | undefined
  /** As the account said with which it began, until its floor moves. */
  #above: Account['above']
  /** Records of it were lost in segments that are kept, and may come back with them. */
  #hasLost: boolean
  /** As it was written last. */
  #text = ''

  constructor(producer: string, place: ProducerPlace | Account | null) {
    const isPlace = place !== null && 'account' in place
    const account = isPlace ? place.account : (place ?? newAccount(producer))
    this.producer = producer
    this.#seen = isPlace ? new SeenSet(place.seen) : SeenSet.upTo(account.floor, account.above)
    this.#shadows = isPlace && place.shadows !== null ? new SeenSet(place.shadows) : null
    this.#state = account.state
    this.#floor = account.floor
    this.#floorSeen = (isPlace && place.floorSeen) || account.floor
    this.#taken = account.taken
    this.#records = account.records
    this.#gaps = { ...account.gaps }
    this.#retired = account.retired
    this.#elsewhere = account.elsewhere
    this.#above = account.above
    this.#hasLost = hasLost(account) || (!isPlace && isPartial(account))
    this.#hasEnded = account.state === 'ended' || (isPlace && place.hasEnded === true)
  }

  get account(): Account {
    const { producer } = this
    const [state, floor, taken] = [this.#state, this.#floor, this.#taken]
    const [records, gaps, retired] = [this.#records, { ...this.#gaps }, this.#retired]
    const account = { producer, state, floor, taken, records, gaps, retired }
    return this.#elsewhere === undefined ? account : { ...account, elsewhere: this.#elsewhere }
  }

  place(): ProducerPlace {
    const shadows = this.#shadows?.snapshot() ?? null
    const { account } = this
    const [seen, floorSeen] = [this.#seen.snapshot(), this.#floorSeen]
    return { account, seen, shadows, hasEnded: this.#hasEnded, floorSeen }
  }

  /** The text of its account if that has changed since it was asked last, else null. */
  takeChangedText(): string | null {
    const text = encodeAccount(this.#published)
    if (text === this.#text) return null
    this.#text = text
    return text
  }

  /**
   * For those who know of it no more than this: while something may come, all below the floor is
   * shipped, although it is known from which sequence on its writer has left nothing behind.
   */
  get #published(): Account {
    const { account } = this
    if (account.state !== 'open') return account
    const waiting = this.#seen.unsettled(1, account.floor - 1)
    if (waiting.length === 0) return { ...account, above: this.#above }
    const starts = [...waiting.slice(1).map(([from]) => from), account.floor]
    const above = waiting.map(([, to], i): Run => [to + 1, starts[i]! - 1])
    const told = above.filter(([from, to]) => to >= from).slice(0, ABOVE_MAX)
    return { ...account, floor: waiting[0]![0], above: told }
  }

  /** Notes the record of a sequence, or its shadow. False: it is shipped. */
  record(sequence: number, isShadow: boolean): boolean {
    if (isShadow) {
      this.#shadows ??= new SeenSet()
      return this.#shadows.record(sequence)
    }
    // It counts by its reason, which cannot be taken back: there are no files but of what is.
    if (this.#hasLost && this.#seen.isExplained(sequence)) return false
    if (!this.#seen.record(sequence)) return false
    this.#records++
    if (sequence > this.#taken) this.#taken = sequence
    return true
  }

  /**
   * Whether a record that counts as shipped may be one that is lost: below the window of what is
   * remembered they are not told apart.
   */
  get hasLost(): boolean {
    return this.#hasLost
  }

  /** Notes that sequences have no record. */
  explain(from: number, to: number, reason: string, onGap: OnGap): void {
    for (const [start, end] of this.#seen.explain(from, to)) {
      this.#gaps[reason] = (this.#gaps[reason] ?? 0) + end - start + 1
      this.#hasLost ||= LOST.includes(reason)
      onGap(start, end, reason)
    }
    if (to > this.#taken) this.#taken = to
  }

  /** What was noted as a record of it is none. */
  takeBack(sequence: number, reason: string, onGap: OnGap): void {
    this.#records--
    this.#hasLost ||= LOST.includes(reason)
    this.#gaps[reason] = (this.#gaps[reason] ?? 0) + 1
    onGap(sequence, sequence, reason)
  }

  /** A frame has been read to its end. */
  advance({ floor, taken, floorSeen = floor }: FrameAccount): void {
    if (taken > this.#taken) this.#taken = taken
    if (floorSeen > this.#floorSeen) this.#floorSeen = floorSeen
    if (floor <= this.#floor) return
    this.#floor = floor
    this.#above = undefined
    this.#seen.advance(floor)
    this.#shadows?.forget(floor - SHADOWS_KEPT)
  }

  /** Its thread has ended in order. */
  end(): void {
    this.#hasEnded = true
  }

  /** Below the floor something is missing that was in a part of a segment that is lost. */
  explainDamage(onGap: OnGap): void {
    for (const [from, to] of this.#seen.unsettled(1, this.#floor - 1)) {
      this.explain(from, to, 'corrupt', onGap)
    }
  }

  /** Nothing more comes: its process is dead, and all of its segments are read. */
  finish({ isDamaged, isTorn }: StreamFaults, onGap: OnGap): void {
    if (isDamaged || isTorn) this.explainDamage(onGap)
    const tail = this.#seen.unsettled(this.#floor, this.#taken)
    const isWhole = this.#hasEnded && tail.length === 0 && this.#state !== 'killed'
    for (const [from, to] of tail) {
      // What its writer had settled was in a segment; of the rest nobody knows that it ever was.
      const lost = isDamaged ? Math.min(to, this.#floorSeen - 1) : from - 1
      this.explain(from, lost, 'corrupt', onGap)
      this.explain(Math.max(from, lost + 1), to, 'killed', onGap)
    }
    this.#state = isWhole ? 'ended' : 'killed'
    this.#floor = this.#taken + 1
    this.#hasLost ||= hasLost(this.account)
  }

  /** With the same commit its account is written, whatever it was: that there may be older. */
  retire(files: readonly GivenUp[], there: FilesThere, runsMax?: number): void {
    this.#text = ''
    this.#retired = retire(this.account, files, there, runsMax).retired
  }

  /** What was shipped until now lies in another folder than what comes; `here`: see `move`. */
  move(here: Account | null): void {
    const { retired, elsewhere } = move(this.account, here)
    this.#retired = retired
    this.#elsewhere = elsewhere
  }
}
