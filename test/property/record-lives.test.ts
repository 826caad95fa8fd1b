/**
 * Replicas that come and end, a shipper that is started anew, and retention that gives up what is
 * old all the while: every sequence of every account is in a row, or counted as given up.
 */

import { basename, dirname, relative } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ensureFolders } from '../../src/records/files/unfinished.ts'
import { isForgettable, sumOf } from '../../src/records/shipping/account.ts'
import { verifyRecords } from '../../src/records/verify.ts'
import { CountedReplica } from '../helpers/records/counted-replica.ts'
import { refusal } from '../helpers/records/hooked-world.ts'
import { ROOT, ShippingWorld, SPOOL } from '../helpers/records/shipping-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const STEP_MS = 250

interface Bounds {
  readonly bytesMax: number
  readonly daysMax: number
  readonly ageMsMax: number
}

const BACKUP = '/data/backup'

const REFUSABLE = {
  account: { call: 'open', path: /_producers\/.*\.json$/ },
  file: { call: 'open', path: /\.parquet$/ },
  deletion: { call: 'unlink', path: /\.parquet$/ },
} as const

/** After a day a file goes uncounted. */
const REFUSED_MS_MAX = 18 * HOUR_MS

class Lives {
  readonly world = new ShippingWorld()
  readonly #refused = new Set<keyof typeof REFUSABLE>()
  #refusedAtMs = 0
  #isShipping = false
  /** Their copies, by path. */
  readonly #kept = new Map<string, string>()
  /** Paths of files that were brought back. */
  readonly #back = new Set<string>()
  readonly #living: CountedReplica[] = []
  #incarnation = 0
  #shipping = this.world.start()

  constructor({ bytesMax, daysMax, ageMsMax }: Bounds) {
    const { world } = this
    world.files.mkdir(BACKUP)
    world.retention = { bytesMax, daysMax }
    world.limits = { rowsMax: 50, bytesMax: 1e6, ageMsMax }
    const { open, unlink } = world.files
    world.files.open = (path, ...how) => {
      this.#refuse('open', path)
      return open.call(world.files, path, ...how)
    }
    world.files.unlink = (path) => {
      this.#refuse('unlink', path)
      unlink.call(world.files, path)
    }
    this.restart()
  }

  #refuse(call: string, path: string): void {
    if (!this.#isShipping) return
    for (const what of this.#refused) {
      const refused = REFUSABLE[what]
      if (refused.call === call && refused.path.test(path)) throw refusal('EIO', path)
    }
  }

  refuse(what: keyof typeof REFUSABLE): void {
    if (this.#refused.size === 0) this.#refusedAtMs = this.world.nowMs
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
    this.#shipping = this.world.start()
  }

  async go(steps: number): Promise<void> {
    for (let times = 0; times < steps; times++) {
      this.world.nowMs += STEP_MS
      if (this.world.nowMs > this.#refusedAtMs + REFUSED_MS_MAX) this.heal()
      this.#isShipping = true
      await this.#shipping.step()
      this.#isShipping = false
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
    const own = this.#parquet.filter((path) => !this.#back.has(path))
    const [lines, gaps] = [await world.lines(own), await world.gaps(own)]
    for (const { producer, records, gaps: reasons, retired } of world.accounts()) {
      const rows = lines.filter((line) => line.producer === producer).length
      const runs = gaps.filter((gap) => gap.producer === producer)
      const without = runs.reduce((sum, { from, to }) => sum + to - from + 1, 0)
      const counted = [rows + retired.records, without + retired.gaps]
      expect(counted).toEqual([records, sumOf(reasons)])
    }
    // Nobody is remembered of whom nothing is left.
    if (!this.#isBack) expect(world.accounts().filter(isForgettable)).toEqual([])
  }
}

type Step = (lives: Lives) => unknown

const some = fc.nat(11)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: some.map(
      (n): Step =>
        (lives) =>
          lives.write(n),
    ),
  },
  {
    weight: 1,
    arbitrary: some.map(
      (n): Step =>
        (lives) =>
          lives.seal(n),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((lives) => lives.begin()) },
  {
    weight: 2,
    arbitrary: fc.tuple(some, fc.boolean()).map(
      ([n, isKilled]): Step =>
        (lives) =>
          lives.stop(n, isKilled),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Step>((lives) => lives.restart()) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(MINUTE_MS, HOUR_MS, 5 * HOUR_MS).map(
      (ms): Step =>
        (lives) =>
          lives.wait(ms),
    ),
  },
)

const fault: fc.Arbitrary<Step> = fc
  .constantFrom('heal' as const, ...(Object.keys(REFUSABLE) as (keyof typeof REFUSABLE)[]))
  .map(
    (what): Step =>
      (lives) =>
        what === 'heal' ? lives.heal() : lives.refuse(what),
  )

const backup = fc.constantFrom<Step>(
  (lives) => lives.backUp(),
  (lives) => lives.bringBack(),
)

const bounds = fc.record({
  bytesMax: fc.constantFrom(0, 9000, 20_000),
  daysMax: fc.constantFrom(0, 1),
  ageMsMax: fc.constantFrom(0, 10_000),
})

const live = (steps: fc.Arbitrary<Step>) =>
  fc.asyncProperty(
    bounds,
    fc.array(fc.tuple(steps, fc.integer({ min: 1, max: 60 })), {
      ...{ minLength: 40, maxLength: 80, size: 'max' as const },
    }),
    async (limits, all) => {
      const lives = new Lives(limits)
      for (const [one, count] of all) {
        await one(lives)
        await lives.go(count)
        if (count > 50) await lives.check()
      }
      await lives.finish()
    },
  )

test('every sequence is in a row, or counted as given up, whoever ends meanwhile', async () => {
  await fc.assert(live(step), { numRuns: propertyRuns(5) })
})

test('nor does it matter what the disk refuses for less than a day', async () => {
  const steps = fc.oneof({ weight: 15, arbitrary: step }, { weight: 3, arbitrary: fault })
  await fc.assert(live(steps), { numRuns: propertyRuns(5) })
})

test('nor what is brought back of what was given up', async () => {
  const steps = fc.oneof(
    { weight: 15, arbitrary: step },
    { weight: 1, arbitrary: fault },
    { weight: 3, arbitrary: backup },
  )
  await fc.assert(live(steps), { numRuns: propertyRuns(5) })
})
