/**
 * The one process reaper of all tests. Replicas are detached and outlive the process that started
 * them, so they cannot be found as children: control and replicas name their state folder on the
 * command line, and by that they are found. (A proving run does not; it ends with its control.)
 */

import { readdirSync, readFileSync } from 'node:fs'
import { atEnd } from './clean-up.ts'
import { until } from './until.ts'

/** Places in `/proc/<pid>/stat` behind the name of the command. */
const STATE = 0
const THREADS = 17

/** Command line of a process, arguments separated by blanks; empty when it has gone. */
export const commandLineOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/**
 * Whether a process runs. A zombie does not: its parent has not noticed yet, that is all. But as
 * long as one of its threads is not gone it is only called so (proc_pid_stat(5): its first thread
 * has ended), and its sockets are open: killed, a replica takes connections for 50 ms yet.
 */
export const isAlive = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[STATE] !== 'Z' || Number(fields[THREADS]) > 1
  } catch {
    return false
  }
}

/** Processes that name `folder` on their command line, this one left out. */
export const processesNaming = (folder: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && commandLineOf(pid).includes(folder) && isAlive(pid))

/** Sends a signal; a process that has gone is no error. */
export const signal = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Kills every process that names `folder`, until none is left: a supervisor may start another. */
export const reap = async (folder: string): Promise<void> => {
  await until(
    () => {
      const pids = processesNaming(folder)
      for (const pid of pids) signal(pid, 'SIGKILL')
      return pids.length === 0
    },
    { what: `the end of all processes that name ${folder}` },
  )
}

/** Reaps at the end of the test, or of the file when called outside a test. */
export const reapAtEnd = (folder: string): void => atEnd(() => reap(folder))
