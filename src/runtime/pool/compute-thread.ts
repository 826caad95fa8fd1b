/**
 * Entry of a compute thread: sessions of pooled versions, fed by the slots of all data threads of
 * its replica. It logs nothing and reads no file but model copies.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { systemClock, threadOriginMs } from '../../shared/clock.ts'
import { writeCodeCache } from '../../shared/code-cache.ts'
import { RunMark } from '../../shared/run-marks.ts'
import { MARKS_FD_WORD, mapReplicaMemory, THREAD_WORDS } from '../../shared/shared-memory.ts'
import { beat, keepBeating } from '../../shared/thread-state.ts'
import { currentThreadId } from '../../shared/threads.ts'
import { loadProven } from '../load-proven.ts'
import { warmUp } from '../warm-up.ts'
import { ComputeLoop } from './compute-loop.ts'
import type { ComputeThreadStart, ToComputeThread } from './pool-messages.ts'

const start = workerData as ComputeThreadStart
const { thread, dataThreads, computeThreads, memory, ports, keptValuesMax } = start
const replica = mapReplicaMemory(memory, dataThreads, computeThreads)
const own = replica.computeThreads[thread]!
const loop = new ComputeLoop({
  thread,
  own,
  dataWords: replica.threads.map(({ words }) => words),
  ports,
  keptValuesMax,
  mark: new RunMark(replica.words[MARKS_FD_WORD]!, dataThreads + thread),
  turns: {
    monotonic: systemClock.monotonic,
    soon: (task) => setImmediate(task),
    after: (delayMs, task) => systemClock.setTimer(delayMs, task),
  },
  originMs: threadOriginMs(),
  tell: (message) => parentPort?.postMessage(message),
  load: (planned, settings) => {
    const session = loadProven(planned.provenFile, planned.provenSha256, settings)
    warmUp(session, planned)
    return session
  },
  end: () => process.exit(),
})

parentPort?.on('message', (message: ToComputeThread) => loop.onMessage(message))

own.words[THREAD_WORDS.TID] = currentThreadId()
const cancelBeat = keepBeating(systemClock, (cpuSeconds, loopLagSeconds) =>
  beat(own, cpuSeconds, loopLagSeconds),
)
parentPort?.on('close', cancelBeat)
writeCodeCache()
