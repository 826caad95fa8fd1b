/**
 * Replicas that come and end, a shipper that is started anew, and retention that gives up what is
 * old all the while: every sequence of every account is in a row, or counted as given up.
 */

import fc from 'fast-check'
import { test } from 'vitest'
import { HOUR_MS, Lives, MINUTE_MS, REFUSABLE } from '../helpers/records/lives.ts'
import { propertyRuns } from '../helpers/seeds.ts'

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

const disk = fc.oneof(
  fc.constantFrom<Step>(
    (lives) => lives.backUp(),
    (lives) => lives.restore(),
  ),
  fc.tuple(fc.constantFrom(MINUTE_MS, HOUR_MS, 25 * HOUR_MS), fc.boolean()).map(
    ([ms, isRestarted]): Step =>
      (lives) =>
        lives.beAway(ms, isRestarted),
  ),
)

const death = fc.nat(300).map(
  (calls): Step =>
    (lives) =>
      lives.kill(calls),
)

const bounds = fc.record({
  bytesMax: fc.constantFrom(0, 9000, 20_000),
  daysMax: fc.constantFrom(0, 1),
  ageMsMax: fc.constantFrom(0, 10_000),
  countedRunsMax: fc.constantFrom(1, 3, 1000),
})

const live = (steps: fc.Arbitrary<Step>, limitsOf = bounds) =>
  fc.asyncProperty(
    limitsOf,
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

test('nor where its disk has been, nor when the shipper is killed', async () => {
  const steps = fc.oneof(
    { weight: 15, arbitrary: step },
    { weight: 1, arbitrary: fault },
    { weight: 3, arbitrary: disk },
    { weight: 2, arbitrary: death },
  )
  // What is away and not counted is taken for counted where there are more runs than may be.
  const limits = bounds.map((each) => ({ ...each, countedRunsMax: 1000 as const }))
  await fc.assert(live(steps, limits), { numRuns: propertyRuns(5) })
})
