/** Replicas and a shipper, and what becomes of the disk on which their records are. */

import { basename, dirname, relative } from 'node:path'
import { expect } from 'vitest'
import { accountPath } from '../../../src/records/files/account-files.ts'
import { ensureFolders } from '../../../src/records/files/unfinished.ts'
import { type Account, isForgettable, sumOf } from '../../../src/records/shipping/account.ts'
import { NumberRuns } from '../../../src/records/shipping/number-runs.ts'
import { verifyRecords } from '../../../src/records/verify.ts'
import { hookCalls } from '../hooked-calls.ts'
import { CountedReplica } from './counted-replica.ts'
import { refusal } from './hooked-world.ts'
import { ROOT, ShippingWorld, SPOOL } from './shipping-world.ts'

export const MINUTE_MS = 60_000
export const HOUR_MS = 60 * MINUTE_MS
const STEP_MS = 250

export interface Bounds {
  readonly bytesMax: number
  readonly daysMax: number
  readonly ageMsMax: number
  /** See ShippingWorld. */
  readonly countedRunsMax: number
}

const BACKUP = '/data/backup'

export const REFUSABLE = {
  account: { call: 'open', path: /_producers\/.*\.json$/ },
  file: { call: 'open', path: /\.parquet$/ },
  deletion: { call: 'unlink', path: /\.parquet$/ },
} as const

/** After a day a file goes uncounted. */
const REFUSED_MS_MAX = 18 * HOUR_MS

const ASIDE = '/data/aside'

const CALLS = [
  ...['open', 'read', 'write', 'fsync', 'close', 'rename', 'unlink', 'readdir', 'stat', 'mkdir'],
  ...['rmdir', 'link'],
] as const

const numberOf = (path: string): number => Number(/-(\d+)\.parquet$/.exec(path)![1])

export class Lives {
  readonly world = new ShippingWorld()
  readonly #refused = new Set<keyof typeof REFUSABLE>()
  #refusedAtMs = 0
  #isShipping = false
  /** Calls until the shipper is killed; null: it is not. */
  #callsLeft: number | null = null
  /** Accounts of those that had ended when the last backup was made. */
  #accounts: readonly (readonly [path: string, kept: string])[] = []
  /** Their copies, by path. */
  readonly #kept = new Map<string, string>()
  /** Paths of files that were brought back. */
  readonly #back = new Set<string>()
  readonly #living: CountedReplica[] = []
  #incarnation = 0
  #bare = 0
  #shipping = this.world.start()

  constructor({ bytesMax, daysMax, ageMsMax, countedRunsMax }: Bounds) {
    const { world } = this
    world.countedRunsMax = countedRunsMax
    world.files.mkdir(BACKUP)
    world.retention = { bytesMax, daysMax }
    world.limits = { rowsMax: 50, bytesMax: 1e6, ageMsMax }
    hookCalls(world.files, CALLS, (call, about) => {
      this.#count()
      this.#refuse(call, String(about))
    })
    this.restart()
  }

