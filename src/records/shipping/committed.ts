/** What is committed of a lane, as of its last commit: all of one moment. */

import {
  type CommittedProducer,
  NO_TOTALS,
  type SegmentPlace,
  type ShipState,
  type ShipTotals,
} from './ship-state.ts'
import type { ListedSegment } from './spool-folder.ts'

/** More of them have not ended since somebody listened; who would is told of the last ones. */
const FINISHED_MAX = 4096

type Taken = Pick<ShipState, 'segments' | 'totals' | 'producers' | 'era' | 'finished'>

/** What is told of a lane: of one moment, too. */
export interface Shipped {
  /** Of the totals: in another one they begin anew. */
  readonly era: string
  readonly records: number
  readonly gaps: Readonly<Record<string, number>>
  /** Those that are open, and those that have ended since it was told last. */
  readonly producers: readonly CommittedProducer[]
}

export class Committed {
  #segments: ReadonlyMap<string, SegmentPlace> = new Map()
  #totals = NO_TOTALS
  #era = ''
  #open: readonly CommittedProducer[] = []
  /** In the order in which they have ended. */
  readonly #finished = new Map<string, CommittedProducer>()

  take({ segments, totals, producers, era = '', finished = [] }: Taken): void {
    this.#segments = new Map(Object.entries(segments))
    this.#totals = totals
    this.#era = era
    const all = Object.values(producers).map(({ account }): CommittedProducer => {
      const { producer, state, taken, records, gaps } = account
      return { producer, state, taken, records, gaps }
    })
    this.#open = all.filter(({ state }) => state === 'open')
    const ended = all.filter(({ state }) => state !== 'open')
    for (const one of [...finished, ...ended]) this.#finished.set(one.producer, one)
    for (const name of this.#finished.keys()) {
      if (this.#finished.size <= FINISHED_MAX) break
      this.#finished.delete(name)
    }
  }

  /** Places of segments by file. */
  get segments(): ReadonlyMap<string, SegmentPlace> {
    return this.#segments
  }

  isDone(file: string): boolean {
    return (this.#segments.get(file)?.done ?? null) !== null
  }

  /** Of segments that lie in the spool: bytes that are not shipped. */
  unshippedBytes(segments: readonly Pick<ListedSegment, 'file' | 'bytes'>[]): number {
    return segments.reduce((sum, { file, bytes }) => {
      const { offset = 0, done = null } = this.#segments.get(file) ?? {}
      return done === null ? sum + Math.max(0, bytes - offset) : sum
    }, 0)
  }

  get totals(): ShipTotals {
    return this.#totals
  }

  /** Those that have ended, and whose end nobody may know of: the next state has to name them. */
  get finished(): readonly CommittedProducer[] {
    return [...this.#finished.values()]
  }

  get shipped(): Shipped {
    const { records, gaps } = this.#totals
    return { era: this.#era, records, gaps, producers: [...this.finished, ...this.#open] }
  }

  /** Somebody knows of it, so that those that have ended need not be told again. */
  noteTold({ producers }: Shipped): void {
    for (const one of producers) {
      if (this.#finished.get(one.producer) === one) this.#finished.delete(one.producer)
    }
  }
}
