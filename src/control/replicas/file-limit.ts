/** How many connections the system lets a process have. */

import { readFileSync } from 'node:fs'

/** Of `/proc/<pid>/limits`: files that a process may have open; Infinity where it does not say. */
export const openFilesMaxOf = (limits: string): number => {
  const soft = /^Max open files +(\d+)/m.exec(limits)?.[1]
  return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
}

const openFilesMax = (): number => {
  try {
    return openFilesMaxOf(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return Number.POSITIVE_INFINITY // not Linux
  }
}

export interface ConnectionLimit {
  readonly connectionsMax: number
  /** A sentence for the operator; null where the setting holds. */
  readonly warning: string | null
}

/**
 * Half of the files are for what is no connection: models that are loaded, logs, sockets of our
 * own. A process that has none left cannot even accept a connection to close it. Node raises the
 * limit of a process to the hard one; replicas inherit that of control.
 */
export const connectionLimit = (wanted: number, filesMax = openFilesMax()): ConnectionLimit => {
  const half = Math.max(1, Math.floor(filesMax / 2))
  if (wanted <= half) return { connectionsMax: wanted, warning: null }
  const what = `a replica takes ${half} connections, not limits.connections_max (${wanted})`
  const warning = `${what}: half of the ${filesMax} files that it may open (ulimit -n)`
  return { connectionsMax: half, warning }
}
