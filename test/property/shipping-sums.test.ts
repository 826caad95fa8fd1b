/**
 * Shipper and control, as they are: whoever of them dies between any two words, and whatever of the
 * spool is not to be read for a while, in the end every sequence is counted once.
 */

import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecordSums, type RecordTotals } from '../../src/control/figures/record-sums.ts'
import type { Account } from '../../src/records/shipping/account.ts'
import type { Shipping } from '../../src/records/shipping/shipping.ts'
import { verifyRecords } from '../../src/records/verify.ts'
import { failingFiles } from '../helpers/failing-files.ts'
import { CountedReplica } from '../helpers/records/counted-replica.ts'
import { ROOT, ShippingWorld, SPOOL, STATE } from '../helpers/records/shipping-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { HEADER } from '../helpers/segments.ts'

const lostOf = ({ dropped }: RecordTotals): number =>
  [...dropped.values()].reduce((sum, count) => sum + count, 0)

/** Replicas one after the other, the shipper of what they leave, and a control that hears both. */
class CountedGateway {
  readonly world = new ShippingWorld()
  readonly replicas: CountedReplica[] = []
  #shipping = this.world.start()
  #sums = new RecordSums(HEADER.gateway)
  #last = this.#sums.totals()
  /** What this control has heard replicas say, by incarnation. */
  #heard = new Map<number, number>()
  #isShipping = false
  readonly #hidden = new Set<string>()
  #hasLostState = false
  /** Of what was before a state was lost nobody is left who knows. */
  #hasForgotten = false

  constructor() {
    const { open } = this.world.files
    this.world.files.open = (path, flags) => {
      const isHidden = this.#isShipping && this.#hidden.has(path)
      if (!isHidden) return open.call(this.world.files, path, flags)
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    this.#begin()
  }

  get #replica(): CountedReplica {
    return this.replicas.at(-1)!
  }

