/**
 * All lanes over one spool: shows each what lies there, and deletes a segment once every sink has
 * it, never before. What cannot be read of one is set aside instead, for people to look at.
 */

import { join } from 'node:path'
import { syncFolder } from '../../shared/atomic-file.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { PatientLooks } from '../spool/patient-looks.ts'
import { Refusals } from '../spool/refusals.ts'
import type { Lane } from './lane.ts'
import { LaneBroken } from './lane-intake.ts'
import { makeRoom, QUARANTINE, type QuarantineOptions, retireKept, setAside } from './quarantine.ts'
import type { SegmentPlace } from './ship-state.ts'
import { type ListedSegment, listStreams } from './spool-folder.ts'
import { marksOf, type SpoolListing } from './spool-home.ts'

export interface ShippingOptions {
  readonly files: FileCalls
  /** The spool. */
  readonly folder: string
  readonly lanes: readonly Lane[]
  /** How long records are kept; absent or 0: for ever. */
  readonly daysMax?: number
  /** Monotonic milliseconds. */
  monotonic(): number
  /** For people: what went wrong, and where. */
  onFault(where: string, thrown: unknown): void
}

const RETRY_MS_FIRST = 1000
const RETRY_MS_MAX = 30_000
const RETIRE_MS = 3_600_000
/** What a disk does not let go takes a tenth of the time. */
const PAUSE = 9

/** Whether somebody has written since to one that counted as nobody's. */
const isWrittenTo = (
  file: string,
  places: readonly SegmentPlace[],
  { files, folder }: ShippingOptions,
): boolean => {
  const sizes = places.flatMap(({ bytesAlone }) => bytesAlone ?? [])
  if (sizes.length === 0) return false
  const bytes = files.stat(join(folder, file))?.bytes
  return sizes.some((each) => each !== bytes)
}

interface LaneTurn {
  readonly lane: Lane
  failures: number
  notBeforeMs: number
}

export class Shipping {
  readonly #options: ShippingOptions
  readonly #turns: readonly LaneTurn[]
  readonly #looks: PatientLooks
  readonly #quarantine: QuarantineOptions
  /** Segments that could not be taken out of the spool. */
  readonly #stuck: Refusals
  #isFolderSynced = false
  /** It is not known what lies there. */
  #isBlind = false
  /** Monotonic ms. */
  #retireAtMs = 0

  constructor(options: ShippingOptions) {
    this.#options = options
    this.#looks = new PatientLooks(options)
    const folder = join(options.folder, QUARANTINE)
    this.#quarantine = { ...options, looks: new PatientLooks({ ...options, folder }) }
    this.#stuck = new Refusals(() => options.monotonic(), PAUSE)
    this.#turns = options.lanes.map((lane) => ({ lane, failures: 0, notBeforeMs: 0 }))
  }

  /** Those that lie there, shipped or not, as of the last look. */
  #segments: readonly ListedSegment[] = []

