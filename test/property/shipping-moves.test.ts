/**
 * Whatever becomes of the folder of the spool while a replica writes to it, and of shippers: no
 * record is lost without a reason, and none has one that is not hidden, or deleted by hand.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifyRecords } from '../../src/records/verify.ts'
import { ROOT, ShippingWorld, SPOOL } from '../helpers/records/shipping-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { readSpool, type SpoolContent } from '../helpers/spool-content.ts'
import { RigClock, SpoolRig, spoolSettings } from '../helpers/spool-rig.ts'

const ASIDE = '/state/aside'
const TICK_MS = 250
const AWAY_MS_MAX = 600_000

const ACTIONS = [
  ...['produce', 'produce', 'wait', 'wait', 'blink', 'move', 'move', 'minutes'],
  ...['die', 'die', 'replace', 'delete', 'unmark'],
] as const

type Action = (typeof ACTIONS)[number]

class MovingWorld extends ShippingWorld {
  readonly #clock = new RigClock()
  readonly #rig: SpoolRig
  /** Folders that nobody will find again; who writes to a file in one may not know yet. */
  readonly #hidden: string[] = []
  #shipping: ReturnType<ShippingWorld['start']> | null = null

  constructor() {
    super()
    this.isAlive = () => true
    const settings = spoolSettings({ folder: SPOOL, segmentMsMax: 1500, segmentBytesMax: 2048 })
    this.#rig = new SpoolRig({ files: this.files, clock: this.#clock, settings })
    this.#rig.spool.begin()
  }

  /** Begins with a shipper that knows the folder. */
  async begin(): Promise<void> {
    this.#shipping = this.start()
    await this.act('produce', 0)
    await this.#wait(4 * TICK_MS)
  }

  async #wait(ms: number, isWatched = true): Promise<void> {
    for (const end = this.nowMs + ms; this.nowMs < end; ) {
      this.#clock.pass(TICK_MS)
      this.nowMs += TICK_MS
      this.#rig.work()
      if (isWatched) await this.#shipping?.step()
    }
  }

  #move(): void {
    const { files } = this
    if (files.stat(ASIDE) === null) {
      files.rename(SPOOL, ASIDE)
      files.mkdir(SPOOL)
      return
    }
    files.rename(SPOOL, this.#newHidden())
    files.rename(ASIDE, SPOOL)
  }

  #newHidden(): string {
    const folder = `/state/hidden${this.#hidden.length}`
    this.#hidden.push(folder)
    return folder
  }

  #delete(nth: number): void {
    const files = this.segments()
    const file = files[nth % Math.max(1, files.length)]
    if (file === undefined) return
    const trash = this.#newHidden()
    this.files.mkdir(trash)
    this.files.rename(`${SPOOL}/${file}`, `${trash}/${file}`)
  }

  /** Another spool thread. What it was the last to write before that is not away, unseen. */
  async #replace(): Promise<void> {
    await this.#wait(TICK_MS)
    if (this.#shipping === null || this.files.stat(ASIDE) !== null) return
    this.#rig.replace(this.files)
    this.#rig.spool.begin()
    await this.#wait(TICK_MS)
  }

  async act(action: Action, nth: number): Promise<void> {
    if (action === 'produce') this.#rig.producers[nth % 2]!.produce(100 * (nth % 9), 1)
    if (action === 'wait') await this.#wait(TICK_MS * (1 + (nth % 12)))
    if (action === 'blink') await this.#wait(TICK_MS * (1 + (nth % 12)), false)
    // Longer than ten minutes it is not waited for.
    const isLong = nth % 3 === 0 && this.files.stat(ASIDE) === null
    if (action === 'minutes') await this.#wait(isLong ? AWAY_MS_MAX : AWAY_MS_MAX / 20)
    if (action === 'move') this.#move()
    if (action === 'delete' && nth % 4 === 0) this.#delete(nth)
    if (action === 'replace' && nth % 4 === 0) await this.#replace()
    if (action === 'die') {
      this.#shipping?.close(false)
      this.#shipping = nth % 3 === 0 ? null : this.start()
    }
    if (action !== 'unmark') return
    for (const name of this.files.readdir(SPOOL)) {
      if (name.startsWith('home-')) this.files.unlink(`${SPOOL}/${name}`)
    }
  }

  /** Ends the replica, in order or not; returns what is wrong. */
  async end(isKilled: boolean): Promise<readonly string[]> {
    if (isKilled) {
      this.isAlive = () => false
      this.#shipping ??= this.start()
      for (let times = 0; times < 40; times++) {
        await this.#shipping.step()
        this.nowMs += TICK_MS
      }
    }
    if (this.files.stat(ASIDE) !== null) this.#move()
    if (!isKilled) {
      this.#rig.work()
      this.#clock.pass(1001)
      this.#rig.spool.finish()
      this.isAlive = () => false
    }
    for (const shipping of [this.start(), this.start()]) {
      await this.run(shipping)
      this.nowMs += AWAY_MS_MAX
      await this.run(shipping)
    }
    const proof = await verifyRecords(this.files, ROOT, { spool: SPOOL, isAlive: () => false })
    const lines = (await this.lines()).map(({ producer, sequence }) => `${producer} ${sequence}`)
    const isTwice = new Set(lines).size < lines.length
    return [...proof.problems, ...(isTwice ? ['twice'] : []), ...(await this.#lostInVain())]
  }

  /** Records that have a reason, though they were not hidden. */
  async #lostInVain(): Promise<string[]> {
    const lost = (await this.gaps()).flatMap(({ producer, from, to, reason }) =>
      Array.from({ length: to - from + 1 }, (_, i) => ({ producer, sequence: from + i, reason })),
    )
    const all = this.#hidden.reduce<SpoolContent | undefined>(
      (into, folder) => readSpool(this.files, folder, into),
      undefined,
    )
    return lost.flatMap(({ producer, sequence, reason }) => {
      const hidden = all?.producers.get(producer.slice('g7q2.'.length))
      const isHidden = hidden?.present.has(sequence) === true
      return isHidden ? [] : [`${producer} ${sequence} ${reason}`]
    })
  }
}

const action = fc.tuple(fc.constantFrom(...ACTIONS), fc.nat(1000))

test('what is hidden or deleted has its reason, and all else is shipped', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(action, { maxLength: 50, size: 'max' }),
      fc.boolean(),
      async (actions, isKilled) => {
        const world = new MovingWorld()
        await world.begin()
        for (const [kind, nth] of actions) await world.act(kind, nth)
        expect(await world.end(isKilled)).toEqual([])
      },
    ),
    { numRuns: propertyRuns(10) },
  )
})
