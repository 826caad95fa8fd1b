/** The same request over HTTP and gRPC gives the same tensors, or the same refusal. */

import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { ERRORS, type ErrorCode } from '../../src/shared/errors.ts'
import { startGateway, type TestGateway } from '../helpers/gateway.ts'
import { GrpcClient } from '../helpers/grpc-client.ts'
import { propertyRuns } from '../helpers/seeds.ts'
import { askInEveryForm, type TwinOutcome } from '../helpers/twins/forms.ts'
import { makeTwinRepository } from '../helpers/twins/models.ts'
import { twin } from '../helpers/twins/requests.ts'

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startGateway({ repository: makeTwinRepository(), readyTimeoutMs: 60_000 })
})

/** A refusal as gRPC says it, of one over HTTP. */
const overGrpc = (outcome: TwinOutcome): TwinOutcome => {
  if (!('error' in outcome)) return outcome
  const { http, grpc } = ERRORS[outcome.error as ErrorCode] ?? { http: 0, grpc: '?' }
  expect(outcome.status).toBe(String(http))
  return { error: outcome.error, status: grpc }
}

test('requests of equal meaning are answered alike over HTTP and gRPC', async () => {
  const client = new GrpcClient(gateway.grpcPort)
  let [answered, refused] = [0, 0]
  const property = fc.asyncProperty(twin, async (one) => {
    const { json, binary, contents, raw } = await askInEveryForm(gateway, client, one)
    expect(contents, `contents and JSON: ${one.fault}`).toEqual(overGrpc(json))
    expect(raw, `raw and binary: ${one.fault}`).toEqual(overGrpc(binary))
    if ('error' in raw) {
      refused++
      return
    }
    answered++
    expect(contents, 'contents and raw').toEqual(raw)
    expect(one.fault).toBe('')
  })
  await fc.assert(property, { numRuns: propertyRuns(200) })
  // Neither is rare.
  expect(Math.min(answered, refused)).toBeGreaterThan((answered + refused) / 5)
})
