/**
 * Finds the frame that ends the process. Nothing can be noted once a process has died, so what it
 * is at is noted before, in a file of its own: a process that finds the note of another one knows
 * that it came to no commit. After `ENDS_MAX` of these ever fewer frames are read before a commit,
 * at last each alone.
 *
 * A frame is to blame only where a process that had read it alone ended by itself, by a fault, as
 * control saw it: after two such ends it is set aside, and where that ends it as well, its segment
 * stays where it is, unread. Who is killed from outside was at some frame, too: one at which that
 * has come to pass twice waits a while, so that all others have their turn. What is suspected
 * is read alone ever after, however many of others are read: it may yet turn out to be to blame.
 *
 * Putting files in order comes to no commit either, and nothing is lost without it: what has ended
 * two processes, however, is done no more.
 *
 * The note need not outlive a power failure: what comes then is another attempt. In steady
 * traffic it costs two small writes a commit.
 */

import { writeFileAtomic } from '../../shared/atomic-file.ts'
import { isFields } from '../../shared/fields.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { decodeDocument, encodeDocument, readDocument } from './document.ts'

const FORMAT = { name: 'sluice-shipper-attempts', version: 1 }
const BYTES_MAX = 1024 * 1024

/** Processes that may end before a commit until the frames of one are limited. */
const ENDS_MAX = 2
const FRAMES_FIRST = 4096
/** Fewer by so much from one end to the next. */
const DIVISOR = 16
/** Times that a frame may end the process until it is set aside, and until it is not even read. */
const FRAME_ENDS_MAX = 2
const UNREAD_ENDS_MAX = 4
/** Times that others may have killed it at a frame until that one waits. */
const KILLS_MAX = 2
/** Times that it may end while it does what need not be done. */
const EXTRA_ENDS_MAX = 2
/** A place that is named again is on top: more than these nobody has to know. */
const SUSPECTS_MAX = 64
/** What is no frame. */
const NO_OFFSET = -1

/**
 * - `take`: as always.
 * - `setAside`: it is read, and kept out of the sink.
 * - `passOver`: it is not even read, nor is what follows it; perhaps another time.
 * - `commitFirst`: it is to be read alone, when all that was read before it is committed.
 */
export type Handling = 'take' | 'setAside' | 'passOver' | 'commitFirst'

/** A frame; with `NO_OFFSET` a folder of which files are put in order. */
interface Place {
  readonly file: string
  readonly offset: number
}

interface Suspect extends Place {
  /** Processes that ended by themselves when they had read it alone. */
  readonly ends: number
  /** Those that others have killed, or of which nobody knows. */
  readonly kills: number
}

interface Note {
  /** Whose it is. */
  readonly pid: number
  /** Processes that have ended before a commit since one had shipped all that there was. */
  readonly ends: number
  /** Frames that are read before a commit; 0: any number. */
  readonly framesMax: number
  /** Frames until it may be more. */
  readonly left: number
  /** Something is read that is not committed. */
  readonly isUnderWay: boolean
  /** What is read alone, or a folder; null: it is not known which frame. */
  readonly at: Place | null
  readonly suspects: readonly Suspect[]
}

const NOTHING: Note = {
  ...{ pid: 0, ends: 0, framesMax: 0, left: 0, isUnderWay: false, at: null, suspects: [] },
}

const isPlace = (value: unknown): boolean =>
  isFields(value) && typeof value['file'] === 'string' && Number.isSafeInteger(value['offset'])

const isSuspect = (value: unknown): boolean =>
  isPlace(value) &&
  isFields(value) &&
  [value['ends'], value['kills']].every((each) => Number.isSafeInteger(each))

const isNote = (fields: unknown): fields is Note =>
  isFields(fields) &&
  [fields['pid'], fields['ends'], fields['framesMax'], fields['left']].every(
    Number.isSafeInteger,
  ) &&
  typeof fields['isUnderWay'] === 'boolean' &&
  (fields['at'] === null || isPlace(fields['at'])) &&
  Array.isArray(fields['suspects']) &&
  fields['suspects'].every(isSuspect)

