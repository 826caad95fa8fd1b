/** How busy a core is, from the kernel's account (Linux). */

import { readFileSync } from 'node:fs'

interface CoreTicks {
  readonly idle: number
  readonly all: number
}

/** Ticks of `cpu<core>` in the text of /proc/stat; null where there is no such line. */
export const parseCoreTicks = (text: string, core: number): CoreTicks | null => {
  const line = new RegExp(`^cpu${core} (.*)$`, 'm').exec(text)?.[1]
  if (line === undefined) return null
  const ticks = line.trim().split(/\s+/).map(Number)
  // user, nice, system, idle, iowait, irq, softirq, steal; the guest ones are within user.
  return { idle: ticks[3]! + ticks[4]!, all: ticks.slice(0, 8).reduce((sum, one) => sum + one, 0) }
}

/** Gives the part of the time, since it was called, in which the core was busy; NaN: unknown. */
export const watchCore = (core: number): (() => number) => {
  const look = () => parseCoreTicks(readFileSync('/proc/stat', 'utf8'), core)
  const before = look()
  return () => {
    const after = look()
    if (before === null || after === null) return Number.NaN
    return 1 - (after.idle - before.idle) / (after.all - before.all)
  }
}
