/**
 * Thread root beside a proving run. The run blocks its own thread, for ever perhaps; this one sees
 * that control has gone, and ends the process: nobody else would. Its data is control's process id,
 * since control may be gone before this thread has begun.
 */

import { parentPort, workerData } from 'node:worker_threads'
import { every, systemClock } from '../shared/clock.ts'

const LOOK_MS = 500
const controlPid = workerData as number

const look = (): void => {
  if (process.ppid !== controlPid) process.kill(process.pid, 'SIGKILL')
}

parentPort?.on('message', () => {}) // timers of our clock keep no thread alive
look()
every(systemClock, LOOK_MS, look)
