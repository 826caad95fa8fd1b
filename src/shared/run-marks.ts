/**
 * What the threads of a replica ran, in a file that outlives the process: shared memory dies with
 * it, and a fault in native code ends it without a last word. Control reads it after a death.
 *
 * ```
 * slots        at 0      [version number, state] Int32 each    one a thread: data, then compute
 * identities   at 16384  32 bytes by version number            written by the agent
 * ```
 *
 * A mark is one `pwrite` into the page cache, which the kernel keeps whatever becomes of the
 * process. It was measured at 1.5 to 2.3 us, the call by Node included; in a profile of a compute
 * thread that marked each of its runs of .7 ms at begin and end, `writeSync` and what is below it
 * had 1.33 % of the samples. Marking each run would cost the smallest models half of what they
 * take. So short runs of a data thread are marked only when the version is another than the last
 * one: nothing, for a thread with one version. A compute thread marks the first of a series of runs
 * of one version, and that it rests when the series is over: with the first turn of another
 * version, and before it loads, unloads, ends or sleeps.
 */

import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, writeSync } from 'node:fs'

const SLOT_BYTES = 8
const SLOTS_MAX = 2048
const IDENTITIES_AT = SLOTS_MAX * SLOT_BYTES
const IDENTITY_BYTES = 32

const MARK = {
  /** A run is under way; on a compute thread: a series of runs is. */
  RUNS: 1,
  /** None is: the last one has ended. */
  ENDED: 2,
  /** The last run was of this version; whether it has ended is not known. */
  LAST: 3,
} as const

/** From here on the two marks of a run take some 1 to 2.5 % of it, by the figures above. */
export const EXACT_US_MIN = 400

/** Which bytes a version is, the same in every process. */
export interface MarkedVersion {
  readonly model: string
  readonly version: number
  /** SHA-256 of what was published. */
  readonly digest: string
}

/** Hex. */
export const identityOf = ({ model, version, digest }: MarkedVersion): string =>
  createHash('sha256')
    .update(JSON.stringify([model, version, digest]))
    .digest('hex')

export const marksFileName = (replica: number, incarnation: number): string =>
  `marks-${replica}-${incarnation}`

/** Makes the file. Its descriptor is good in all threads; 0: there is none, nothing is marked. */
export const openMarks = (path: string): number => {
  try {
    return openSync(path, 'w', 0o600)
  } catch {
    return 0
  }
}

/** A full disk must not end what serves: then control knows less of a death. */
const write = (fd: number, bytes: Uint8Array, position: number): void => {
  try {
    writeSync(fd, bytes, 0, bytes.length, position)
  } catch {
    // not marked
  }
}

/** Says which version a number means; before any thread marks it. */
export const markIdentity = (fd: number, number: number, version: MarkedVersion): void => {
  if (fd === 0) return
  write(fd, Buffer.from(identityOf(version), 'hex'), IDENTITIES_AT + number * IDENTITY_BYTES)
}

/** The slot of one thread. */
export class RunMark {
  readonly #fd: number
  readonly #position: number
  readonly #slot = new Int32Array(2)
  readonly #bytes = new Uint8Array(this.#slot.buffer)
  /** Number of the version whose runs are only marked when they follow those of another. */
  #last = 0
  /** Number of the version that the slot says is running; 0: none is. */
  #running = 0

  /** `fd`: of `openMarks`. */
  constructor(fd: number, slot: number) {
    this.#fd = slot < SLOTS_MAX ? fd : 0
    this.#position = slot * SLOT_BYTES
  }

  /** A short run begins. */
  ran(version: number): void {
    if (version === this.#last) return
    this.#last = version
    this.#running = 0
    this.#put(version, MARK.LAST)
  }

  /** A run begins. Another one of a series writes nothing. */
  begin(version: number): void {
    if (version === this.#running) return
    this.#last = 0
    this.#running = version
    this.#put(version, MARK.RUNS)
  }

  /** No run is under way. */
  rest(): void {
    if (this.#running !== 0) this.clear()
  }

  /** The thread turns to this version: a series of another one is over. */
  restUnless(version: number): void {
    if (version !== this.#running) this.rest()
  }

  /** The same as `rest`, whatever the thread has left in the slot that had it before. */
  clear(): void {
    this.#running = 0
    this.#put(0, MARK.ENDED)
  }

  #put(version: number, state: number): void {
    if (this.#fd === 0) return
    this.#slot[0] = version
    this.#slot[1] = state
    write(this.#fd, this.#bytes, this.#position)
  }
}

/** The same handlers of a thread, with a mark around every run. `isLong`: from EXACT_US_MIN on. */
export const markRuns = <H extends { onRunStart(): void; onRunEnd(): void }>(
  handlers: H,
  mark: RunMark,
  version: number,
  isLong: boolean,
): H => {
  const { onRunStart, onRunEnd } = handlers
  if (!isLong) {
    const start = (): void => {
      mark.ran(version)
      onRunStart()
    }
    return { ...handlers, onRunStart: start }
  }
  const start = (): void => {
    mark.begin(version)
    onRunStart()
  }
  const end = (): void => {
    onRunEnd()
    mark.rest()
  }
  return { ...handlers, onRunStart: start, onRunEnd: end }
}

export interface ReadMark {
  /** `identityOf` the version. */
  readonly identity: string
  /** Whether its run, or series of runs, was under way; else it ran last, and may have been. */
  readonly isRunning: boolean
}

/** What threads were at when their process died; empty where that is not known. */
export const readMarks = (path: string): ReadMark[] => {
  let fd = 0
  try {
    fd = openSync(path, 'r')
    const slots = new Int32Array(SLOTS_MAX * 2)
    readSync(fd, slots, 0, slots.byteLength, 0)
    return Array.from({ length: SLOTS_MAX }, (_, at) => [
      slots[at * 2]!,
      slots[at * 2 + 1]!,
    ]).flatMap(([number = 0, state]) => {
      if (number <= 0 || (state !== MARK.RUNS && state !== MARK.LAST)) return []
      const bytes = Buffer.alloc(IDENTITY_BYTES)
      const length = readSync(fd, bytes, 0, IDENTITY_BYTES, IDENTITIES_AT + number * IDENTITY_BYTES)
      if (length !== IDENTITY_BYTES) return []
      return [{ identity: bytes.toString('hex'), isRunning: state === MARK.RUNS }]
    })
  } catch {
    return []
  } finally {
    if (fd !== 0) closeSync(fd)
  }
}