const isSame = (a: Place, b: Place): boolean => a.file === b.file && a.offset === b.offset

const suspected = (note: Note, place: Place): Suspect =>
  note.suspects.find((each) => isSame(each, place)) ?? { ...place, ends: 0, kills: 0 }

const without = ({ suspects }: Note, place: Place): readonly Suspect[] =>
  suspects.filter((each) => !isSame(each, place))

/** `hasFailed`: it ended by itself. */
const suspect = (note: Note, place: Place, hasFailed: boolean): Note['suspects'] => {
  const { ends, kills } = suspected(note, place)
  const [moreEnds, moreKills] = hasFailed ? [1, 0] : [0, 1]
  const now = { ...place, ends: ends + moreEnds, kills: kills + moreKills }
  return [now, ...without(note, place)].slice(0, SUSPECTS_MAX)
}

/** What a process begins with that finds the note of one that has ended. */
const afterEnd = (note: Note, hasFailed: boolean): Note => {
  const { framesMax, at } = note
  const rest = { ...note, isUnderWay: false, at: null }
  if (at !== null) rest.suspects = suspect(note, at, hasFailed)
  if (at?.offset === NO_OFFSET) return rest
  const next = { ...rest, ends: note.ends + 1 }
  if (at !== null) return next
  if (framesMax > 0) return { ...next, framesMax: Math.ceil(framesMax / DIVISOR), left: framesMax }
  if (next.ends < ENDS_MAX) return next
  return { ...next, framesMax: FRAMES_FIRST, left: FRAMES_FIRST * DIVISOR }
}

/** After a commit of so many frames. */
const afterCommit = (note: Note, frames: number): Note => {
  const rest = { ...note, isUnderWay: false, at: null }
  const left = note.left - frames
  // It may come after what many a process commits first.
  if (note.framesMax === 0) return rest
  if (left > 0) return { ...rest, left }
  const framesMax = note.framesMax * DIVISOR
  if (framesMax > FRAMES_FIRST) return { ...NOTHING, suspects: note.suspects }
  return { ...rest, framesMax, left: framesMax * DIVISOR }
}

const isNothing = ({ ends, framesMax, isUnderWay, at, suspects }: Note): boolean =>
  ends === 0 && framesMax === 0 && !isUnderWay && at === null && suspects.length === 0

/** Processes of a shipper, as control knows them. */
export interface Lives {
  /** This one. */
  readonly pid: number
  /** The last one that ended by itself, by a fault; null: none that is known. */
  readonly failedPid: number | null
}

export interface AttemptsOptions {
  readonly files: FileCalls
  /** Of the note. */
  readonly path: string
  readonly lives: Lives
  /** For people. */
  onFault(where: string, detail: string): void
}

