/** Random bytes and damaged conversations, to the gRPC port. */

import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { grpcTarget } from '../helpers/fuzz/grpc-port.ts'
import { fuzz } from '../helpers/fuzz/harness.ts'
import { type Abused, startAbused } from '../helpers/grpc-abuse.ts'
import { propertyRuns } from '../helpers/seeds.ts'

const { seed: SEED = 0 } = fc.readConfigureGlobal()
const CASES = 1000

let abused: Abused

beforeAll(async () => {
  abused = await startAbused()
})

const target = grpcTarget(() => abused)

test('they are answered or refused, and the replica is as good as new', async () => {
  const { failure, cases, taken } = await fuzz(target, SEED, propertyRuns(CASES))
  expect(failure).toBeNull()
  expect(Math.min(taken, cases - taken)).toBeGreaterThan(cases / 20)
  await abused.expectUnharmed()
})

test('an answer to nothing is found out', async () => {
  let fault: string | null = null
  // Most cases have no answer at all.
  for (let i = 0; i < 300 && fault === null; i++) {
    fault = (await target.canary(target.make(SEED + i))).fault
  }
  expect(fault).toMatch(/answers to 0 calls$/)
})
