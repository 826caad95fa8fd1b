/** What a lane keeps of the spool: streams, places in their segments, and producers. */

import { errnoOf } from '../spool/file-calls.ts'
import { type Account, type FilesThere, type GivenUp, isForgettable } from './account.ts'
import { NumberRuns } from './number-runs.ts'
import { type OnGap, ProducerLog } from './producer-log.ts'
import { NONE_YET } from './segment-numbers.ts'
import type { ShipState } from './ship-state.ts'
import type { Stream } from './spool-folder.ts'
import { StreamReader, type StreamWorld } from './stream-reader.ts'

export interface BookedStream {
  readonly reader: StreamReader
  readonly producers: Set<string>
  /** Its producers have been told that nothing more comes. */
  isFinished: boolean
}

/** The account of a producer as it was published, for one that is met for the first time. */
export type FindAccount = (producer: string) => Account | null

export interface BookWorld extends StreamWorld {
  readonly findAccount: FindAccount
  /** How many runs of numbers of files an account may have; absent: see `retire`. */
  readonly countedRunsMax?: number
  /** For people: what was found wrong, once for each file. */
  onFault(file: string, detail: string): void
}

/** What a disk says may pass; all else is a fault of ours. */
export const isOfDisk = (thrown: unknown): boolean => /^E[A-Z0-9]+$/.test(errnoOf(thrown))

export type BookSnapshot = Pick<ShipState, 'segments' | 'producers' | 'streams'>

/** Nothing of it was ever here: no file will go, and its account with the last of them. */
const isElsewhere = (account: Account): boolean => {
  const { elsewhere, retired } = account
  return elsewhere !== undefined && retired.below === 0 && isForgettable(account)
}

export class LaneBook {
  readonly #world: BookWorld
  readonly #streams = new Map<string, BookedStream>()
  /**
   * All of which something is known that no commit has taken: until then an account that is
   * published is behind, whether there is a stream of its producer or not.
   */
  readonly #producers = new Map<string, ProducerLog>()
  /** Nothing is known of an earlier process: what is not there may be shipped. */
  #isNew = true

  constructor(world: BookWorld) {
    this.#world = world
  }