  #count(): void {
    if (!this.#isShipping || this.#callsLeft === null) return
    if (this.#callsLeft === 0) throw new Error('killed')
    this.#callsLeft--
  }

  #refuse(call: string, path: string): void {
    if (!this.#isShipping) return
    for (const what of this.#refused) {
      const refused = REFUSABLE[what]
      if (refused.call === call && refused.path.test(path)) throw refusal('EIO', path)
    }
  }

  refuse(what: keyof typeof REFUSABLE): void {
    const { nowMs } = this.world
    // In between it has been whole for so long that it was looked at.
    if (this.#refusedAtMs > 0 && nowMs > this.#refusedAtMs + REFUSED_MS_MAX) {
      if (nowMs < this.#refusedAtMs + 2 * REFUSED_MS_MAX) return
      this.#refusedAtMs = 0
    }
    if (this.#refusedAtMs === 0) this.#refusedAtMs = nowMs
    this.#refused.add(what)
  }

  heal(): void {
    this.#refused.clear()
  }

  backUp(): void {
    const { files } = this.world
    for (const path of this.#parquet) {
      const kept = `${BACKUP}/${basename(path)}`
      if (!this.#kept.has(path)) files.link(path, kept)
      this.#kept.set(path, kept)
    }
    const ended = this.world.accounts().filter(({ state }) => state !== 'open')
    this.#accounts = ended.map(({ producer }) => {
      const [path, kept] = [`${ROOT}/${accountPath(producer)}`, `${BACKUP}/${producer}.json`]
      if (files.stat(kept) !== null) files.unlink(kept)
      files.link(path, kept)
      return [path, kept]
    })
  }

  /** The same with accounts as they were: of those nothing has come since. */
  restore(): void {
    const { files } = this.world
    this.bringBack()
    for (const [path, kept] of this.#accounts) {
      if (files.stat(path) !== null) files.unlink(path)
      files.link(kept, path)
    }
  }

  /** The disk of records is away for some time, in which no records come. */
  async beAway(ms: number, isRestarted: boolean): Promise<void> {
    const { files } = this.world
    const left = this.#callsLeft
    this.#callsLeft = null
    // What is in the spool would be there only.
    await this.go(60)
    this.#callsLeft = left
    files.rename(ROOT, ASIDE)
    files.mkdir(ROOT)
    if (isRestarted) this.restart()
    await this.go(10)
    this.world.nowMs += ms
    await this.go(50)
    files.rename(ROOT, `/data/bare-${++this.#bare}`)
    files.rename(ASIDE, ROOT)
  }

  /** The shipper dies so many calls from now. */
  kill(calls: number): void {
    this.#callsLeft = calls
  }

  /** What was given up is there again, and what others have in its place. */
  bringBack(): void {
    const { files } = this.world
    for (const [path, kept] of this.#kept) {
      if (files.stat(path) !== null) continue
      ensureFolders(files, ROOT, relative(ROOT, dirname(path)))
      files.link(kept, path)
      this.#back.add(path)
    }
  }

  get #parquet(): string[] {
    return this.world.filesBelow(ROOT).filter((path) => path.endsWith('.parquet'))
  }

  begin(): void {
    this.#living.push(new CountedReplica(this.world, ++this.#incarnation))
  }

  /** One of those that live; there is always one. */
  #one(n: number): CountedReplica {
    if (this.#living.length === 0) this.begin()
    return this.#living[n % this.#living.length]!
  }

  write(n: number): void {
    const replica = this.#one(n)
    for (let times = 0; times <= n % 3; times++) replica.request()
    if (n % 4 === 0) replica.full()
    replica.write()
  }

  seal(n: number): void {
    this.#one(n).seal()
  }

  stop(n: number, isKilled: boolean): void {
    const replica = this.#one(n)
    this.#living.splice(this.#living.indexOf(replica), 1)
    if (isKilled) replica.kill()
    else replica.end()
  }

  wait(ms: number): void {
    this.world.nowMs += ms
  }

  restart(): void {
    this.#shipping.close()
    this.#begin()
  }

  #begin(): void {
    this.#callsLeft = null
    this.world.files.kill()
    this.#shipping = this.world.start()
  }

  async go(steps: number): Promise<void> {
    for (let times = 0; times < steps; times++) {
      this.world.nowMs += STEP_MS
      if (this.world.nowMs > this.#refusedAtMs + REFUSED_MS_MAX) this.heal()
      this.#isShipping = true
      try {
        await this.#shipping.step()
      } catch (error) {
        if (this.#callsLeft !== 0) throw error
      }
      this.#isShipping = false
      if (this.#callsLeft === 0) this.#begin()
    }
  }

  async #problems(): Promise<readonly string[]> {
    const { files, alive } = this.world
    const isAlive = ({ pid }: { readonly pid: number }) => alive.has(pid)
    const { problems } = await verifyRecords(files, ROOT, { spool: SPOOL, isAlive })
    // What is brought back of one of whom nothing was left, not even an account, is nobody's.
    const known = new Set(this.world.accounts().map(({ producer }) => producer))
    return problems.filter((problem) => !this.#isBack || known.has(problem.split(':')[0]!))
  }

  /** Whether something is there that was given up, and is to go again. */
  get #isBack(): boolean {
    return this.#parquet.some((path) => this.#back.has(path))
  }

  async check(): Promise<void> {
    expect(await this.#problems()).toEqual([])
  }

  async finish(): Promise<void> {
    const { world } = this
    this.heal()
    while (this.#living.length > 0) this.stop(0, false)
    for (let times = 0; times < 4; times++) {
      world.nowMs += HOUR_MS + MINUTE_MS
      await this.go(150)
    }
    await this.check()
    expect(world.segments()).toEqual([])
    for (const account of world.accounts()) await this.#expectCounted(account)
    // Nobody is remembered of whom nothing is left.
    const numbers = this.#parquet.map(numberOf)
    const left = world.accounts().filter((account) => {
      const counted = new NumberRuns(account.retired.files)
      return isForgettable(account) && !numbers.some((number) => counted.has(number))
    })
    expect(left).toEqual([])
  }

  /** What it has shipped is in rows, or counted as given up: not both, and all of it. */
  async #expectCounted({ producer, records, gaps: reasons, retired }: Account): Promise<void> {
    const { world } = this
    const counted = new NumberRuns(retired.files)
    const own = this.#parquet.filter((path) => !counted.has(numberOf(path)))
    const [lines, gaps] = [await world.lines(own), await world.gaps(own)]
    const rows = lines.filter((line) => line.producer === producer).length
    const runs = gaps.filter((gap) => gap.producer === producer)
    const without = runs.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    expect([rows + retired.records, without + retired.gaps]).toEqual([records, sumOf(reasons)])
  }
}
