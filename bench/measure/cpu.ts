/** CPU time of threads and processes, from the scheduler's own account (Linux). */

import { readdirSync, readFileSync } from 'node:fs'

/** Nanoseconds on a CPU: the first number of a `schedstat` file. */
export const parseSchedstat = (text: string): number => {
  const cpuNs = Number(/^(\d+) \d+ \d+\s*$/.exec(text)?.[1] ?? Number.NaN)
  if (Number.isNaN(cpuNs)) throw new Error(`Not a schedstat line: ${text}`)
  return cpuNs
}

/** CPU time of each thread of a process, by thread id. */
export type ThreadTimes = ReadonlyMap<number, number>

const tryRead = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // the thread has ended
  }
}

const threadIds = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return []
  }
}

export const threadTimes = (pid: number): ThreadTimes => {
  const times = new Map<number, number>()
  for (const tid of threadIds(pid)) {
    const text = tryRead(`/proc/${pid}/task/${tid}/schedstat`)
    if (text !== null) times.set(tid, parseSchedstat(text))
  }
  return times
}

/** Threads of a process whose name (as `top -H` shows it) matches. */
export const threadsNamed = (pid: number, pattern: RegExp): number[] =>
  threadIds(pid).filter((tid) =>
    pattern.test((tryRead(`/proc/${pid}/task/${tid}/comm`) ?? '').trim()),
  )

/** Nanoseconds spent between two looks; threads that ended in between count for nothing. */
export const spentNs = (before: ThreadTimes, after: ThreadTimes): number => {
  let sum = 0
  for (const [tid, ns] of after) sum += ns - (before.get(tid) ?? 0)
  return sum
}
