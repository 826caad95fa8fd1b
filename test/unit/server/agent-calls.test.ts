import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import type { EnvelopeBody } from '../../../proto/control-envelope.ts'
import { DrainedSchema, ForwardedAnswerSchema } from '../../../proto/gen/control_pb.ts'
import {
  CALL_MS_MAX,
  CALLS_MAX,
  forwardBy,
  LOAD_MS_MAX,
  LOADS_MAX,
} from '../../../src/server/agent-calls.ts'
import { forwardedCall } from '../../../src/shared/forwarded-call.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

const clock = new FakeClock()

const CALL = forwardedCall('repository_index', { ready: true })

const answered = (code: string, detail: string, body = ''): EnvelopeBody => ({
  case: 'forwardedAnswer',
  value: create(ForwardedAnswerSchema, { code, detail, body: new TextEncoder().encode(body) }),
})

const forwarded = (answer: EnvelopeBody) => forwardBy(async () => answer, clock)(CALL)

test('forwardBy() asks control with a time limit, and gives its answer', async () => {
  const asked: unknown[] = []
  const forward = forwardBy(async (body, timeoutMs) => {
    if (body.case !== 'forwardedCall') throw new Error('another message')
    const { kind, payload, untilMs } = body.value
    asked.push([kind, new TextDecoder().decode(payload), Number(untilMs), timeoutMs])
    return answered('', '', '[1,"é"]')
  }, clock)
  expect(await forward(CALL)).toBe('[1,"é"]')
  expect(asked).toEqual([
    ['repository_index', '{"ready":true}', clock.now() + CALL_MS_MAX, CALL_MS_MAX],
  ])
})

test('forwardBy() gives the refusal of control', async () => {
  const refusal = { code: 'MODEL_NOT_FOUND', detail: 'no such model' }
  expect(await forwarded(answered(refusal.code, refusal.detail))).toEqual(refusal)
})

test.each<[string, EnvelopeBody]>([
  ['a code of a newer release', answered('NEVER_HEARD_OF', 'new')],
  ['what is a code for JavaScript alone', answered('constructor', 'odd')],
  ['another message', { case: 'drained', value: create(DrainedSchema) }],
  ['a message of a newer release', { case: undefined }],
])('forwardBy() takes %s for no answer', async (_, answer) => {
  expect(await forwarded(answer)).toMatchObject({ code: 'CONTROL_UNREACHABLE' })
})

test('forwardBy() refuses where control cannot be asked', async () => {
  const forward = forwardBy(async () => {
    throw new Error('There is no link to control')
  }, clock)
  for (let i = 0; i < 2 * CALLS_MAX; i++) {
    expect(await forward(CALL)).toMatchObject({ code: 'CONTROL_UNREACHABLE' })
  }
})

test('forwardBy() has so many calls under way, and room again for each that ends', async () => {
  const held: PromiseWithResolvers<EnvelopeBody>[] = []
  const forward = forwardBy(() => {
    held.push(Promise.withResolvers())
    return held.at(-1)!.promise
  }, clock)
  const first = Array.from({ length: CALLS_MAX }, () => forward(CALL))
  expect(await forward(CALL)).toMatchObject({ code: 'CONTROL_BUSY' })
  expect(held).toHaveLength(CALLS_MAX)
  held[3]!.resolve(answered('', '', '3'))
  held[5]!.reject(new Error('The link was closed'))
  expect(await first[3]).toBe('3')
  expect(await first[5]).toMatchObject({ code: 'CONTROL_UNREACHABLE' })
  void forward(CALL)
  void forward(CALL)
  expect(await forward(CALL)).toMatchObject({ code: 'CONTROL_BUSY' })
  expect(held).toHaveLength(CALLS_MAX + 2)
})

test('forwardBy() has loads wait for long, and hold up nobody who asks for something else', async () => {
  const limits: number[] = []
  const forward = forwardBy((body, limitMs) => {
    limits.push(limitMs)
    const isIndex = body.case === 'forwardedCall' && body.value.kind === 'repository_index'
    return isIndex ? Promise.resolve(answered('', '', '[]')) : new Promise(() => {})
  }, clock)
  for (let i = 0; i < LOADS_MAX; i++) void forward(forwardedCall('model_load', { model: 'm' }))
  const unload = forwardedCall('model_unload', { model: 'm' })
  expect(await forward(unload)).toMatchObject({ code: 'CONTROL_BUSY' })
  expect(await forward(CALL)).toBe('[]')
  expect([limits[0], limits.at(-1)]).toEqual([LOAD_MS_MAX, CALL_MS_MAX])
})
