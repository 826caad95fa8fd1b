/** A server under load, as the benchmark sees it. */

import { type ThreadTimes, threadTimes } from '../measure/cpu.ts'

export interface Server {
  readonly name: string
  readonly port: number
  /** Path of a prediction. */
  readonly path: string
  /** CPU times, at this moment, of the threads that take requests. */
  dataThreads(): ThreadTimes
  /** CPU times of all threads of all its processes. */
  allThreads(): ThreadTimes
  stop(): Promise<void>
}

export const threadsOf = (pids: readonly number[]): ThreadTimes =>
  new Map(pids.flatMap((pid) => [...threadTimes(pid)]))

export const only = (times: ThreadTimes, tids: readonly number[]): ThreadTimes =>
  new Map([...times].filter(([tid]) => tids.includes(tid)))
