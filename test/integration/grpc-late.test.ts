/** What a client over gRPC is told of an answer whose record cannot be written. */

import { connect, type IncomingHttpHeaders } from 'node:http2'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/shared/clock.ts'
import { atEnd } from '../helpers/clean-up.ts'
import { epochPlan, plannedVersion } from '../helpers/epoch-plans.ts'
import { rawFloats } from '../helpers/grpc-client.ts'
import { startGrpcEngine } from '../helpers/grpc-engine.ts'
import { grpcMessage } from '../helpers/http2/frames.ts'
import { RECORDED, RecordKeeping, recorded } from '../helpers/record-keeping.ts'
import { RequestPath } from '../helpers/request-path.ts'
import { until } from '../helpers/until.ts'

const GRANTED_MS = 200

test('by its own grpc-timeout it is DEADLINE_EXCEEDED, by ours UNAVAILABLE', async () => {
  const records = new RecordKeeping({ durability: 'process', whenFull: 'wait' })
  const plan = recorded(epochPlan(5, [plannedVersion({ model: 'm', version: 1 })]))
  const path = new RequestPath({ ...plan, records: RECORDED }, { records })
  let asked = 0
  const rig = await startGrpcEngine({
    onRequest: (exchange, body, refusal) => {
      path.infer.onRequest(exchange, body, refusal)
      asked++
    },
  })
  const session = connect(`http://127.0.0.1:${rig.port}`)
  atEnd(() => session.destroy())
  const told: IncomingHttpHeaders[] = []
  // A client that leaves its deadline to the server.
  const ask = (header: Readonly<Record<string, string>>) => {
    const stream = session.request({
      ...{ ':method': 'POST', ':path': '/inference.GRPCInferenceService/ModelInfer' },
      ...{ 'content-type': 'application/grpc', ...header },
    })
    stream.on('response', (headers) => told.push(headers))
    stream.resume()
    stream.end(grpcMessage(rawFloats('m', [1, 2])))
  }
  path.turns.nowMs = systemClock.monotonic()
  ask({ 'grpc-timeout': `${GRANTED_MS}m` })
  ask({ 'x-sluice-timeout-ms': `${GRANTED_MS + 1}` })
  await until(() => asked === 2, { what: 'both requests' })
  path.run()
  expect(records.thread.release?.count).toBe(2)
  records.say('FULL')
  await until(
    () => {
      path.turns.nowMs = systemClock.monotonic()
      records.thread.onBeat()
      return told.length === 2
    },
    { what: 'what both are told', everyMs: 1 },
  )
  const late = { 'x-sluice-error': 'DEADLINE_EXPIRED' }
  expect(told).toMatchObject([
    { ...late, 'grpc-status': '4' },
    { ...late, 'grpc-status': '14' },
  ])
  expect(records.take().records).toMatchObject([
    ...[
      { role: 'answer', status: 200 },
      { role: 'answer', status: 200 },
    ],
  ])
})
