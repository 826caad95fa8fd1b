/** A shipper, one record at a time, over a disk that a test may let refuse, count, or end it. */

import { dirname, join } from 'node:path'
import { expect } from 'vitest'
import { withRecordsFile } from '../../../src/records/file-source.ts'
import { replacedBy } from '../../../src/records/files/contents.ts'
import { mayReplace } from '../../../src/records/files/replaced.ts'
import { filesInCompany, withoutReplaced } from '../../../src/records/query-duplicates.ts'
import { type VerifyReport, verifyRecords } from '../../../src/records/verify.ts'
import { hookCalls } from '../hooked-calls.ts'
import { HEADER, type PlannedFrame, SEAL } from '../segments.ts'
import { ended, records } from './frames.ts'
import { layoutFrame, ROOT, ShippingWorld, SPOOL } from './shipping-world.ts'

const HOUR_MS = 3_600_000

const CALLS = ['unlink', 'rename', 'readdir', 'fsync', 'open'] as const
export type HookedCall = (typeof CALLS)[number]

/** What a disk says. */
export const refusal = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: ${path}`), { code })

export class HookedWorld extends ShippingWorld {
  readonly #frames: PlannedFrame[] = [layoutFrame()]
  /** Ends of paths of which nothing can be deleted or synced. */
  readonly denied = new Set<string>()
  readonly counts: Record<HookedCall, number> = {
    ...{ unlink: 0, rename: 0, readdir: 0, fsync: 0, open: 0 },
  }
  /** Called before every call; what it throws comes of it. */
  hook: (call: HookedCall, path: string) => void = () => {}
  /** The process is dead: nothing more comes of it. */
  isKilled = false
  shipping = this.start()

  constructor() {
    super()
    this.alive.add(HEADER.process.pid)
    const paths = new Map<unknown, string>()
    hookCalls(
      this.files,
      CALLS,
      (call, about) => this.#before(call, paths.get(about) ?? String(about)),
      (call, path, file) => {
        if (call === 'open') paths.set(file, String(path))
      },
    )
  }

  /** With retention by age. */
  static ofDays(daysMax: number): HookedWorld {
    const world = new HookedWorld()
    world.retention = { bytesMax: 0, daysMax }
    world.restart()
    return world
  }

  #before(call: HookedCall, path: string): void {
    if (this.isKilled) throw new Error('killed')
    this.counts[call]++
    const isDenied = (call === 'unlink' || call === 'fsync') && this.#isDenied(path)
    if (isDenied) throw refusal('EPERM', path)
    this.hook(call, path)
  }

  #isDenied(path: string): boolean {
    return [...this.denied].some((end) => path.endsWith(end))
  }

  /** To be called by a hook. */
  kill(): never {
    this.isKilled = true
    throw new Error('killed')
  }

  /** Another process goes on, whatever has become of the one before. */
  restart(): void {
    this.isKilled = false
    this.files.kill()
    this.shipping = this.start()
  }

  /** Records come into the spool. */
  record(first: number, last = first): void {
    this.#frames.push(records(first, last))
    this.put({}, this.#frames)
  }

  /** Ships one more record, or none, at some time. */
  async ship(atMs: number, sequence: number | null): Promise<void> {
    if (sequence !== null) this.record(sequence)
    this.nowMs = Math.max(this.nowMs, atMs)
    await this.run(this.shipping, () => this.isKilled)
  }

  /** Hour by hour. */
  async wait(hours: number): Promise<void> {
    for (let times = 0; times < hours; times++) await this.ship(this.nowMs + HOUR_MS, null)
  }

  /** The replica ends in order. */
  async end(last: number): Promise<void> {
    this.#frames.push(ended(last), SEAL)
    this.put({}, this.#frames)
    this.alive.clear()
    await this.run(this.shipping)
  }

  /** Paths of files of records and gaps. */
  get parquet(): string[] {
    return this.filesBelow(ROOT).filter((path) => path.endsWith('.parquet'))
  }

  /** Their names. */
  get names(): string[] {
    return this.parquet.map((path) => path.split('/').at(-1)!)
  }

  /** Sequences of all rows, in order. */
  async sequences(files?: readonly string[]): Promise<number[]> {
    return (await this.lines(files)).map(({ sequence }) => sequence).sort((a, b) => a - b)
  }

  /** The same of the files that the views of a query have. */
  async viewed(): Promise<number[]> {
    return this.sequences(await this.viewedFiles())
  }

  /** Paths of these. */
  async viewedFiles(): Promise<readonly string[]> {
    const sized = this.parquet.map((file) => {
      const number = Number(/-(\d+)\.parquet$/.exec(file)![1])
      return { file, number, bytes: this.files.stat(file)!.bytes }
    })
    const inCompany = new Set(filesInCompany(this.parquet))
    const sharing = sized.filter(({ file }) => inCompany.has(file))
    const groups = Map.groupBy(sharing, ({ file }) => dirname(file))
    const names = new Map<string, readonly string[]>()
    for (const { file } of [...groups.values()].flatMap(mayReplace)) {
      names.set(file, await withRecordsFile(this.files, file, ({ facts }) => replacedBy(facts)))
    }
    return withoutReplaced(this.parquet, names)
  }

  /** `isSpoolToo`: with what lies in the spool. */
  verify(isSpoolToo = true): Promise<VerifyReport> {
    const isAlive = ({ pid }: { readonly pid: number }) => this.alive.has(pid)
    return verifyRecords(this.files, ROOT, { spool: isSpoolToo ? SPOOL : null, isAlive })
  }

  /** Path below `ROOT`. */
  at(path: string): string {
    return join(ROOT, path)
  }
}

/** So many records of the one producer are given up, and all is accounted for. */
export const expectRetired = async (world: HookedWorld, records: number): Promise<void> => {
  expect(world.accounts()).toMatchObject([{ retired: { records } }])
  expect((await world.verify()).problems).toEqual([])
}
