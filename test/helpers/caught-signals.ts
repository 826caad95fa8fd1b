/** Whether a process is ready for signals that would kill it before. */

import { readFileSync } from 'node:fs'
import { until } from './until.ts'

/** Bit of SIGHUP (signal 1), which Node leaves alone: who catches it has begun to listen. */
const HANG_UP = 1n

/** Resolves in the first moment in which a process does not die of SIGHUP. */
export const untilListening = (pid: number): Promise<boolean> =>
  until(
    () => {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      const caught = /^SigCgt:\t([0-9a-f]+)$/m.exec(status)?.[1]
      return (BigInt(`0x${caught}`) & HANG_UP) === HANG_UP
    },
    { what: `process ${pid} to listen to signals`, everyMs: 1 },
  )
