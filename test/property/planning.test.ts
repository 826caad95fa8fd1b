/** Planner, catalog and publisher together, under everything that can happen around them. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { EpochPlan, PlannedVariant } from '../../src/shared/epoch-plan.ts'
import type { Nature, ToldModel } from '../helpers/planning-repository.ts'
import { PlanningWorld } from '../helpers/planning-world.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const MODELS = ['a', 'b']
const REPLICAS = 2

const model = fc.constantFrom(...MODELS)
const version = fc.integer({ min: 1, max: 4 })
const nature = fc.constantFrom<Nature>(
  ...(['sound', 'sound', 'sound', 'bad', 'faulty', 'selfish', 'unloadable', 'deadly'] as const),
  'hanging',
)

const policy = fc.oneof(
  fc.record({ kind: fc.constant('latest' as const), count: fc.constantFrom(1, 1, 2) }),
  fc.constant({ kind: 'all' as const }),
  fc.record({
    kind: fc.constant('specific' as const),
    versions: fc.uniqueArray(version, { minLength: 1, maxLength: 2 }),
  }),
)

/** More than the loads of one plan take. */
const LOADS_MS = 600_000

type Step = (world: PlanningWorld) => void | Promise<void>

/** A step and what a counterexample calls it. */
const named = (name: string, step: Step): Step => Object.assign(step, { toString: () => name })

/** What changes in the repository; nobody reads it yet. */
const changes: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(model, version, nature)
      .map(([m, v, n]) => named(`put ${m} v${v} ${n}`, (world) => world.put(m, v, n))),
  },
  fc
    .tuple(model, version)
    .map(([m, v]) => named(`remove ${m} v${v}`, (world) => world.remove(m, v))),
  fc
    .tuple(model, version)
    .map(([m, v]) =>
      named(`copy ${m} v${v}`, (world) => world.put(m, v, 'sound', world.clock.now())),
    ),
  fc
    .tuple(model, policy)
    .map(([m, p]) => named(`policy ${m} ${JSON.stringify(p)}`, (world) => world.policy(m, p))),
  fc
    .tuple(model, fc.option(version))
    .map(([m, v]) => named(`champion ${m} v${v}`, (world) => world.alias(m, v))),
  model.map((m) =>
    named(`break or mend ${m}`, (world) => {
      const found = world.models.get(m)
      if (found !== undefined) found.isBroken = !found.isBroken
    }),
  ),
)

/** What goes wrong around it, or right again. */
const turns: fc.Arbitrary<Step> = fc.oneof(
  ...(['isReadable', 'isDiskFull', 'isProvingSlow'] as const).map((key) =>
    fc
      .boolean()
      .map((is) => named(`${key} ${is}`, (world) => void Object.assign(world, { [key]: is }))),
  ),
  fc.nat({ max: REPLICAS - 1 }).map((n) =>
    named(`kill ${n}`, (world) => {
      const victim = world.replicas[n]
      if (victim !== undefined) world.kill(victim.incarnation)
    }),
  ),
  fc
    .tuple(model, version)
    .map(([m, v]) => named(`damage ${m} v${v}`, (world) => world.damage(m, v))),
  fc
    .tuple(model, version, fc.integer({ min: 1, max: 3 }))
    .map(([m, v, n]) =>
      named(`${m} v${v} fails ${n} times`, (world) => void world.flaws.set(`${m} v${v}`, n)),
    ),
  fc
    .tuple(model, version, fc.integer({ min: 1, max: 3 }))
    .map(([m, v, n]) =>
      named(`${m} v${v} hitches ${n} times`, (world) => void world.hitches.set(`${m} v${v}`, n)),
    ),
)

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: changes },
  { weight: 2, arbitrary: turns },
  {
    weight: 3,
    arbitrary: fc.constant(named('SIGHUP', (world) => world.planning.rescan(null))),
  },
  fc
    .constantFrom(0, 25_000, 59_000)
    .map((ms) =>
      named(`a load takes ${ms} ms`, (world) => void Object.assign(world, { loadMs: ms })),
    ),
  {
    weight: 2,
    arbitrary: fc
      .nat({ max: 5 })
      .map((n) => named(`proved ${n}`, (world) => world.finishProving(n))),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(1, 7, 20, 60, 500, 3000, 61_000)
      .map((ms) => named(`${ms} ms`, (world) => world.clock.advance(ms))),
  },
)

/** Whether what a replica serves, of whatever epoch, has one of a model's variants in another. */
const hasOne = (
  served: EpochPlan | null,
  { versions }: EpochPlan,
  name: string,
  variants: readonly PlannedVariant[],
): boolean => {
  const files = versions
    .filter((each) => each.model === name && variants.some((v) => v.version === each.version))
    .map(({ provenSha256 }) => provenSha256)
  return served?.versions.some(({ provenSha256 }) => files.includes(provenSha256)) ?? false
}

