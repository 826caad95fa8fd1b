/**
 * Thread root beside a proving run. The run blocks its own thread, for ever perhaps; this one sees
 * that control has gone, and ends the process: nobody else would.
 */

import { parentPort } from 'node:worker_threads'
import { every, systemClock } from '../shared/clock.ts'

const LOOK_MS = 500
const parent = process.ppid

parentPort?.on('message', () => {}) // timers of our clock keep no thread alive
every(systemClock, LOOK_MS, () => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL')
})