  /**
   * One turn of every lane.
   *
   * @param isLast whatever the sinks hold is to be committed now
   * @returns whether there may be more to do at once
   * @throws LaneBroken: the process has to end
   */
  async step(isLast = false): Promise<boolean> {
    for (const { lane } of this.#turns) lane.askAlive()
    const listing = this.#list()
    this.#isBlind = listing === null
    if (listing === null) return false
    const { streams } = listing
    this.#segments = streams.flatMap((stream) => stream.segments)
    let isBusy = false
    for (const turn of this.#turns) if (await this.#step(turn, listing, isLast)) isBusy = true
    this.#removeShipped()
    this.#retireKept()
    return isBusy
  }

  get segments(): readonly ListedSegment[] {
    return this.#segments
  }

  /** Times in a row that a lane could not go on. */
  get failures(): number {
    return this.#turns.reduce((most, { failures }) => Math.max(most, failures), 0)
  }

  /** Whether something lies there that cannot be read now, as far as anybody knows. */
  get hasLeft(): boolean {
    if (this.#isBlind || this.#turns.some(({ lane }) => lane.hasLeft)) return true
    // How much there is of it nobody knows.
    const isDone = (file: string) => this.#turns.every(({ lane }) => lane.committed.isDone(file))
    return this.#segments.some(({ file, isSeen }) => !isSeen && !isDone(file))
  }

  /** Whether the spool is not the one that was there before, and that one is waited for. */
  get isAway(): boolean {
    return this.#turns.some(({ lane }) => lane.isAway)
  }

  /** `isInOrder`: it is no fault that ends it. */
  close(isInOrder = true): void {
    for (const { lane } of this.#turns) lane.close(isInOrder)
  }

  /** null: nobody knows what lies there. */
  #list(): SpoolListing | null {
    const { files, folder, onFault } = this.#options
    try {
      // A segment that was deleted before a power failure must not be read again as a new one.
      if (!this.#isFolderSynced) syncFolder(files, folder)
      this.#isFolderSynced = true
      const names = files.readdir(folder)
      const marks = marksOf(files, folder, names)
      return { marks, streams: listStreams(names, (each) => this.#looks.look(each)) }
    } catch (thrown) {
      // Nothing has been recorded yet, or it is away.
      if (errnoOf(thrown) === 'ENOENT') return { marks: [], streams: [] }
      onFault('spool', thrown)
      return null
    }
  }

  async #step(turn: LaneTurn, listing: SpoolListing, isLast: boolean): Promise<boolean> {
    const { monotonic, onFault } = this.#options
    if (monotonic() < turn.notBeforeMs) return false
    try {
      const isBusy = await turn.lane.step(listing, isLast)
      turn.failures = 0
      return isBusy || turn.lane.isUnasked
    } catch (thrown) {
      if (thrown instanceof LaneBroken) throw thrown
      const waitMs = Math.min(RETRY_MS_MAX, RETRY_MS_FIRST * 2 ** turn.failures)
      turn.failures = Math.min(30, turn.failures + 1)
      turn.notBeforeMs = monotonic() + waitMs
      onFault('lane', thrown)
      return false
    }
  }

  #removeShipped(): void {
    const { files, folder, monotonic, onFault } = this.#options
    let isChanged = false
    let newest: string | null = null
    this.#stuck.keep(new Set(this.#segments.map(({ file }) => file)))
    for (const segment of this.#segments) {
      const places = this.#turns.flatMap(({ lane }) => {
        const place = lane.committed.segments.get(segment.file)
        // Of one that has not begun, its last files may still lack their names.
        return !lane.isOpen || place === undefined || place.done === null ? [] : [place]
      })
      if (places.length === 0 || places.length < this.#turns.length) continue
      if (!this.#stuck.mayAsk(segment.file)) continue
      const sinceMs = monotonic()
      try {
        if (isWrittenTo(segment.file, places, this.#options)) continue
        const isKept = places.some(({ done }) => done === 'quarantine')
        const isTorn = places.every((place) => place.isTorn === true)
        if (isKept) newest = setAside(segment.file, this.#quarantine, isTorn)
        else files.unlink(join(folder, segment.file))
        isChanged = true
        this.#stuck.delete(segment.file)
      } catch (thrown) {
        this.#stuck.add(segment.file, sinceMs)
        onFault(segment.file, thrown)
      }
    }
    try {
      if (newest !== null) makeRoom(newest, this.#quarantine)
    } catch (thrown) {
      onFault('quarantine', thrown)
    }
    try {
      if (isChanged) syncFolder(files, folder)
    } catch (thrown) {
      onFault('spool', thrown)
    }
  }

  #retireKept(): void {
    const { monotonic, daysMax = 0, onFault } = this.#options
    if (monotonic() < this.#retireAtMs) return
    const lane = this.#turns[0]?.lane
    const believedMs = lane?.believedMs ?? null
    if (lane === undefined || believedMs === null) return
    this.#retireAtMs = monotonic() + RETIRE_MS
    try {
      retireKept(this.#quarantine, daysMax, believedMs, (ms) => lane.today(ms))
    } catch (thrown) {
      onFault('quarantine', thrown)
    }
  }
}
