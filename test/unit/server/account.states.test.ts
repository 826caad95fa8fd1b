import { expect, test } from 'vitest'
import { Account } from '../../../src/server/account.ts'
import {
  mapReplicaMemory,
  replicaMemoryBytes,
  THREAD_STATE,
  THREAD_WORDS,
} from '../../../src/shared/shared-memory.ts'

const makeAccount = () => {
  const memory = mapReplicaMemory(new SharedArrayBuffer(replicaMemoryBytes(1)), 1).threads[0]!
  return { account: new Account(memory), words: memory.words }
}

test('entering a state is a beat, also when the state does not change', () => {
  const { account, words } = makeAccount()
  const beats = [
    () => account.loading(1),
    () => account.loading(2),
    () => account.running(1),
    () => account.running(1),
    () => account.idle(),
    () => account.beat(0, 0),
  ].map((enter) => {
    enter()
    return words[THREAD_WORDS.BEAT]
  })
  expect(beats).toEqual([1, 2, 3, 4, 5, 6])
})

test('running() and loading() publish the number of the version', () => {
  const { account, words } = makeAccount()
  account.loading(3)
  expect([words[THREAD_WORDS.STATE], words[THREAD_WORDS.VERSION]]).toEqual([THREAD_STATE.LOAD, 3])
  account.running(4)
  expect([words[THREAD_WORDS.STATE], words[THREAD_WORDS.VERSION]]).toEqual([THREAD_STATE.RUN, 4])
  account.idle()
  expect(words[THREAD_WORDS.STATE]).toBe(THREAD_STATE.IDLE)
})
