import { expect, test } from 'vitest'
import { answersSuite } from '../helpers/suites/http-engine-answers.ts'
import {
  type EngineKind,
  expectAlive,
  get,
  post,
  startEngine,
} from '../helpers/suites/http-engine-harness.ts'
import { refusalsSuite } from '../helpers/suites/http-engine-refusals.ts'
import { requestsSuite } from '../helpers/suites/http-engine-requests.ts'

const kinds: readonly EngineKind[] = ['uws', 'node']

for (const kind of kinds) {
  requestsSuite(kind)
  answersSuite(kind)
  refusalsSuite(kind)
}

test('the uws engine closes on a client that pipelines before it is answered', async () => {
  const harness = await startEngine('uws')
  const client = await harness.client()
  await client.send(post('/held', 'first') + get('/fixed'))
  await client.closed
  expect(client.received).toBe('')
  expect(harness.seen.map(({ exchange }) => exchange.isAborted)).toEqual([true])
  await expectAlive(harness)
})

test('the node engine answers a client that pipelines in order', async () => {
  const harness = await startEngine('node')
  const client = await harness.client()
  await client.send(post('/held', 'first') + get('/fixed'))
  harness.seen[0]!.exchange.reply('200 OK', '', 'first')
  expect((await client.answer()).body).toBe('first')
  expect((await client.answer()).body).toBe('fixed')
})
