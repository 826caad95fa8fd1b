/** How often the kernel has killed for want of memory, as far as this process can see. */

import { readFileSync } from 'node:fs'

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

const countIn = (text: string): number | null => {
  const [, count] = /^oom_kill (\d+)$/m.exec(text) ?? []
  return count === undefined ? null : Number(count)
}

/** `/proc/self/cgroup`: the folder of this process under version 2, or memory of version 1. */
const cgroupFiles = (cgroups: string): string[] => {
  const [, unified] = /^0::(.*)$/m.exec(cgroups) ?? []
  const [, memory] = /^\d+:(?:[\w=,]*,)?memory(?:,[\w=,]*)?:(.*)$/m.exec(cgroups) ?? []
  return [
    ...(unified === undefined ? [] : [`/sys/fs/cgroup${unified}/memory.events`]),
    ...(memory === undefined ? [] : [`/sys/fs/cgroup/memory${memory}/memory.oom_control`]),
    '/sys/fs/cgroup/memory.events',
  ]
}

/**
 * The count of this process's control group, which its replicas share; where there is none, that of
 * the machine (/proc/vmstat), in which other containers count too. Null: neither can be read.
 *
 * @param read a file's text, '' where there is none; for tests
 */
export const oomKills = (read: (path: string) => string = textOf): number | null => {
  for (const path of [...cgroupFiles(read('/proc/self/cgroup')), '/proc/vmstat']) {
    const count = countIn(read(path))
    if (count !== null) return count
  }
  return null
}
