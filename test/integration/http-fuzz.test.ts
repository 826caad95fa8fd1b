/** Damaged requests over sockets. */

import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { fuzz } from '../helpers/fuzz/harness.ts'
import { HTTP_TARGETS } from '../helpers/fuzz/http.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const { seed: SEED = 0 } = fc.readConfigureGlobal()
const CASES = 2000
/** It is found in one case of a thousand, and looked for no longer. */
const CANARY_CASES = 10 * CASES

describe.each(HTTP_TARGETS)('$name', (target) => {
  beforeAll(() => target.prepare?.())

  test('requests are refused or answered, and the engine is as good as new', async () => {
    const { failure, cases, taken } = await fuzz(target, SEED, propertyRuns(CASES))
    expect(failure).toBeNull()
    expect(Math.min(taken, cases - taken)).toBeGreaterThan(cases / 50)
  })

  test('an answer to nothing is found out', async () => {
    const { failure } = await fuzz(target, SEED, CANARY_CASES, target.canary)
    expect(failure?.fault).toMatch(/answers to 0 requests/)
    console.log(`${target.name}: seed ${failure!.seed}, ${failure!.fault}: ${failure!.smallest}`)
  })
})
