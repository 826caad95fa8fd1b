import { expect, test } from 'vitest'
import type { RecordLayout } from '../../../src/records/record-layout.ts'
import { RING_WORD, SPOOL_STATE } from '../../../src/records/ring/record-ring.ts'
import { mapRecordMemory, recordMemoryBytes } from '../../../src/records/spool/spool-memory.ts'
import { SpoolKeeper } from '../../../src/server/spool-keeper.ts'
import { createLogger } from '../../../src/shared/logger.ts'
import { THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { FakeClock, settle } from '../../helpers/fake-clock.ts'
import { puppetSpoolThreads } from '../../helpers/puppet-spool.ts'

const RING_BYTES = 64 * 1024
const layout = (id: number) => ({ id }) as RecordLayout

const makeKeeper = () => {
  const { spoolThreads, startSpoolThread } = puppetSpoolThreads()
  const clock = new FakeClock()
  const all: RecordLayout[] = []
  const connected: number[] = []
  const memory = new SharedArrayBuffer(recordMemoryBytes(2, RING_BYTES))
  const keeper = new SpoolKeeper({
    settings: {
      ...{ folder: '', gateway: 'gw', replica: 0, incarnation: 1, threads: 2, hmacKey: null },
      ...{ ringBytes: RING_BYTES, durability: 'memory', bytesMax: 0 },
      ...{ segmentBytesMax: 0, segmentMsMax: 0 },
    },
    ...{ memory, clock, start: startSpoolThread, layouts: () => all },
    logger: createLogger({ level: 'silent', component: 'test' }),
    connect: (ports) => {
      connected.push(ports.length)
      for (const port of ports) port.close()
    },
  })
  const mapped = mapRecordMemory(memory, 2, RING_BYTES)
  return { keeper, clock, all, connected, threads: spoolThreads, mapped }
}

const isDone = async (promise: Promise<void>): Promise<boolean> => {
  let done = false
  void promise.then(() => {
    done = true
  })
  await settle()
  return done
}

test('the thread is started with a port to each data thread', () => {
  const { threads, connected } = makeKeeper()
  expect(threads.map(({ start }) => [start.generation, start.ports.length])).toEqual([[0, 2]])
  expect(connected).toEqual([2])
})

test('tellLayouts() resolves when the thread knows them, and wakes it', async () => {
  const { keeper, threads, mapped } = makeKeeper()
  const told = keeper.tellLayouts([layout(1)], [])
  expect(mapped.spool.words[THREAD_WORDS.BELL]).toBe(1)
  expect(await isDone(told)).toBe(false)
  threads[0]!.taken()
  expect(await isDone(told)).toBe(true)
  expect(await isDone(keeper.tellLayouts([], []))).toBe(true)
  expect(threads[0]!.tolds('layouts')).toHaveLength(1)
})

test('tellLayouts() waits for a disk that hangs, but not for ever', async () => {
  const { keeper, clock } = makeKeeper()
  const told = keeper.tellLayouts([layout(1)], [])
  await clock.advance(1999)
  expect(await isDone(told)).toBe(false)
  await clock.advance(1)
  expect(await isDone(told)).toBe(true)
})

test('another thread takes the place of one that ends, and knows what that one should have', async () => {
  const { keeper, clock, threads, all, connected, mapped } = makeKeeper()
  all.push(layout(1), layout(2))
  const told = keeper.tellLayouts([layout(2)], [])
  threads[0]!.fail(new Error('a fault'))
  threads[0]!.end()
  const states = mapped.rings.map(({ head }) => head[RING_WORD.SPOOL_STATE])
  expect(states).toEqual([SPOOL_STATE.IO_ERROR, SPOOL_STATE.IO_ERROR])
  expect([keeper.isLiving, threads.length]).toEqual([false, 1])
  await clock.advance(100)
  expect([keeper.isLiving, threads.length, connected]).toEqual([true, 2, [2, 2]])
  expect(threads[1]!.start).toMatchObject({ generation: 1, layouts: [layout(1), layout(2)] })
  expect(await isDone(told)).toBe(true)
})

test('a thread that ends again and again is started ever later, until one was well', async () => {
  const { clock, threads } = makeKeeper()
  const startsAfter = async () => {
    const before = threads.length
    const sinceMs = clock.monotonic()
    threads.at(-1)!.end()
    while (threads.length === before) await clock.advance(50)
    return clock.monotonic() - sinceMs
  }
  const delays: number[] = []
  for (let i = 0; i < 11; i++) delays.push(await startsAfter())
  expect(delays.slice(0, 4)).toEqual([100, 200, 400, 800])
  expect(delays.slice(-2)).toEqual([30_000, 30_000])
  await clock.advance(60_000)
  expect(await startsAfter()).toBe(100)
})

test('replace() ends a thread that hangs', () => {
  const { keeper, threads } = makeKeeper()
  keeper.replace()
  expect(threads[0]!.isTerminated).toBe(true)
})

test('drain() resolves when the thread has emptied the rings and ended', async () => {
  const { keeper, clock, threads } = makeKeeper()
  const drained = keeper.drain(1000, [0, 1])
  expect(threads[0]!.tolds('drain')).toEqual([{ type: 'drain', limitMs: 1000, ended: [0, 1] }])
  threads[0]!.say({ type: 'drained', lost: 3 })
  expect(await isDone(drained)).toBe(false)
  threads[0]!.end()
  expect(await isDone(drained)).toBe(true)
  expect(await isDone(keeper.drain(1000, [0, 1]))).toBe(true)
  await clock.advance(60_000)
  expect(threads).toHaveLength(1)
})

test('drain() does not wait for a disk that hangs', async () => {
  const { keeper, clock } = makeKeeper()
  const drained = keeper.drain(1000, [0, 1])
  await clock.advance(1499)
  expect(await isDone(drained)).toBe(false)
  await clock.advance(1)
  expect(await isDone(drained)).toBe(true)
})

test('drain() starts a thread where the last one has just ended', async () => {
  const { keeper, clock, threads } = makeKeeper()
  threads[0]!.end()
  void keeper.drain(1000, [0, 1])
  expect(threads[1]!.tolds('drain')).toHaveLength(1)
  await clock.advance(1000)
  expect(threads).toHaveLength(2)
})

test('drain() while it drains waits for the same end', async () => {
  const { keeper, threads } = makeKeeper()
  void keeper.drain(1000, [0, 1])
  const again = keeper.drain(100, [])
  expect(await isDone(again)).toBe(false)
  threads[0]!.end()
  expect(await isDone(again)).toBe(true)
  expect(threads[0]!.tolds('drain')).toHaveLength(1)
})
