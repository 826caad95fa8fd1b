/**
 * Replicas that come and end, a shipper that is started anew, and retention that gives up what is
 * old all the while: every sequence of every account is in a row, or counted as given up.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sumOf } from '../../src/records/shipping/account.ts'
import { verifyRecords } from '../../src/records/verify.ts'
import { CountedReplica } from '../helpers/records/counted-replica.ts'
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

class Lives {
  readonly world = new ShippingWorld()
  readonly #living: CountedReplica[] = []
  #incarnation = 0
  #shipping = this.world.start()

  constructor({ bytesMax, daysMax, ageMsMax }: Bounds) {
    const { world } = this
    world.retention = { bytesMax, daysMax }
    world.limits = { rowsMax: 50, bytesMax: 1e6, ageMsMax }
    this.restart()
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
      await this.#shipping.step()
    }
  }

  async #problems(): Promise<readonly string[]> {
    const { files, alive } = this.world
    const isAlive = ({ pid }: { readonly pid: number }) => alive.has(pid)
    return (await verifyRecords(files, ROOT, { spool: SPOOL, isAlive })).problems
  }

  async check(): Promise<void> {
    expect(await this.#problems()).toEqual([])
  }

  async finish(): Promise<void> {
    const { world } = this
    while (this.#living.length > 0) this.stop(0, false)
    for (let times = 0; times < 4; times++) {
      world.nowMs += HOUR_MS + MINUTE_MS
      await this.go(150)
    }
    await this.check()
    expect(world.segments()).toEqual([])
    const [lines, gaps] = [await world.lines(), await world.gaps()]
    for (const { producer, records, gaps: reasons, retired } of world.accounts()) {
      const rows = lines.filter((line) => line.producer === producer).length
      const runs = gaps.filter((gap) => gap.producer === producer)
      const without = runs.reduce((sum, { from, to }) => sum + to - from + 1, 0)
      const counted = [rows + retired.records, without + retired.gaps]
      expect(counted).toEqual([records, sumOf(reasons)])
    }
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

const bounds = fc.record({
  bytesMax: fc.constantFrom(0, 9000, 20_000),
  daysMax: fc.constantFrom(0, 1),
  ageMsMax: fc.constantFrom(0, 10_000),
})

test('every sequence is in a row, or counted as given up, whoever ends meanwhile', async () => {
  const steps = fc.array(fc.tuple(step, fc.integer({ min: 1, max: 60 })), {
    ...{ minLength: 40, maxLength: 80, size: 'max' as const },
  })
  await fc.assert(
    fc.asyncProperty(bounds, steps, async (limits, all) => {
      const lives = new Lives(limits)
      for (const [one, count] of all) {
        await one(lives)
        await lives.go(count)
        if (count > 50) await lives.check()
      }
      await lives.finish()
    }),
    { numRuns: propertyRuns(20) },
  )
})
