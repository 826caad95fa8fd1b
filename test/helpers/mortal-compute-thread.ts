/**
 * Entry of a compute thread for tests: the loop of the real one, over a session that doubles, which
 * ends its thread at the first sight of a slot in the state that the test has named.
 */

import type { MessagePort } from 'node:worker_threads'
import { parentPort, workerData } from 'node:worker_threads'
import { ComputeLoop } from '../../src/runtime/pool/compute-loop.ts'
import { mapPool, type PoolMemory } from '../../src/runtime/pool/pool-memory.ts'
import type { ComputeThreadStart, ToComputeThread } from '../../src/runtime/pool/pool-messages.ts'
import { poolShape } from '../../src/runtime/pool/pool-shape.ts'
import { stateOf } from '../../src/runtime/pool/pool-slots.ts'
import type { Session } from '../../src/runtime/session-types.ts'
import { systemClock, threadOriginMs } from '../../src/shared/clock.ts'
import { RunMark } from '../../src/shared/run-marks.ts'
import { mapReplicaMemory } from '../../src/shared/shared-memory.ts'
import { CountingSession } from './counting-session.ts'
import { FATE_WORDS } from './fate-words.ts'

interface MortalStart {
  readonly start: ComputeThreadStart
  readonly fate: Int32Array
}

const { start, fate } = workerData as MortalStart
const { thread, dataThreads, computeThreads, memory, keptValuesMax } = start
const replica = mapReplicaMemory(memory, dataThreads, computeThreads)
let pool: PoolMemory | null = null

const lookAtSlots = (): void => {
  const fatal = Atomics.load(fate, FATE_WORDS.STATE)
  if (fatal === 0 || pool === null) return
  if (!pool.states.some((word) => stateOf(word) === fatal)) return
  if (Atomics.sub(fate, FATE_WORDS.DEATHS, 1) > 0) process.exit(7)
}

class MortalSession extends CountingSession {
  override run(inputs: Parameters<Session['run']>[0]): ReturnType<Session['run']> {
    lookAtSlots()
    Atomics.add(fate, FATE_WORDS.RUNS, 1)
    return super.run(inputs)
  }
}

const watched = (port: MessagePort): MessagePort => {
  const post = port.postMessage.bind(port)
  port.postMessage = (...args: Parameters<MessagePort['postMessage']>) => {
    lookAtSlots()
    post(...args)
  }
  return port
}

const loop = new ComputeLoop({
  thread,
  own: replica.computeThreads[thread]!,
  dataWords: replica.threads.map(({ words }) => words),
  ports: start.ports.map(watched),
  keptValuesMax,
  mark: new RunMark(0, 0),
  turns: {
    monotonic: () => {
      lookAtSlots()
      return systemClock.monotonic()
    },
    soon: (task) => setImmediate(task),
    after: (delayMs, task) => systemClock.setTimer(delayMs, task),
  },
  originMs: threadOriginMs(),
  tell: (message) => parentPort?.postMessage(message),
  load: () => new MortalSession(),
  end: () => process.exit(),
})

parentPort?.on('message', (message: ToComputeThread) => {
  loop.onMessage(message)
  if (message.type !== 'load') return
  pool = mapPool(message.grant.memory, poolShape(message.planned, dataThreads))
})