  #begin(): void {
    this.replicas.push(new CountedReplica(this.world, this.replicas.length + 1))
  }

  request(): void {
    this.#replica.request()
  }

  full(): void {
    this.#replica.full()
  }

  write(): void {
    this.#replica.write()
  }

  seal(): void {
    this.#replica.seal()
  }

  figures(): void {
    const { incarnation, taken } = this.#replica
    this.#sums.take(incarnation, this.#replica.figures())
    this.#heard.set(incarnation, taken)
  }

  kill(): void {
    this.#replica.kill()
    this.#begin()
  }

  end(): void {
    this.#replica.end()
    this.#begin()
  }

  async #run(shipping: Shipping, isOver?: () => boolean): Promise<void> {
    this.#isShipping = true
    await this.world.run(shipping, isOver)
    this.#isShipping = false
  }

  async ship(): Promise<void> {
    await this.#run(this.#shipping)
    this.world.nowMs += 1000
  }

  /** Nobody has heard what it did last. */
  async shipAndDie(n: number): Promise<void> {
    const calls = failingFiles(this.world.files, (_, call) =>
      call === n ? { crash: 'after' } : null,
    )
    this.#shipping.close()
    const shipping = this.world.start(calls)
    await this.#run(shipping, () => calls.isCrashed)
    this.world.files.kill()
    this.#shipping = this.world.start()
  }

  /** A segment cannot be read for a while. */
  hide(n: number): void {
    const all = this.world.segments()
    if (all.length > 0) this.#hidden.add(join(SPOOL, all[n % all.length]!))
  }

  show(): void {
    this.#hidden.clear()
  }

  /** The disk of the spool is not there for a while, and perhaps another shipper comes then. */
  async away(n: number): Promise<void> {
    const bringBack = this.world.takeSpoolAway(n % 2 === 0)
    if (n > 3) {
      this.#shipping.close()
      this.#shipping = this.world.start()
    }
    for (let times = 0; times < n; times++) {
      await this.ship()
      this.world.nowMs += 60_000
    }
    bringBack()
    await this.ship()
  }

  async loseState(): Promise<void> {
    if (this.world.files.stat(STATE) === null) return
    // What nobody has heard of replicas of an earlier control nobody will know, nor that one has
    // ended of which nothing is in the spool.
    await this.ship()
    this.hear()
    const own = `-${this.#replica.incarnation}`
    const isOpen = ({ producer, state }: Account) => state === 'open' && !producer.endsWith(own)
    if (this.world.accounts().some(isOpen)) return
    this.request()
    this.write()
    this.world.files.unlink(STATE)
    this.#shipping = this.world.start()
    this.#hasLostState = true
  }

  hear(): void {
    const told = this.world.committed.shipped
    // Before it has looked what was committed it says nothing.
    if (told.era === '') return
    this.#sums.takeShipped(told)
    this.world.committed.noteTold(told)
  }

  /** It takes its replicas with it, and the shipper. */
  control(): void {
    this.#replica.kill()
    this.#sums = new RecordSums(HEADER.gateway)
    this.#last = this.#sums.totals()
    this.#heard = new Map()
    this.#hasForgotten ||= this.#hasLostState
    this.#shipping.close()
    this.#shipping = this.world.start()
    this.#begin()
  }

  check(): void {
    const totals = this.#sums.totals()
    const { produced, shipped, pending, unshipped } = totals
    expect(shipped + unshipped + pending + lostOf(totals)).toBe(produced)
    expect(Math.min(unshipped, pending, ...totals.dropped.values(), 0)).toBe(0)
    for (const name of ['produced', 'spooled', 'shipped'] as const) {
      expect(totals[name]).toBeGreaterThanOrEqual(this.#last[name])
    }
    this.#last = totals
  }

  async checkEnd(): Promise<void> {
    this.show()
    this.world.nowMs += 60_000
    this.#replica.kill()
    // Who knows nothing of segments that were there waits for them for ten minutes.
    const restMs = this.#hasLostState ? 6 * 60_000 : 60_000
    for (let times = 0; times < 3; times++) {
      await this.ship()
      this.world.nowMs += restMs
    }
    this.hear()
    this.check()
    const { produced, shipped, pending, unshipped } = this.#last
    expect({ pending, unshipped }).toEqual({ pending: 0, unshipped: 0 })
    expect(this.world.segments()).toEqual([])
    const lines = await this.world.lines()
    const sequences = new Set(lines.map(({ producer, sequence }) => `${producer} ${sequence}`))
    const written = this.replicas.reduce((sum, each) => sum + each.recorded, 0)
    expect(sequences.size).toBe(written)
    const report = await verifyRecords(this.world.files, ROOT, {
      spool: SPOOL,
      isAlive: () => false,
    })
    expect(report.problems.filter((problem) => !/two files/.test(problem))).toEqual([])
    const taken = this.replicas.map((each) =>
      Math.max(each.told, this.#heard.get(each.incarnation) ?? 0),
    )
    const all = taken.reduce((sum, count) => sum + count, 0)
    if (this.#hasForgotten) return
    // What was shipped twice then counts twice where nobody knows its replica.
    if (this.#hasLostState) expect(produced).toBeGreaterThanOrEqual(all)
    else {
      const counted = { produced, shipped, lines: lines.length }
      expect(counted).toEqual({ produced: all, shipped: written, lines: written })
    }
  }
}

type Step = (gateway: CountedGateway) => void | Promise<void>

const plain = fc.constantFrom<Step>(
  (gateway) => gateway.request(),
  (gateway) => gateway.request(),
  (gateway) => gateway.full(),
  (gateway) => gateway.write(),
  (gateway) => gateway.write(),
  (gateway) => gateway.seal(),
  (gateway) => gateway.figures(),
  (gateway) => gateway.figures(),
  (gateway) => gateway.kill(),
  (gateway) => gateway.end(),
  (gateway) => gateway.ship(),
  (gateway) => gateway.ship(),
  (gateway) => gateway.hear(),
  (gateway) => gateway.hear(),
  (gateway) => gateway.control(),
)

const death = fc.integer({ min: 1, max: 200 }).map(
  (n): Step =>
    (gateway) =>
      gateway.shipAndDie(n),
)

const hiding = fc
  .integer({ min: 0, max: 5 })
  .map((n): Step => (n > 3 ? (gateway) => gateway.show() : (gateway) => gateway.hide(n)))

const moving = fc.integer({ min: 1, max: 6 }).map(
  (n): Step =>
    (gateway) =>
      gateway.away(n),
)

const live = (steps: fc.Arbitrary<Step>) =>
  fc.asyncProperty(fc.array(steps, { minLength: 20, maxLength: 60, size: 'max' }), async (all) => {
    const gateway = new CountedGateway()
    for (const step of all) {
      await step(gateway)
      gateway.check()
    }
    await gateway.checkEnd()
  })

test('every sequence is counted once, whoever dies between two words', async () => {
  const steps = fc.oneof(
    { weight: 15, arbitrary: plain },
    { weight: 3, arbitrary: death },
    { weight: 2, arbitrary: hiding },
    { weight: 2, arbitrary: moving },
  )
  await fc.assert(live(steps), { numRuns: propertyRuns(40) })
})

test('nor does what was counted get lost with the state of the shipper', async () => {
  const loss = fc.constant<Step>((gateway) => gateway.loseState())
  const steps = fc.oneof(
    { weight: 15, arbitrary: plain },
    { weight: 1, arbitrary: loss },
    { weight: 2, arbitrary: hiding },
    { weight: 2, arbitrary: moving },
  )
  await fc.assert(live(steps), { numRuns: propertyRuns(20) })
})
