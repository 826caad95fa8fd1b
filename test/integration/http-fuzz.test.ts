/** Damaged requests over sockets. */

import { expect, test } from 'vitest'
import { fuzz } from '../helpers/fuzz/harness.ts'
import { HTTP_TARGETS } from '../helpers/fuzz/http.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const TARGETS = HTTP_TARGETS.map((target) => ({ target, name: target.name }))

test.each(TARGETS)('$name: refused or answered, and as good as new', async ({ target }) => {
  const { failure, cases, taken } = await fuzz(target, 1, propertyRuns(2000))
  expect(failure).toBeNull()
  expect(Math.min(taken, cases - taken)).toBeGreaterThan(cases / 50)
})

test.each(TARGETS)('$name: an answer to nothing is found out', async ({ target }) => {
  const { failure } = await fuzz(target, 1, 2000, target.canary)
  expect(failure?.fault).toMatch(/answers to 0 requests/)
  console.log(`${target.name}: seed ${failure!.seed}, ${failure!.fault}: ${failure!.smallest}`)
})