  restore({ segments, producers, streams }: BookSnapshot, keyOf: (file: string) => string): void {
    this.#isNew = false
    for (const [producer, place] of Object.entries(producers)) {
      this.#producers.set(producer, new ProducerLog(producer, place))
    }
    for (const [key, each] of Object.entries(streams)) {
      const { process, producers: names, isDamaged, isTorn = false } = each
      const reader = new StreamReader(this.#world, process, each.latest)
      reader.numbers.isShort = each.isShort ?? false
      reader.isDamaged = isDamaged
      reader.isTorn = isTorn
      const stream = { reader, producers: new Set(names), isFinished: false }
      this.#streams.set(key, stream)
    }
    for (const [file, place] of Object.entries(segments)) {
      this.stream(keyOf(file)).reader.places.set(file, place)
    }
  }

  snapshot(): BookSnapshot {
    const streams = [...this.#streams]
    return {
      segments: Object.fromEntries(streams.flatMap(([, { reader }]) => [...reader.places])),
      producers: Object.fromEntries(
        Array.from(this.#producers, ([name, producer]) => [name, producer.place()]),
      ),
      streams: Object.fromEntries(
        streams.map(([key, { reader, producers }]) => {
          const { process, isDamaged, isTorn, numbers } = reader
          const { latest, isShort } = numbers
          const known = { latest: latest ?? undefined, isShort }
          return [key, { process, producers: [...producers], isDamaged, isTorn, ...known }]
        }),
      ),
    }
  }

  stream(key: string): BookedStream {
    let stream = this.#streams.get(key)
    if (stream === undefined) {
      const reader = new StreamReader(this.#world, null, this.#isNew ? undefined : NONE_YET)
      stream = { reader, producers: new Set(), isFinished: false }
      this.#streams.set(key, stream)
    }
    return stream
  }

  producer(stream: BookedStream, name: string): ProducerLog {
    const known = this.#producers.get(name)
    const producer = known ?? new ProducerLog(name, this.#findAccount(name))
    this.#producers.set(name, producer)
    stream.producers.add(name)
    // One that was set aside may be put back.
    stream.isFinished = false
    return producer
  }

  /** Notes which segments there are. */
  see(streams: readonly Stream[]): void {
    for (const stream of streams) {
      const { reader } = this.stream(stream.key)
      if (reader.numbers.see(stream)) reader.isTorn = true
    }
    this.#isNew = false
  }

  /** Misses from now on what is there of them, read or not. */
  expect(streams: readonly Stream[]): void {
    for (const stream of streams) this.stream(stream.key).reader.places.expect(stream)
  }

  /** Asks which processes are dead, before the spool is listed. */
  askAlive(): void {
    for (const { reader } of this.#streams.values()) reader.askAlive()
  }

  /** Whether it is known only since the spool was listed who writes some stream. */
  get isUnasked(): boolean {
    return [...this.#streams.values()].some(({ reader }) => reader.isUnasked)
  }

  /** Whether something is not there of which more was to come. */
  misses(listed: ReadonlyMap<string, Stream>): boolean {
    return [...this.#streams].some(
      ([key, { reader, isFinished }]) => !isFinished && reader.misses(listed.get(key) ?? null),
    )
  }

  /** Whether something that is not shipped could not be read. */
  get isPassedOver(): boolean {
    return [...this.#streams.values()].some(({ reader }) => reader.isPassedOver)
  }

  /** Whether a stream is over of which its producers have not been told. */
  hasEnded(listed: ReadonlyMap<string, Stream>): boolean {
    return [...this.#streams].some(([key, stream]) => this.#isOver(key, stream, listed))
  }

  #isOver(
    key: string,
    { reader, isFinished }: BookedStream,
    listed: ReadonlyMap<string, Stream>,
  ): boolean {
    if (isFinished || !reader.isDead || reader.numbers.isShort) return false
    return reader.hasAll(listed.get(key) ?? null)
  }

  /** Tells producers what is known now: that something is lost, or that nothing more comes. */
  settle(listed: ReadonlyMap<string, Stream>, onGap: (producer: string) => OnGap): void {
    for (const [key, stream] of this.#streams) {
      const { isFinished, reader } = stream
      const { isDamaged, isTorn, isPassedOver, numbers } = reader
      const isOver = this.#isOver(key, stream, listed)
      // What lies in a segment that can be read another time, or is not read yet, is not lost.
      const hasRead = reader.hasRead || !listed.has(key)
      const isLost = (isDamaged || isTorn) && hasRead && !isPassedOver && !numbers.isShort
      if (isFinished || !(isOver || isLost)) continue
      for (const name of stream.producers) {
        const producer = this.#producers.get(name)
        if (isOver) producer?.finish({ isDamaged, isTorn }, onGap(name))
        else producer?.explainDamage(onGap(name))
      }
      stream.isFinished = isOver
    }
  }

  /** Texts of accounts that have changed since this was asked last; null: there is to be none. */
  takeChangedTexts(): Map<string, string | null> {
    const texts = new Map<string, string | null>()
    for (const [name, producer] of this.#producers) {
      const text = producer.takeChangedText()
      if (text !== null) texts.set(name, isElsewhere(producer.account) ? null : text)
    }
    return texts
  }

  /**
   * Forgets segments that are there no more, and streams that will have none.
   *
   * @returns whether there was anything to forget
   */
  forget(listed: ReadonlyMap<string, Stream>): boolean {
    let isChanged = false
    for (const [key, stream] of this.#streams) {
      const { reader, isFinished } = stream
      const there = listed.get(key) ?? null
      const [size, { isTorn }] = [reader.places.size, reader]
      reader.forget(there)
      if (reader.places.size !== size || reader.isTorn !== isTorn) isChanged = true
      if (there !== null || !(isFinished || reader.process === null)) continue
      reader.close()
      this.#streams.delete(key)
      isChanged = true
    }
    return isChanged
  }

  /** Lets go of producers that no stream has: all that is known of them is on its way. */
  letGo(): void {
    const streams = [...this.#streams.values()]
    const kept = new Set(streams.flatMap(({ producers }) => [...producers]))
    for (const name of this.#producers.keys()) if (!kept.has(name)) this.#producers.delete(name)
  }

  /** Files with something of a producer go with the next commit. */
  retire(name: string, files: readonly GivenUp[], there: FilesThere): void {
    this.#producers.get(name)?.retire(files, there, this.#world.countedRunsMax)
  }

  /** Files that are counted as given up in the account of a producer: see TidyTimes. */
  countedOf(name: string): NumberRuns | null | 'refused' {
    const { findAccount, onFault } = this.#world
    try {
      const account = this.#producers.get(name)?.account ?? findAccount(name)
      return account === null ? null : new NumberRuns(account.retired.files)
    } catch (thrown) {
      onFault(name, `its account cannot be read, nor what became of its files (${thrown})`)
      return isOfDisk(thrown) ? 'refused' : null
    }
  }

  /** Has the account of a producer here, if it has one; false: it cannot be read now. */
  mayRetire(name: string): boolean {
    const { findAccount, onFault } = this.#world
    if (this.#producers.has(name)) return true
    try {
      const account = findAccount(name)
      if (account !== null) this.#producers.set(name, new ProducerLog(name, account))
      return true
    } catch (thrown) {
      onFault(name, `its account cannot be read, nor what is deleted be counted (${thrown})`)
      // In one that is damaged nothing will ever be counted.
      return !isOfDisk(thrown)
    }
  }

  /** One account that cannot be read holds up no other producer. */
  #findAccount(name: string): Account | null {
    const { findAccount, onFault } = this.#world
    try {
      return findAccount(name)
    } catch (thrown) {
      onFault(name, `its account cannot be read, what is shipped is counted anew (${thrown})`)
      return null
    }
  }

  /** What was shipped of all producers lies in another folder than what comes. */
  move(): void {
    for (const [name, producer] of this.#producers) producer.move(this.#findAccount(name))
  }

  close(): void {
    for (const { reader } of this.#streams.values()) reader.close()
  }
}
