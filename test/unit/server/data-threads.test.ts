import { expect, test } from 'vitest'
import { DataThreads } from '../../../src/server/data-threads.ts'
import type { Question } from '../../../src/server/thread-messages.ts'
import { forwardedCall } from '../../../src/shared/forwarded-call.ts'
import { replicaMemoryBytes } from '../../../src/shared/shared-memory.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { puppetThreads } from '../../helpers/puppet-threads.ts'
import { replicaSettings } from '../../helpers/replica-settings.ts'

const LISTEN: Question = { type: 'listen', port: 1, grpcPort: null }

const makeThreads = (count = 2) => {
  const { threads: puppets, startThread } = puppetThreads()
  const heard: string[] = []
  const settings = replicaSettings({ threads: count })
  const memory = new SharedArrayBuffer(replicaMemoryBytes(count, 1))
  const threads = new DataThreads(
    startThread,
    { settings, memory, records: null },
    {
      onFault: (requestId, detail) => heard.push(`fault ${requestId} ${detail}`),
      onPools: () => {},
      onCall: async ({ kind }) => `answer to ${kind}`,
      onError: (thread, error) => heard.push(`error ${thread} ${String(error)}`),
      onHeld: (thread, versions) => heard.push(`held ${thread} ${versions}`),
      onEnded: (thread) => heard.push(`ended ${thread}`),
    },
  )
  return { threads, puppets, heard }
}

/** Whether a promise has been fulfilled by now. */
const isDone = async (promise: Promise<unknown>): Promise<boolean> => {
  let done = false
  void promise.then(() => {
    done = true
  })
  await settle()
  return done
}

test('DataThreads starts every thread with its number and the same memory', () => {
  const { puppets } = makeThreads(3)
  expect(puppets.map(({ start }) => start.thread)).toEqual([0, 1, 2])
  expect(new Set(puppets.map(({ start }) => start.memory)).size).toBe(1)
})

test('ask() resolves with one answer of each thread', async () => {
  const { threads, puppets } = makeThreads()
  const { answers } = threads.ask(LISTEN)
  puppets[0]!.listening()
  expect(await isDone(answers)).toBe(false)
  puppets[1]!.listening('taken')
  expect((await answers).map((answer) => 'failure' in answer && answer.failure)).toEqual([
    null,
    'taken',
  ])
})

test('ask() lets no thread answer for another', async () => {
  const { threads, puppets } = makeThreads()
  const { answers } = threads.ask(LISTEN)
  puppets[0]!.listening()
  puppets[0]!.listening()
  expect(await isDone(answers)).toBe(false)
  puppets[1]!.listening()
  expect(await answers).toHaveLength(2)
})

test('ask() takes no answer to another question', async () => {
  const { threads, puppets } = makeThreads(1)
  const first = threads.ask(LISTEN)
  const second = threads.ask(LISTEN)
  expect(second.number).toBeGreaterThan(first.number)
  puppets[0]!.listening()
  expect(await isDone(second.answers)).toBe(true)
  expect(await isDone(first.answers)).toBe(false)
})

test('living names the threads that have not ended', () => {
  const { threads, puppets, heard } = makeThreads()
  puppets[0]!.fault('id-1', 'crash')
  puppets[0]!.fail(new Error('torn'))
  puppets[0]!.end()
  expect([...threads.living]).toEqual([1])
  puppets[1]!.end()
  expect(threads.living.size).toBe(0)
  expect(heard).toEqual(['fault id-1 crash', 'error 0 Error: torn', 'ended 0', 'ended 1'])
})

test('a call of a thread is answered to it alone, and to nobody once it has ended', async () => {
  const { puppets } = makeThreads()
  const call = forwardedCall('repository_index', { ready: true })
  puppets[0]!.call(7, call)
  puppets[1]!.call(7, call)
  puppets[1]!.end()
  await settle()
  const answer = 'answer to repository_index'
  expect(puppets[0]!.told).toEqual([{ type: 'answered', number: 7, answer }])
  expect(puppets[1]!.told).toEqual([])
})
