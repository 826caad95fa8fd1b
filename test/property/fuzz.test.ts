/** Some thousand structure-aware cases for everything that reads bytes of strangers. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DECODER_TARGETS } from '../helpers/fuzz/decoders.ts'
import { FEEDBACK_TARGET } from '../helpers/fuzz/feedback.ts'
import { FORMAT_TARGETS } from '../helpers/fuzz/formats.ts'
import { GRPC_TARGET } from '../helpers/fuzz/grpc.ts'
import { fuzz } from '../helpers/fuzz/harness.ts'
import { ALL_TARGETS, SHARES } from '../helpers/fuzz/shares.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const TARGETS = [...DECODER_TARGETS, FEEDBACK_TARGET, GRPC_TARGET, ...FORMAT_TARGETS].map(
  (target) => ({
    target,
    ...target,
  }),
)
/** Every case has a seed: those of a target follow from the first. */
const { seed: SEED = 0 } = fc.readConfigureGlobal()
const CASES = 1000
/** Where a case takes far longer than those of others. */
const FEWER: Readonly<Record<string, number>> = { 'ONNX walker': 500 }
/** Until a wrong decoder is found out: the rarest mistake shows in 1 of 400 cases. */
const CANARY_CASES = 20 * CASES
/** Many cases have keys like `__proto__`. */
const PROTOTYPE = Reflect.ownKeys(Object.prototype)

test.each(TARGETS)('$name: refused or understood, always alike', async ({ target }) => {
  const { failure, cases, taken } = await fuzz(
    target,
    SEED,
    propertyRuns(FEWER[target.name] ?? CASES),
  )
  expect(failure).toBeNull()
  // Neither is rare: the cases are near what is right.
  expect(Math.min(taken, cases - taken)).toBeGreaterThan(cases / 100)
})

test.each(TARGETS)('$name: a decoder that is wrong somewhere is found out', async ({ target }) => {
  const { failure } = await fuzz(target, SEED, CANARY_CASES, target.canary)
  expect(failure).not.toBeNull()
  expect(failure!.smallest.length).toBeLessThanOrEqual(failure!.made.length)
  console.log(`${target.name}: seed ${failure!.seed}, ${failure!.fault}: ${failure!.smallest}`)
})

test('nothing of all that has come to stand in the prototype of objects', () => {
  expect(Reflect.ownKeys(Object.prototype)).toEqual(PROTOTYPE)
})

test('a soak has cases for every target, and a thousand shares of them', () => {
  expect(Object.keys(SHARES)).toEqual(ALL_TARGETS.map(({ name }) => name))
  expect(Object.values(SHARES).reduce((sum, share) => sum + share, 0)).toBe(1000)
})
