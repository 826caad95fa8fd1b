/**
 * Whatever cannot be deleted, is not there, is brought back or is lost of the state, and whenever
 * the shipper ends: every record that was committed is read once, by views and by `verify`, or it
 * is counted as given up.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { REPLACES_KEY } from '../../src/records/files/contents.ts'
import { NumberRuns } from '../../src/records/shipping/number-runs.ts'
import { HookedWorld, refusal } from '../helpers/records/hooked-world.ts'
import { STATE } from '../helpers/records/shipping-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const HOUR_MS = 3_600_000
const ROOT_BYTES_MAX = 30_000
const BACKUP = '/data/endpoint=backup'

type Event =
  | { readonly kind: 'ship'; readonly count: number }
  | { readonly kind: 'wait'; readonly hours: number }
  | { readonly kind: 'deny'; readonly part: number; readonly code: string }
  | { readonly kind: 'allow' | 'restart' | 'loseState' | 'loseMerged' | 'backUp' | 'restore' }
  | { readonly kind: 'kill'; readonly call: 'unlink' | 'rename'; readonly n: number }

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('ship' as const), count: fc.nat(3) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      hours: fc.constantFrom(0.02, 0.3, 1.2, 2.5),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('deny' as const),
      part: fc.nat(12),
      code: fc.constantFrom('EACCES', 'EIO'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        ...(['allow', 'restart', 'loseState', 'loseMerged'] as const),
        // What was merged twice is behind these alone.
        ...(['backUp', 'backUp', 'backUp', 'restore', 'restore', 'restore'] as const),
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('kill' as const),
      call: fc.constantFrom('unlink' as const, 'rename' as const),
      n: fc.integer({ min: 1, max: 4 }),
    }),
  },
)

/** One whole history. */
class History {
  readonly world = new HookedWorld()
  #sequence = 0
  /** Number of a file that cannot be deleted; 12: none can. */
  readonly #denied = new Map<number, string>()
  #kill: { readonly call: string; left: number } | null = null
  #losesMerged = false
  readonly #kept = new Map<string, string>()

  constructor(bytesMax: number) {
    this.world.files.mkdir(BACKUP)
    this.world.retention = { bytesMax, daysMax: 0 }
    this.world.restart()
    this.world.hook = (call, path) => this.#before(call, path)
  }

  #before(call: string, path: string): void {
    if (call === this.#kill?.call && /\.parquet(\.unfinished)?$/.test(path)) {
      this.#kill.left--
      if (this.#kill.left <= 0) this.world.kill()
    }
    const number = Number(/-(\d+)\.parquet$/.exec(path)?.[1] ?? 0)
    const code = this.#denied.get(number % 12) ?? this.#denied.get(12)
    if (call === 'unlink' && number > 0 && code !== undefined) throw refusal(code, path)
    if (call !== 'rename' || !this.#losesMerged || !path.endsWith('.parquet.unfinished')) return
    if (!this.#isMerged(path)) return
    this.#losesMerged = false
    this.world.files.rename(path, `/data/lost-${number}`)
  }

  #isMerged(path: string): boolean {
    const { files } = this.world
    const bytes = new Uint8Array(files.stat(path)?.bytes ?? 0)
    if (bytes.length === 0) return false
    const file = files.open(path, 'r')
    files.read(file, bytes, 0, bytes.length, 0)
    files.close(file)
    return Buffer.from(bytes).includes(REPLACES_KEY)
  }

  async apply(event: Event): Promise<void> {
    const { world } = this
    if (event.kind === 'ship') {
      for (let i = 0; i <= event.count; i++) await this.#go(60_000, ++this.#sequence)
    } else if (event.kind === 'wait') {
      await this.#go(event.hours * HOUR_MS, null)
      await this.#go(60_000, null)
    } else if (event.kind === 'deny') this.#denied.set(event.part, event.code)
    else if (event.kind === 'allow') this.#denied.clear()
    else if (event.kind === 'restart') world.restart()
    else if (event.kind === 'loseMerged') this.#losesMerged = true
    else if (event.kind === 'backUp') this.#backUp()
    else if (event.kind === 'restore') await this.#restore()
    else if (event.kind === 'loseState') {
      // What was not published is told by nobody else.
      await this.#go(60_000, null)
      if (world.files.stat(STATE) !== null) world.files.unlink(STATE)
      world.restart()
    } else if (event.kind === 'kill') this.#kill = { call: event.call, left: event.n }
  }

  #backUp(): void {
    const { files, parquet } = this.world
    for (const path of parquet) {
      const name = path.split('/').at(-1)!
      if (!this.#kept.has(path)) files.link(path, `${BACKUP}/${name}`)
      this.#kept.set(path, `${BACKUP}/${name}`)
    }
  }

  /** Brings back what others have in their place; what was given up is nobody's to bring back. */
  async #restore(): Promise<void> {
    const { world } = this
    const viewed = new Set(await world.viewed())
    for (const [path, kept] of this.#kept) {
      const isTwice = (await world.sequences([kept])).every((sequence) => viewed.has(sequence))
      if (isTwice && world.files.stat(path) === null) world.files.link(kept, path)
    }
    world.restart()
  }

  async #go(ms: number, sequence: number | null): Promise<void> {
    const { world } = this
    await world.ship(world.nowMs + ms, sequence)
    if (!world.isKilled) return
    this.#kill = null
    world.restart()
    await world.ship(world.nowMs + 60_000, null)
  }

  /** Every record is read once, and what is not is counted as given up. */
  async check(): Promise<void> {
    const viewed = await this.world.viewed()
    expect(viewed).toEqual([...new Set(viewed)])
    const { problems, producers } = await this.world.verify(false)
    expect(problems).toEqual([])
    expect(producers).toMatchObject([{ present: viewed.length, duplicates: 0 }])
    const [account] = this.world.accounts()
    const counted = new NumberRuns(account!.retired.files)
    // What is counted and could not be deleted is there all the same.
    const paths = await this.world.viewedFiles()
    const own = paths.filter((path) => !counted.has(Number(/-(\d+)\.parquet$/.exec(path)![1])))
    const rows = (await this.world.sequences(own)).length
    expect(rows + account!.retired.records).toBe(this.#sequence)
  }

  /** Nothing is left to be deleted when it can be. */
  async finish(): Promise<void> {
    this.#kill = null
    this.#denied.clear()
    for (let times = 0; times < 3; times++) await this.#go(2 * HOUR_MS, null)
    await this.check()
    expect(await this.world.sequences()).toEqual(await this.world.viewed())
  }
}

test('every record is read once, or counted as given up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 20, maxLength: 40 }),
      fc.constantFrom(0, ROOT_BYTES_MAX),
      async (events, bytesMax) => {
        const history = new History(bytesMax)
        for (const each of [{ kind: 'ship', count: 0 } as const, ...events]) {
          await history.apply(each)
          await history.check()
        }
        await history.finish()
      },
    ),
    { numRuns: propertyRuns(16) },
  )
})
