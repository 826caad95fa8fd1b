import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Epochs } from '../../../src/server/epochs.ts'
import type { LiveEpoch } from '../../../src/server/live-epoch.ts'
import { LiveVersions } from '../../../src/server/live-version.ts'
import { NO_LAYOUTS } from '../../../src/server/record-layouts.ts'
import type { EpochPlan } from '../../../src/shared/epoch-plan.ts'
import { COMMITTED_WORD } from '../../../src/shared/shared-memory.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { type Loaded, loadCounting } from '../../helpers/live-versions.ts'

const BROKEN = 9

const { batching: BATCHING } = plannedVersion({ model: 'm', version: 1 })

const planOf = (epoch: number, versions: readonly number[], rowsMax = 8): EpochPlan => {
  const batching = { ...BATCHING, rowsMax }
  return epochPlan(
    epoch,
    versions.map((version) => plannedVersion({ model: 'm', version, batching })),
  )
}

/** The epochs of a thread and what its agent does to them. */
class ThreadWorld {
  readonly #words = new Int32Array(8)
  readonly #loading = loadCounting(({ version }) => {
    if (version === BROKEN) throw new Error('broken')
    const isThere = ({ planned, session }: Loaded) =>
      planned.version === version && session.disposals === 0
    if (this.loaded.some(isThere)) throw new Error('loaded for another queue')
  })
  readonly epochs = new Epochs(this.#words, new LiveVersions(this.#loading.load))
  /** What every number was prepared with; null: it failed. */
  readonly #plans = new Map<number, EpochPlan | null>()
  readonly #requests: LiveEpoch[] = []
  #lastNumber = 0

  get loaded() {
    return this.#loading.loaded
  }

  /** The agent has the thread prepare. An epoch may come again, from a crashed control's heir. */
  prepare(epoch: number, versions: readonly number[], rowsMax = 8): void {
    const plan = planOf(epoch, versions, rowsMax)
    const number = ++this.#lastNumber
    const versionNumbers = [...versions]
    const more = { versionNumbers, slots: {}, layouts: NO_LAYOUTS, jsonDepthMax: 20 }
    const failures = this.epochs.prepare(number, plan, more)
    expect(failures.length > 0).toBe(versions.includes(BROKEN))
    this.#plans.set(number, failures.length > 0 ? null : plan)
  }

  /** As the agent does: the last prepare is committed if it was a success, and no other one. */
  commit(tells: boolean): void {
    if ((this.#plans.get(this.#lastNumber) ?? null) === null) return
    this.#words[COMMITTED_WORD] = this.#lastNumber
    if (tells) this.epochs.current()
  }

  enter(): void {
    const { epoch } = this.epochs.current()
    const committed = this.#plans.get(this.#words[COMMITTED_WORD]!)
    expect(epoch.plan).toEqual(committed ?? planOf(0, []))
    this.#expectUsable(epoch)
    epoch.inFlight++
    this.#requests.push(epoch)
  }

  leave(which: number): void {
    const [epoch] = this.#requests.splice(which % Math.max(1, this.#requests.length), 1)
    if (epoch === undefined) return
    this.#expectUsable(epoch)
    this.epochs.leave(epoch)
  }

  leaveAll(): void {
    while (this.#requests.length > 0) this.leave(0)
  }

  #expectUsable(epoch: LiveEpoch): void {
    for (const { queue } of epoch.versions) {
      const isIts = (opened: { readonly queue: unknown }) => opened.queue === queue
      const found = this.loaded.find(({ opened }) => opened.some(isIts))
      expect(found?.session.disposals).toBe(0)
      expect(found?.opened.find(isIts)?.isOpen).toBe(true)
    }
  }

  /** Nobody's session has gone, and no session is kept or disposed of for nothing. */
  check(): void {
    // Without a look at the present epoch, which would advance to it.
    for (const epoch of this.#requests) this.#expectUsable(epoch)
    for (const { session } of this.loaded) expect(session.disposals).toBeLessThanOrEqual(1)
  }

  get living(): number {
    return this.loaded.filter(({ session }) => session.disposals === 0).length
  }
}

const someVersions = fc.oneof(
  { weight: 4, arbitrary: fc.subarray([1, 2, 3], { minLength: 1 }) },
  { weight: 1, arbitrary: fc.constant([1, BROKEN]) },
)

type Step =
  | {
      readonly does: 'prepare'
      readonly epoch: number
      readonly versions: readonly number[]
      readonly rowsMax: number
    }
  | { readonly does: 'commit'; readonly tells: boolean }
  | { readonly does: 'enter' }
  | { readonly does: 'leave'; readonly which: number }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    does: fc.constant('prepare'),
    epoch: fc.integer({ min: 1, max: 3 }),
    versions: someVersions,
    rowsMax: fc.constantFrom(4, 8),
  } as const),
  fc.record({ does: fc.constant('commit'), tells: fc.boolean() } as const),
  fc.constant({ does: 'enter' } as const),
  fc.record({ does: fc.constant('leave'), which: fc.nat() } as const),
)

const take = (world: ThreadWorld, step: Step): void => {
  if (step.does === 'prepare') world.prepare(step.epoch, step.versions, step.rowsMax)
  if (step.does === 'commit') world.commit(step.tells)
  if (step.does === 'enter') world.enter()
  if (step.does === 'leave') world.leave(step.which)
}

test('Epochs serves what was committed and releases every version once, in any order', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: 'max' }), (steps) => {
      const world = new ThreadWorld()
      for (const step of steps) {
        take(world, step)
        world.check()
      }
      world.leaveAll()
      world.prepare(99, [1])
      world.commit(true)
      world.check()
      expect(world.living).toBe(1)
    }),
  )
})

test('current() stays with the epoch before until the committed word changes', () => {
  const world = new ThreadWorld()
  world.prepare(1, [1])
  expect(world.epochs.current().epoch.number).toBe(0)
  world.commit(false)
  expect(world.epochs.current().epoch.number).toBe(1)
  expect(world.epochs.current().routes.find('/predict/m')).toBeDefined()
})

test('prepare() of another plan under the same epoch takes the place of the first', () => {
  const world = new ThreadWorld()
  world.prepare(7, [1])
  world.prepare(7, [2])
  expect(world.living).toBe(1)
  world.commit(true)
  const { epoch } = world.epochs.current()
  expect(epoch.plan.versions.map(({ version }) => version)).toEqual([2])
})

test('prepare() lets go of a plan that was never committed, even when it fails itself', () => {
  const world = new ThreadWorld()
  world.prepare(1, [1, 2])
  world.prepare(2, [BROKEN, 2])
  expect(world.living).toBe(0)
})

test('prepare() loads again nothing that the plan before it has loaded', () => {
  const world = new ThreadWorld()
  world.prepare(1, [1, 2])
  world.prepare(2, [1, 2, 3])
  expect(world.loaded).toHaveLength(3)
})

test('leave() releases the epoch before when its last request has its answer', () => {
  const world = new ThreadWorld()
  world.prepare(1, [1])
  world.commit(true)
  world.enter()
  world.enter()
  world.prepare(2, [2])
  world.commit(true)
  expect(world.living).toBe(2)
  world.leave(0)
  expect(world.living).toBe(2)
  world.leave(0)
  expect(world.living).toBe(1)
})
