import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { RawClient } from '../helpers/raw-client.ts'
import { acceptingSuite } from '../helpers/suites/http-engine-accepting.ts'
import { answersSuite } from '../helpers/suites/http-engine-answers.ts'
import { corsSuite } from '../helpers/suites/http-engine-cors.ts'
import { gateSuite } from '../helpers/suites/http-engine-gate.ts'
import {
  expectAlive,
  get,
  type PlainKind,
  post,
  startEngine,
} from '../helpers/suites/http-engine-harness.ts'
import { peersSuite } from '../helpers/suites/http-engine-peers.ts'
import { refusalsSuite } from '../helpers/suites/http-engine-refusals.ts'
import { requestsSuite } from '../helpers/suites/http-engine-requests.ts'
import {
  lastAnswersSuite,
  nodeReadersSuite,
  slowReadersSuite,
} from '../helpers/suites/http-engine-slow-readers.ts'
import { until } from '../helpers/until.ts'

const kinds: readonly PlainKind[] = ['uws', 'node']

for (const kind of kinds) {
  requestsSuite(kind)
  answersSuite(kind)
  acceptingSuite(kind)
  refusalsSuite(kind)
  corsSuite(kind)
  gateSuite(kind)
  peersSuite(kind)
  slowReadersSuite(kind)
}
lastAnswersSuite()

nodeReadersSuite()

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
  harness.seen[0]!.exchange.reply('200 OK', 'first')
  expect((await client.answer()).body).toBe('first')
  expect((await client.answer()).body).toBe('fixed')
})

test('the node engine puts no 100 into an answer that waits for others', async () => {
  const harness = await startEngine('node')
  const client = await harness.client()
  await client.send(post('/held', 'first') + post('/held', 'next', 'expect: 100-continue'))
  const [first, next] = harness.seen
  next!.exchange.reply('200 OK', Buffer.from('next'))
  first!.exchange.reply('200 OK', Buffer.from('first'))
  expect(await client.answer()).toMatchObject({ status: 200, body: 'first' })
  expect(await client.answer()).toMatchObject({ status: 200, body: 'next' })
  expect(client.received).toBe('')
})

const GARBAGE = '\0garbage\r\n\r\n'

test.each(kinds)(
  'the %s engine refuses garbage behind a request that was answered',
  async (kind) => {
    const harness = await startEngine(kind)
    const client = await harness.client()
    await client.send(post('/fixed', 'good'))
    expect(await client.answer()).toMatchObject({ status: 200, body: 'fixed' })
    await client.send(GARBAGE)
    expect((await client.answer()).status).toBe(kind === 'uws' ? 505 : 400)
    await client.closed
  },
)

/** What uWebSockets writes is not ours to hold back: docs/decisions/0002. */
test.each([
  ['uws', /^HTTP\/1\.1 505 /],
  ['node', /^$/],
] as const)(
  'the %s engine closes on garbage behind a request that waits',
  async (kind, received) => {
    const harness = await startEngine(kind)
    const client = await harness.client()
    await client.send(post('/held', 'good') + GARBAGE)
    await client.closed
    expect(client.received).toMatch(received)
    await until(() => harness.engine.underWay === 0, { what: 'the request to be given up' })
    await expectAlive(harness)
  },
)

test.each(kinds)(
  'the %s engine in a thread closes cleanly and takes long headers',
  async (kind) => {
    const child = spawn(process.execPath, ['test/helpers/engine-process.ts', kind], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    atEnd(() => void child.kill('SIGKILL'))
    const port = await new Promise<number>((resolve) => {
      child.stdout.once('data', (line) => resolve(Number(line)))
    })
    const exitCode = new Promise((resolve) => child.once('exit', resolve))
    const client = await RawClient.open(port)
    await client.send(get('/x', `a: ${'x'.repeat(10_000)}`))
    expect((await client.answer()).body).toBe(kind)
    // The connection stays open: with any socket left, uWebSockets would abort the process.
    child.kill('SIGTERM')
    expect(await exitCode).toBe(0)
  },
)
