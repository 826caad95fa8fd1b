import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { atEnd } from '../helpers/clean-up.ts'
import { RawClient } from '../helpers/raw-client.ts'
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
