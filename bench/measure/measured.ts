/** A program that is run to its end, and what it took. */

import { readFileSync } from 'node:fs'
import { outputOf, start } from './processes.ts'

export interface Measured {
  readonly output: string
  readonly seconds: number
  /** Most resident memory, MB. */
  readonly peakMb: number
}

const LOOK_MS = 20

/** Most resident memory of a process so far, MB; 0 when it has gone. */
export const peakMbOf = (pid: number): number => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Rejects with all that it said when it does not end with 0. */
export const runMeasured = async (command: readonly string[]): Promise<Measured> => {
  const startMs = performance.now()
  const child = start(command, { core: 'any' })
  let peakMb = 0
  const timer = setInterval(() => {
    peakMb = Math.max(peakMb, peakMbOf(child.pid ?? 0))
  }, LOOK_MS)
  try {
    const output = await outputOf(child)
    return { output, seconds: (performance.now() - startMs) / 1000, peakMb }
  } finally {
    clearInterval(timer)
  }
}
