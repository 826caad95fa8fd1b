/**
 * Naming one process for ever. A pid alone is used again by the kernel; pid, start time and boot
 * together are not. Where /proc is absent (macOS) only the pid is known.
 */

import { readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks between boot and start of the process (proc(5), field 22 of stat); '': unknown. */
  readonly startTime: string
  /** /proc/sys/kernel/random/boot_id; '': unknown. */
  readonly bootId: string
}

const readProc = (path: string): string | null => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return null // gone, hidden, or no /proc at all
  }
}

/** State letter and start time out of /proc/<pid>/stat; null where it does not tell. */
export const parseStat = (stat: string): { state: string; startTime: string } | null => {
  // Field 2 is the command in parentheses and may itself hold spaces and parentheses.
  const afterCommand = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const state = afterCommand[0] ?? ''
  const startTime = afterCommand[19] ?? ''
  return state.length === 1 && /^\d+$/.test(startTime) ? { state, startTime } : null
}

const findStat = (pid: number): { state: string; startTime: string } | null => {
  const stat = readProc(`/proc/${pid}/stat`)
  return stat === null ? null : parseStat(stat)
}

const bootId = (): string => readProc('/proc/sys/kernel/random/boot_id')?.trim() ?? ''

/** Whether some process has this pid, also one of another user or one that is already dead. */
const isPidTaken = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Identity of the process that has this pid now, or null when there is none or it is a zombie. */
export const findIdentity = (pid: number): ProcessIdentity | null => {
  if (!Number.isInteger(pid) || pid <= 0 || !isPidTaken(pid)) return null
  const stat = findStat(pid)
  if (stat?.state === 'Z') return null
  return { pid, startTime: stat?.startTime ?? '', bootId: bootId() }
}

/** Identity of this process. */
export const ownIdentity = (): ProcessIdentity =>
  findIdentity(process.pid) ?? { pid: process.pid, startTime: '', bootId: '' }

/**
 * Whether exactly this process still runs. A zombie does not. What is unknown on either side is not
 * compared, so that a doubt counts as alive: nobody is then killed or robbed by mistake.
 */
export const isAlive = (identity: ProcessIdentity): boolean => {
  const found = findIdentity(identity.pid)
  if (found === null) return false
  const agrees = (known: string, seen: string) => known === '' || seen === '' || known === seen
  return agrees(identity.startTime, found.startTime) && agrees(identity.bootId, found.bootId)
}
