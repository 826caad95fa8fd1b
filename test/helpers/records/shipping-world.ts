/** A spool, a folder for Parquet files and a shipper over them, on a file system in memory. */

import { join } from 'node:path'
import { FileSink, type FileSinkOptions } from '../../../src/records/file-sink.ts'
import { readTable, withRecordsFile } from '../../../src/records/file-source.ts'
import { readAccountFile } from '../../../src/records/files/account-files.ts'
import type { RetentionLimits } from '../../../src/records/files/retention.ts'
import { encodeLayout } from '../../../src/records/layout-file.ts'
import { type Account, decodeAccount } from '../../../src/records/shipping/account.ts'
import type { LaneLimits } from '../../../src/records/shipping/commit-due.ts'
import type { Committed } from '../../../src/records/shipping/committed.ts'
import { Lane } from '../../../src/records/shipping/lane.ts'
import { Shipping } from '../../../src/records/shipping/shipping.ts'
import type { FileCalls } from '../../../src/records/spool/file-calls.ts'
import { FRAME, type SegmentHeader } from '../../../src/records/spool/segment-format.ts'
import { segmentName } from '../../../src/records/spool/segment-names.ts'
import { CrashFiles } from '../crash-files.ts'
import { endpointLayout } from '../record-layouts.ts'
import { HEADER, type PlannedFrame, putFile, segmentBytes } from '../segments.ts'

export const SPOOL = '/state/spool'
export const ROOT = '/data/records'
export const STATE = '/state/shipper/files.json'

export const LAYOUT = endpointLayout()

const uint32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value, 0).buffer)

/** The frame of a layout. */
export const layoutFrame = (layout = LAYOUT): PlannedFrame => ({
  kind: FRAME.LAYOUT,
  bytes: Buffer.concat([uint32(layout.id), encodeLayout(layout)]),
})

export interface Line {
  readonly producer: string
  readonly sequence: number
  readonly role: string
}

export interface GapLine {
  readonly producer: string
  readonly from: number
  readonly to: number
  readonly reason: string
}

export class ShippingWorld {
  readonly files = new CrashFiles()
  /** Pids of processes that live. */
  readonly alive = new Set<number>()
  isAlive = (pid: number): boolean => this.alive.has(pid)
  readonly faults: string[] = []
  limits: LaneLimits = { rowsMax: 1000, bytesMax: 1e6, ageMsMax: 0 }
  retention: RetentionLimits = { bytesMax: 0, daysMax: 0 }
  /** Runs of numbers of files in an account. */
  countedRunsMax = 1000
  nowMs = 0
  /** What records go to, when a shipper starts. */
  sinkOf = (options: FileSinkOptions): FileSink => new FileSink(options)
  /** By which the wall clock is ahead of the other one. */
  leapMs = 0
  /** Of the shipper that was started last, and of the last one that ended by a fault of its own. */
  #pid = 0
  #failedPid: number | null = null
  #lane: Lane | null = null

  constructor() {
    for (const path of ['/state', SPOOL, '/state/shipper', '/data']) this.files.mkdir(path)
    for (const path of ['/', '/state']) {
      const folder = this.files.open(path, 'r')
      this.files.fsync(folder)
      this.files.close(folder)
    }
  }

