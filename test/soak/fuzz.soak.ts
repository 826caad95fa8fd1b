/**
 * A million structure-aware cases for everything that reads bytes of strangers. With
 * the same seed those of test/property/fuzz.test.ts are its first.
 *
 * SLUICE_TEST_RUNS_FACTOR=1000 makes it a million, SLUICE_TEST_SEED repeats those of another run.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fuzz } from '../helpers/fuzz/harness.ts'
import { ALL_TARGETS, SHARES } from '../helpers/fuzz/shares.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const LINES = 10

const TARGETS = ALL_TARGETS.map((target) => ({ target, name: target.name }))

test.each(TARGETS)('$name: refused or understood, always alike', async ({ target, name }) => {
  await target.prepare?.()
  const { seed = 0 } = fc.readConfigureGlobal()
  const cases = propertyRuns(SHARES[name])
  let worst = { times: 0, seed }
  let taken = 0
  for (let line = 0; line < LINES; line++) {
    const [from, to] = [line, line + 1].map((part) => Math.floor((cases * part) / LINES)) as [
      number,
      number,
    ]
    const outcome = await fuzz(target, seed + from, to - from)
    expect(outcome.failure).toBeNull()
    taken += outcome.taken
    if (outcome.worstGrowth.times > worst.times) worst = outcome.worstGrowth
    console.log(
      `${name}: ${to} cases from seed ${seed}, ${((100 * taken) / to).toFixed(0)} % taken, ` +
        `worst growth ${worst.times.toFixed(1)} times (seed ${worst.seed})`,
    )
  }
  expect(worst.times).toBeLessThanOrEqual(100)
})
