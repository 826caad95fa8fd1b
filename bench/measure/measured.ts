/** What a process takes. */

import { readFileSync } from 'node:fs'

/** Most resident memory of a process so far, MB; 0 when it has gone. */
export const peakMbOf = (pid: number): number => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}
