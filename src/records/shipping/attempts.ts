/**
 * Finds the frame that ends the process. Nothing can be noted once a process has died, so what it
 * is at is noted before, in a file of its own: a process that finds the note of another one knows
 * that it came to no commit. After `ENDS_MAX` of these ever fewer frames are read before a commit,
 * at last each alone; one that has ended the process twice is set aside, and where even that ends
 * it, all that is left of the segment is, unread.
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
/** A place that is named again is on top: more than these nobody has to know. */
const SUSPECTS_MAX = 64

/**
 * - `take`: as always.
 * - `setAside`: it is read, and kept out of the sink.
 * - `giveUp`: it is not even read, nor is what follows it.
 */
export type Handling = 'take' | 'setAside' | 'giveUp'

/** A frame. */
interface Place {
  readonly file: string
  readonly offset: number
}

interface Note {
  /** Processes in a row that have ended before a commit. */
  readonly ends: number
  /** Frames that are read before a commit; 0: any number. */
  readonly framesMax: number
  /** Frames until it may be more. */
  readonly left: number
  /** Something is read that is not committed. */
  readonly isUnderWay: boolean
  /** What is read alone; null: it is not known which frame. */
  readonly at: Place | null
  /** Frames that were read alone when a process ended. */
  readonly suspects: readonly (Place & { readonly ends: number })[]
}

const NOTHING: Note = {
  ...{ ends: 0, framesMax: 0, left: 0, isUnderWay: false, at: null, suspects: [] },
}

const isPlace = (value: unknown): boolean =>
  isFields(value) && typeof value['file'] === 'string' && Number.isSafeInteger(value['offset'])

const isNote = (fields: unknown): fields is Note =>
  isFields(fields) &&
  [fields['ends'], fields['framesMax'], fields['left']].every(Number.isSafeInteger) &&
  typeof fields['isUnderWay'] === 'boolean' &&
  (fields['at'] === null || isPlace(fields['at'])) &&
  Array.isArray(fields['suspects']) &&
  fields['suspects'].every((each) => isPlace(each) && Number.isSafeInteger(each['ends']))

const isSame = (a: Place, b: Place): boolean => a.file === b.file && a.offset === b.offset

const suspect = ({ suspects }: Note, place: Place): Note['suspects'] => {
  const ends = suspects.find((each) => isSame(each, place))?.ends ?? 0
  const others = suspects.filter((each) => !isSame(each, place))
  return [{ ...place, ends: ends + 1 }, ...others].slice(0, SUSPECTS_MAX)
}

/** What a process begins with that finds the note of one that has ended. */
const afterEnd = (note: Note): Note => {
  const { framesMax, at } = note
  const next = { ...note, ends: note.ends + 1, isUnderWay: false, at: null }
  if (at !== null) return { ...next, suspects: suspect(note, at) }
  if (framesMax > 0) return { ...next, framesMax: Math.ceil(framesMax / DIVISOR), left: framesMax }
  if (next.ends < ENDS_MAX) return next
  return { ...next, framesMax: FRAMES_FIRST, left: FRAMES_FIRST * DIVISOR }
}

/** After a commit of so many frames. */
const afterCommit = (note: Note, frames: number): Note => {
  const left = note.left - frames
  if (note.framesMax === 0) return NOTHING
  if (left > 0) return { ...note, left, isUnderWay: false, at: null }
  const framesMax = note.framesMax * DIVISOR
  if (framesMax > FRAMES_FIRST) return NOTHING
  return { ...note, framesMax, left: framesMax * DIVISOR, isUnderWay: false, at: null }
}

export interface AttemptsOptions {
  readonly files: FileCalls
  /** Of the note. */
  readonly path: string
  /** For people. */
  onFault(where: string, detail: string): void
}

export class Attempts {
  readonly #options: AttemptsOptions
  #note: Note = NOTHING
  #isWritten = false

  constructor(options: AttemptsOptions) {
    this.#options = options
  }

  /** Frames that may be read before a commit. */
  get framesMax(): number {
    return this.#note.framesMax === 0 ? Number.POSITIVE_INFINITY : this.#note.framesMax
  }

  /** Learns what became of earlier processes. To be called before anything is read. */
  open(): void {
    const found = this.#read()
    this.#isWritten = found !== null
    if (found === null) return
    this.#note = found.isUnderWay ? afterEnd(found) : found
    const { ends, framesMax } = this.#note
    if (framesMax === 0) return
    const detail = `${ends} shippers have ended before they had written what they read`
    this.#options.onFault('shipper', `${detail}: frames are read ${framesMax} at a time`)
  }

  /** A frame is about to be read. */
  begin(file: string, offset: number): Handling {
    const isAlone = this.#note.framesMax === 1
    if (isAlone || !this.#note.isUnderWay) {
      this.#write({ ...this.#note, isUnderWay: true, at: isAlone ? { file, offset } : null })
    }
    const place = { file, offset }
    const ends = this.#note.suspects.find((each) => isSame(each, place))?.ends ?? 0
    if (ends >= UNREAD_ENDS_MAX) return 'giveUp'
    return ends >= FRAME_ENDS_MAX ? 'setAside' : 'take'
  }

  /** So many frames that were read are committed. */
  commit(frames: number): void {
    this.#write(afterCommit(this.#note, frames))
  }

  /** Nothing that was read is to blame for what comes now. */
  spare(): void {
    if (!this.#note.isUnderWay) return
    const isFirst = this.#note.ends === 0
    this.#write(isFirst ? NOTHING : { ...this.#note, isUnderWay: false, at: null })
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
    const { files, path, onFault } = this.#options
    this.#note = note
    try {
      if (note !== NOTHING) {
        this.#isWritten = true
        writeFileAtomic(path, encodeDocument(FORMAT, note), { calls: files, isDurable: false })
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