/** What must hold of every epoch, when it is written. */
const check = (world: PlanningWorld, plan: EpochPlan, previous: EpochPlan | null): void => {
  expect(plan.epoch).toBeGreaterThan(previous?.epoch ?? 0)
  const names = plan.endpoints.map(({ name }) => name)
  expect(new Set([...names, ...plan.unavailable]).size).toBe(names.length + plan.unavailable.length)
  for (const { model: name, variants } of plan.endpoints) {
    for (const variant of variants) {
      const found = plan.versions.filter(
        (each) => each.model === name && each.version === variant.version,
      )
      expect(found, `${name} v${variant.version} is planned but not loaded`).toHaveLength(1)
    }
  }
  for (const { name, revision } of previous?.endpoints ?? []) {
    const next = plan.endpoints.find((endpoint) => endpoint.name === name)
    if (next !== undefined) expect(next.revision).toBeGreaterThanOrEqual(revision)
  }
  for (const { name, variants } of previous?.endpoints ?? []) {
    const { versions: scanned, champion = null } = world.scanned.get(name) ?? {}
    const isThere = variants.some((variant) => scanned?.has(variant.version))
    const isLoaded = world.replicas.some(({ served }) => hasOne(served, previous!, name, variants))
    if (!isThere || !isLoaded) continue
    // A version that serves and is still there is not taken away without another in its place.
    expect(names, `${name} v${variants[0]?.version}`).toContain(name)
    // A champion that does not exist moves no traffic.
    if (champion === null || scanned?.has(champion)) continue
    const now = plan.endpoints.find((endpoint) => endpoint.name === name)
    expect(now?.variants[0]?.version, name).toBe(variants[0]?.version)
  }
}

/** What serves when nothing happens any more, as far as that does not depend on the past. */
const expected = (world: PlanningWorld, name: string): number | null | undefined => {
  const found = world.models.get(name)
  if (found === undefined) return null
  // One that serves and was overwritten by something unsound serves on as it was.
  const served = world.publisher.plan?.versions.filter((each) => each.model === name) ?? []
  const isSound = (number: number) =>
    found.versions.get(number)?.nature === 'sound' ||
    served.some((each) => each.version === number && each.provenSha256.includes('/sound/'))
  const { champion, policy: wanted } = found
  if (champion !== null) return isSound(champion) ? champion : undefined
  const numbers = [...found.versions.keys()].filter(isSound)
  if (wanted.kind !== 'specific') return Math.max(0, ...numbers) || null
  // None of those that are named: what served before serves on.
  return Math.max(0, ...numbers.filter((each) => wanted.versions.includes(each))) || undefined
}

/** Most versions of a model that may be loaded once all is quiet: the wanted, and what answers. */
const loadedMax = ({ policy: wanted, versions }: ToldModel): number => {
  const [champion, answering] = [1, 1]
  if (wanted.kind === 'all') return versions.size + answering
  const named = wanted.kind === 'latest' ? wanted.count : wanted.versions.length
  return named + champion + answering
}

/** Whether every failure that is still to come of a model's versions is followed by another try. */
const isTriedOn = ({ models, flaws, hitches, control }: PlanningWorld, name: string): boolean =>
  [...(models.get(name)?.versions.keys() ?? [])]
    .map((number) => `${name} v${number}`)
    .every((key) => (flaws.get(key) ?? 0) + (hitches.get(key) ?? 0) <= control.settings.retries.max)

/** What must hold once all is quiet; `served`: models of which the newest sound state serves. */
const checkQuiet = (world: PlanningWorld, served: readonly string[]): void => {
  const { plan } = world.publisher
  // A copy that is lost, of a version whose files are no longer there, cannot be made again.
  const isSpared = world.planning.warnings().join().includes('not every replica')
  const behind = world.replicas.filter((each) => each.served?.epoch !== plan?.epoch)
  expect(behind.length).toBeLessThanOrEqual(isSpared ? REPLICAS - 1 : 0)
  if (!isSpared) expect(world.planning.isSettled).toBe(true)
  for (const name of MODELS) {
    const wanted = served.includes(name) ? expected(world, name) : undefined
    if (wanted !== undefined) expect(world.answering(name), name).toBe(wanted)
    const told = world.models.get(name)
    const loaded = plan?.versions.filter((each) => each.model === name).length ?? 0
    expect(loaded).toBeLessThanOrEqual(told === undefined ? 0 : loadedMax(told))
  }
}

/** Loads of a minute, six tries and a version among them that kills: 6,000 s were not enough. */
const QUIET_MS = 20_000_000
const beginnings = { minLength: 1, maxLength: 5, size: 'max' } as const
const lives = { minLength: 5, maxLength: 40, size: 'max' } as const

test('whatever happens, epochs are sound; once all is quiet the newest sound state serves', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(changes, beginnings),
      fc.array(steps, lives),
      async (first, taken) => {
        const world = new PlanningWorld()
        for (const step of first) await step(world)
        const faults: unknown[] = []
        world.onWrite = (plan, previous) => {
          try {
            check(world, plan, previous)
          } catch (fault) {
            faults.push(fault)
          }
        }
        for (let index = 0; index < REPLICAS; index++) world.connect(index)
        world.planning.start(null)
        for (const step of taken) await step(world)
        Object.assign(world, { isReadable: true, isDiskFull: false, isProvingSlow: false })
        for (const found of world.models.values()) found.isBroken = false
        world.finishAllProving()
        await world.clock.advance(1000)
        const triedOn = MODELS.filter((name) => isTriedOn(world, name))
        await world.reload(QUIET_MS)
        if (triedOn.length < MODELS.length) {
          checkQuiet(world, triedOn)
          // What was given up after too many failures is tried as if it were new.
          await world.reload(QUIET_MS)
        }
        expect(faults).toEqual([])
        checkQuiet(world, MODELS)
        // A replica that is asked once more has its time to answer.
        const closed = world.planning.close()
        await world.clock.advance(LOADS_MS)
        await closed
      },
    ),
    { numRuns: propertyRuns(300) },
  )
})