  /** A new process of the shipper; `calls` may fail. */
  start(calls: FileCalls = this.files, gateway = HEADER.gateway, root = ROOT): Shipping {
    const lane = new Lane({
      ...{ files: calls, folder: SPOOL, statePath: STATE, limits: this.limits },
      countedRunsMax: this.countedRunsMax,
      sink: this.sinkOf({
        ...{ files: calls, root, gateway, retention: this.retention },
        onFault: (path, thrown) => this.faults.push(`${path}: ${thrown}`),
      }),
      isAlive: ({ pid }) => this.isAlive(pid),
      lives: { pid: ++this.#pid, failedPid: this.#failedPid },
      now: () => this.nowMs + this.leapMs,
      monotonic: () => this.nowMs,
      findAccount: (producer) => readAccountFile(calls, root, producer),
      onFault: (file, detail) => this.faults.push(`${file}: ${detail}`),
    })
    this.#lane = lane
    return new Shipping({
      ...{ files: calls, folder: SPOOL, lanes: [lane], daysMax: this.retention.daysMax },
      monotonic: () => this.nowMs,
      onFault: (where, thrown) => this.faults.push(`${where}: ${thrown}`),
    })
  }

  /** What the shipper that was started last has, as it says. */
  get committed(): Committed {
    return this.#lane!.committed
  }

  /** Whether it knows that. */
  get isKnown(): boolean {
    return this.#lane!.isKnown
  }

  /** The shipper that was started last has ended by itself, as control has seen. */
  noteFault(): void {
    this.#failedPid = this.#pid
  }

  /** Writes a segment whole. */
  put(header: Partial<SegmentHeader>, frames: readonly PlannedFrame[]): string {
    const whole = { ...HEADER, ...header }
    const path = join(SPOOL, segmentName(whole))
    putFile(this.files, path, segmentBytes(frames, whole))
    for (const synced of [path, SPOOL]) {
      const file = this.files.open(synced, 'r')
      this.files.fsync(file)
      this.files.close(file)
    }
    return path
  }

  /** The spool is away: an empty folder is in its place, or none. Returns its way back. */
  takeSpoolAway(hasOther = true): () => void {
    const [aside, other] = ['/state/aside', '/state/other']
    this.files.rename(SPOOL, aside)
    if (hasOther) this.files.mkdir(SPOOL)
    return () => {
      if (hasOther) this.files.rename(SPOOL, other)
      this.files.rename(aside, SPOOL)
    }
  }

  /** Steps until there is nothing left to do, or `isOver` says so. */
  async run(shipping: Shipping, isOver = () => false): Promise<void> {
    for (let times = 0; times < 1000; times++) {
      const isBusy = await shipping.step(true).catch((thrown: unknown) => {
        if (!isOver()) throw thrown
      })
      if (isOver()) return
      if (shipping.failures > 0) this.nowMs += 60_000
      else if (!isBusy) return
    }
    throw new Error('the shipper comes to no end')
  }

  /** Paths of all files below a folder. */
  filesBelow(folder: string): string[] {
    if (this.files.stat(folder) === null) return []
    return this.files.readdir(folder).flatMap((name) => {
      const path = join(folder, name)
      return this.files.stat(path)!.kind === 'file' ? [path] : this.filesBelow(path)
    })
  }

  async #rows(path: string): Promise<Record<string, unknown>[]> {
    const { columns, rows } = await withRecordsFile(this.files, path, readTable)
    return Array.from({ length: rows }, (_, row) =>
      Object.fromEntries(columns.map((column) => [column.name, column.valueAt(row)])),
    )
  }

  /** Every row in files. */
  async lines(files: readonly string[] = this.filesBelow(ROOT)): Promise<Line[]> {
    const paths = files.filter((path) => /\/endpoint=.*\.parquet$/.test(path))
    const rows = (await Promise.all(paths.map((path) => this.#rows(path)))).flat()
    return rows.map(({ producer, sequence, role }) => ({
      ...{ producer: String(producer), sequence: Number(sequence), role: String(role) },
    }))
  }

  async gaps(files: readonly string[] = this.filesBelow(ROOT)): Promise<GapLine[]> {
    const paths = files.filter((path) => /\/_gaps\/.*\.parquet$/.test(path))
    const rows = (await Promise.all(paths.map((path) => this.#rows(path)))).flat()
    return rows.map(({ producer, first, last, reason }) => ({
      ...{ producer: String(producer), from: Number(first), to: Number(last) },
      reason: String(reason),
    }))
  }

  accounts(): Account[] {
    const paths = this.filesBelow(join(ROOT, '_producers'))
    return paths.map((path) => {
      const bytes = new Uint8Array(this.files.stat(path)!.bytes)
      const file = this.files.open(path, 'r')
      this.files.read(file, bytes, 0, bytes.length, 0)
      this.files.close(file)
      return decodeAccount(path, bytes)
    })
  }

  segments(): string[] {
    return this.files.readdir(SPOOL).filter((name) => name.endsWith('.seg'))
  }
}
