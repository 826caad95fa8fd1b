/** A child that steps back for those who serve. */

import { writeFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/**
 * About a tenth of a core against a busy thread: a saturated machine slows the child down, and does
 * not starve it. p99 while versions are proved under full load: 4.65 and 4.5 ms without, 2.65 and
 * 2.6 ms with it (`bench -- swaps` with 8 swaps, in turns); a swap takes twice as long.
 */
export const LOW_PRIORITY = 10

/** Whether that is settled: lowered, or not to be lowered by us, or not on this kernel. */
const lowerGroup = (pid: number, niceness: number): boolean => {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(niceness))
  } catch (thrown) {
    // Who is not root may lower one group of the whole machine in 100 ms.
    return (thrown as NodeJS.ErrnoException).code !== 'EAGAIN'
  }
  return true
}

/**
 * Lowers a child that was spawned `detached`: at once, since threads inherit it when they start.
 *
 * Within a session the kernel goes by the niceness of processes; between sessions by that of the
 * group that it makes of each (sched(7), "The autogroup feature"), and every replica has its own.
 *
 * @returns false when it has to be called again, in a while
 */
export const lowerPriority = (pid: number, niceness = LOW_PRIORITY): boolean => {
  try {
    if (getPriority(pid) < niceness) setPriority(pid, niceness)
  } catch {
    return true // it has ended: nothing else can be wrong where the niceness rises
  }
  return lowerGroup(pid, niceness)
}
