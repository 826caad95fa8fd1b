import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { ForwardedCallSchema } from '../../../../proto/gen/control_pb.ts'
import { answerCall, type CallAnswers } from '../../../../src/control/api/forwarded-calls.ts'
import { refuse } from '../../../../src/shared/errors.ts'
import { forwardedCall } from '../../../../src/shared/forwarded-call.ts'
import { createLogger } from '../../../../src/shared/logger.ts'
import { FakeClock } from '../../../helpers/fake-clock.ts'

const logger = createLogger({ level: 'silent', component: 'test' })
const clock = new FakeClock()

const ask = async (
  answer: CallAnswers['repository_index'],
  { kind, payload }: { kind: string; payload: string } = forwardedCall('repository_index', {
    ready: true,
  }),
  untilMs = 0,
) => {
  const bytes = new TextEncoder().encode(payload)
  const call = create(ForwardedCallSchema, { kind, payload: bytes, untilMs: BigInt(untilMs) })
  const answers: CallAnswers = {
    repository_index: answer,
    model_statistics: () => '',
    model_config: () => '',
    model_load: () => '',
    model_unload: () => '',
  }
  const { code, detail, body } = await answerCall(answers, call, { clock, logger })
  return { code, detail, body: new TextDecoder().decode(body) }
}

test.each([
  ['at once', ({ ready }: { ready: boolean }) => `[${ready},"é"]`],
  ['later', async ({ ready }: { ready: boolean }) => `[${ready},"é"]`],
])('answerCall() gives what a source answers %s', async (_, answer) => {
  expect(await ask(answer)).toEqual({ code: '', detail: '', body: '[true,"é"]' })
})

test('answerCall() makes no answer when nobody waits for it any more', async () => {
  let made = 0
  const answer = () => `${++made}`
  const call = forwardedCall('repository_index', { ready: true })
  const codes = []
  for (const lateMs of [-1, 0, 1]) {
    codes.push((await ask(answer, call, clock.now() - lateMs)).code)
  }
  expect([...codes, made]).toEqual(['', '', 'CONTROL_UNREACHABLE', 2])
})

test('answerCall() gives a refusal with its code', async () => {
  const refused = { code: 'MODEL_NOT_FOUND', detail: 'no such model', body: '' }
  expect(await ask(() => refuse('MODEL_NOT_FOUND', 'no such model'))).toEqual(refused)
})

test.each([
  ['throws', () => fault()],
  ['rejects', async () => fault()],
])('answerCall() says nothing of why a source %s', async (_, answer) => {
  expect(await ask(answer)).toEqual({ code: 'INTERNAL', detail: 'Internal error', body: '' })
})

test('answerCall() refuses a kind that it does not know, and survives a broken payload', async () => {
  for (const kind of ['brew_coffee', 'constructor', '']) {
    expect((await ask(() => '[]', { kind, payload: '{}' })).code).toBe('NOT_IMPLEMENTED')
  }
  const broken = { kind: 'repository_index', payload: '{' }
  expect((await ask(() => '[]', broken)).code).toBe('INTERNAL')
})

const fault = (): never => {
  throw new Error('/secret/path')
}
