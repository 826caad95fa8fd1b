/**
 * A million structure-aware cases for everything that reads bytes of strangers. With
 * the same seed those of test/property/fuzz.test.ts are its first.
 *
 * SLUICE_TEST_RUNS_FACTOR=1000 makes it a million, SLUICE_TEST_SEED repeats those of another run.
 */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DECODER_TARGETS } from '../helpers/fuzz/decoders.ts'
import { FORMAT_TARGETS } from '../helpers/fuzz/formats.ts'
import { GRPC_TARGET } from '../helpers/fuzz/grpc.ts'
import { fuzz } from '../helpers/fuzz/harness.ts'
import { HTTP_TARGETS } from '../helpers/fuzz/http.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const LINES = 10

/** Cases in a thousand. */
const SHARES: Readonly<Record<string, number>> = {
  'features JSON': 170,
  'OIP JSON': 170,
  'OIP binary': 170,
  'TensorFlow Serving': 170,
  gRPC: 80,
  'content-encoding': 90,
  'config.pbtxt': 90,
  'ONNX walker': 40,
  'HTTP on uws': 10,
  'HTTP on node': 10,
}

const TARGETS = [...DECODER_TARGETS, GRPC_TARGET, ...FORMAT_TARGETS, ...HTTP_TARGETS].map(
  (target) => ({
    target,
    name: target.name,
  }),
)

test('the shares make a thousand', () => {
  expect(Object.values(SHARES).reduce((sum, share) => sum + share, 0)).toBe(1000)
  expect(Object.keys(SHARES)).toEqual(TARGETS.map(({ name }) => name))
})

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