export class Attempts {
  readonly #options: AttemptsOptions
  #note: Note = NOTHING
  #isWritten = false
  /** What was begun last. */
  #last: Place | null = null
  /** Nothing else is read with it before a commit. */
  #isAlone = false
  /** Frames that have waited, which each does once in the life of a process. */
  readonly #waited = new Set<string>()

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /** Frames that may be read before a commit. */
  get framesMax(): number {
    if (this.#isAlone) return 1
    return this.#note.framesMax === 0 ? Number.POSITIVE_INFINITY : this.#note.framesMax
  }

  /** Learns what became of earlier processes. To be called before anything is read. */
  open(): void {
    const found = this.#read()
    this.#isWritten = found !== null
    if (found === null) return
    const hasFailed = found.pid === this.#options.lives.failedPid
    this.#note = found
    // How it ended is known to this one alone.
    if (found.isUnderWay || found.at !== null) this.#write(afterEnd(found, hasFailed))
    const { ends, framesMax } = this.#note
    if (framesMax === 0) return
    const detail = `${ends} shippers have ended before they had written what they read`
    this.#options.onFault('shipper', `${detail}: frames are read ${framesMax} at a time`)
  }

  /** A frame is about to be read, or not; `isFirst`: all that was read before it is committed. */
  begin(file: string, offset: number, isFirst = true): Handling {
    const place = { file, offset }
    const { ends, kills } = suspected(this.#note, place)
    if (ends >= UNREAD_ENDS_MAX) return 'passOver'
    const name = `${file} ${offset}`
    if (kills >= KILLS_MAX && ends < FRAME_ENDS_MAX && !this.#waited.has(name)) {
      this.#waited.add(name)
      return 'passOver'
    }
    const isSuspected = ends + kills > 0
    if (isSuspected && !isFirst) return 'commitFirst'
    this.#last = place
    this.#isAlone = isSuspected || this.#note.framesMax === 1
    this.#begin()
    return ends >= FRAME_ENDS_MAX ? 'setAside' : 'take'
  }

  /** What was read is about to be written, perhaps again, after it was spared. */
  beginAgain(): void {
    if (!this.#note.isUnderWay) this.#begin()
  }

  /**
   * Files of a folder are about to be put in order, while nothing else is under way.
   *
   * @returns false: it is not to be done
   */
  beginExtra(folder: string): boolean {
    const at = { file: folder, offset: NO_OFFSET }
    const { ends, kills } = suspected(this.#note, at)
    if (ends + kills >= EXTRA_ENDS_MAX) return false
    this.#write({ ...this.#note, at })
    return true
  }

  /** That is done. */
  endExtra(): void {
    const { at } = this.#note
    if (at === null) return
    this.#write({ ...this.#note, at: null, suspects: without(this.#note, at) })
  }

  /**
   * So many frames that were read are committed.
   *
   * @param isThere whether there is such a segment: of one that has gone nothing need be known
   */
  commit(frames: number, isThere: (file: string) => boolean): void {
    this.#isAlone = false
    const note = afterCommit(this.#note, frames)
    const suspects = note.suspects.filter(
      ({ file, offset }) => offset === NO_OFFSET || isThere(file),
    )
    this.#write({ ...note, suspects })
  }

  /** Nothing that was read is to blame for what comes now; `hasAll`: all there is is shipped. */
  spare(hasAll = false): void {
    const { ends, framesMax, isUnderWay } = this.#note
    const isOver = hasAll && framesMax === 0 && ends > 0
    if (!isUnderWay && !isOver) return
    this.#write({ ...this.#note, ends: isOver ? 0 : ends, isUnderWay: false, at: null })
  }

  #begin(): void {
    const at = this.#isAlone ? this.#last : null
    if (this.#note.isUnderWay && at === null && this.#note.at === null) return
    this.#write({ ...this.#note, isUnderWay: true, at })
  }

  #read(): Note | null {
    const { files, path } = this.#options
    try {
      const bytes = readDocument(files, path, BYTES_MAX)
      return bytes === null ? null : decodeDocument(FORMAT, 'The note', bytes, isNote)
    } catch (thrown) {
      this.#options.onFault('shipper', `what it was at is not known (${thrown})`)
      return null
    }
  }

  #write(note: Note): void {
    const { files, path, lives, onFault } = this.#options
    this.#note = { ...note, pid: lives.pid }
    try {
      if (!isNothing(note)) {
        this.#isWritten = true
        const bytes = encodeDocument(FORMAT, this.#note)
        writeFileAtomic(path, bytes, { calls: files, isDurable: false })
      } else if (this.#isWritten) {
        files.unlink(path)
        this.#isWritten = false
      }
    } catch (thrown) {
      // Where nothing can be written nothing can be committed either: that is told by others.
      if (errnoOf(thrown) !== 'ENOENT') onFault('shipper', `what it is at is not noted (${thrown})`)
    }
  }
}
