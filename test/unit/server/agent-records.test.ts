import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { layoutKey, NO_LAYOUTS } from '../../../src/server/record-layouts.ts'
import { recordKeyId } from '../../../src/shared/record-key.ts'
import type { RecordSettings } from '../../../src/shared/record-settings.ts'
import { THREAD_STATE, THREAD_WORDS } from '../../../src/shared/shared-memory.ts'
import { makeAgent } from '../../helpers/agents.ts'
import { epochPlan, plannedVersion } from '../../helpers/epoch-plans.ts'
import { settle } from '../../helpers/fake-clock.ts'
import { recorded } from '../../helpers/record-keeping.ts'
import { makeTempDir } from '../../helpers/temp-dir.ts'

const RECORDS: RecordSettings = {
  ...{ durability: 'memory', whenFull: 'drop', ringBytes: 65_536, recordBytesMax: 4096 },
  hmac: null,
  spool: { folder: '/spool', bytesMax: 1, segmentBytesMax: 2, segmentMsMax: 3 },
}

const PLAN = recorded(epochPlan(1, [plannedVersion({ model: 'a', version: 1 })]))

test('without records there is no spool thread, and no memory for one', async () => {
  const { threads, spoolThreads, serve } = makeAgent()
  await serve(PLAN)
  expect(spoolThreads).toEqual([])
  expect(threads[0]!.start.records).toBeNull()
  expect(threads[0]!.last('prepare').layouts).toEqual(NO_LAYOUTS)
})

test('the spool thread is started with the settings of its replica', () => {
  const { threads, spoolThreads } = makeAgent({ records: RECORDS, threads: 2 })
  expect(spoolThreads).toHaveLength(1)
  const { settings, memory } = spoolThreads[0]!.start
  expect(settings).toMatchObject({ ...RECORDS.spool, threads: 2, ringBytes: 65_536, hmacKey: null })
  expect(threads.map(({ start }) => start.records)).toEqual([memory, memory])
  expect(threads.map((thread) => thread.tolds('spool_thread').length)).toEqual([1, 1])
})

test('a plan is prepared when data threads and spool thread know its layouts', async () => {
  const { agent, threads, spoolThreads } = makeAgent({ records: RECORDS })
  let isPrepared = false
  void agent.prepare(PLAN).then(() => {
    isPrepared = true
  })
  for (const thread of threads) thread.prepared()
  await settle()
  expect(isPrepared).toBe(false)
  spoolThreads[0]!.taken()
  await settle()
  expect(isPrepared).toBe(true)
  const { layouts } = threads[0]!.last('prepare')
  const told = spoolThreads[0]!.tolds('layouts').flatMap((each) => each.layouts)
  expect(told.find(({ version }) => version === 1)?.id).toBe(layouts.ids[layoutKey('a', 1)])
})

test('a spool thread that hangs is replaced; one that waits for the disk is left alone', async () => {
  const { agent, clock, spoolThreads, threads, reports, exits } = makeAgent({ records: RECORDS })
  const words = new Int32Array(spoolThreads[0]!.start.memory, 0, 16)
  const watchFor = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      await clock.advance(500)
      for (const thread of threads) thread.words[THREAD_WORDS.BEAT]! += 1
      agent.watch()
    }
  }
  words[THREAD_WORDS.STATE] = THREAD_STATE.WRITE
  await watchFor(60_000)
  // Control looks for a version that hangs: it is not told.
  expect([spoolThreads[0]!.isTerminated, reports]).toEqual([false, []])
  words[THREAD_WORDS.STATE] = THREAD_STATE.IDLE
  words[THREAD_WORDS.BEAT]! += 1
  await watchFor(11_000)
  expect(spoolThreads[0]!.isTerminated).toBe(true)
  expect(exits).toEqual([])
  spoolThreads[0]!.end()
  await clock.advance(100)
  expect(threads.map((thread) => thread.tolds('spool_thread').length)).toEqual([2, 2])
  expect(words[THREAD_WORDS.STATE]).toBe(THREAD_STATE.IDLE)
})

test('of data threads that serve on, the spool thread is told that they do', async () => {
  const { agent, clock, threads, spoolThreads } = makeAgent({ records: RECORDS, threads: 3 })
  threads[1]!.end()
  let isDone = false
  void agent.finishRecords(100).then(() => {
    isDone = true
  })
  expect(spoolThreads[0]!.tolds('drain')).toEqual([{ type: 'drain', limitMs: 100, ended: [1] }])
  await clock.advance(199)
  expect(isDone).toBe(false)
  await clock.advance(1)
  expect(isDone).toBe(true)
})

test('a spool thread that hangs in the disk does not keep the process from ending', async () => {
  const { agent, clock, threads, spoolThreads } = makeAgent({ records: RECORDS })
  let isDrained = false
  void agent.drain(5000).then(() => {
    isDrained = true
  })
  for (const thread of threads) thread.end()
  await clock.advance(1500)
  expect([isDrained, agent.mustBeKilled]).toEqual([true, true])
  spoolThreads[0]!.end()
  expect(agent.mustBeKilled).toBe(false)
})

test('the spool thread ends last', async () => {
  const { agent, threads, spoolThreads } = makeAgent({ records: RECORDS })
  let isDrained = false
  void agent.drain(5000).then(() => {
    isDrained = true
  })
  threads[0]!.end()
  await settle()
  expect(spoolThreads[0]!.tolds('drain')).toEqual([])
  threads[1]!.end()
  await settle()
  expect(spoolThreads[0]!.tolds('drain')).toEqual([{ type: 'drain', limitMs: 1000, ended: [0, 1] }])
  expect(isDrained).toBe(false)
  spoolThreads[0]!.end()
  await settle()
  expect(isDrained).toBe(true)
})

test('the spool thread has the key of HMAC from its file', () => {
  const keyFile = join(makeTempDir(), 'key')
  const key = 'k'.repeat(32)
  writeFileSync(keyFile, key)
  chmodSync(keyFile, 0o600)
  const keyUnder = (keyId: string) =>
    makeAgent({ records: { ...RECORDS, hmac: { keyFile, keyId } } }).spoolThreads[0]!.start.settings
      .hmacKey
  expect(keyUnder(recordKeyId(key))).toBe(key)
  // The file holds another one than when the gateway started: its replicas all use the same.
  expect(keyUnder('00000000')).toBeNull()
})

test('a replica whose key has gone serves on without it', () => {
  const keyFile = join(makeTempDir(), 'gone')
  const { spoolThreads } = makeAgent({ records: { ...RECORDS, hmac: { keyFile, keyId: '' } } })
  expect(spoolThreads[0]!.start.settings.hmacKey).toBeNull()
})
