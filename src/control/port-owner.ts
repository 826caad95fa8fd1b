/** Who listens on a TCP port, as far as /proc tells. Slow; only for a message that ends a start. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface PortOwner {
  readonly pid: number
  readonly command: string
}

/** State LISTEN in /proc/net/tcp (proc(5)). */
const LISTEN = '0A'

/** Inodes of the sockets that listen on a port, out of the text of /proc/net/tcp or tcp6. */
export const listeningInodes = (table: string, port: number): string[] => {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === LISTEN)
    .map((fields) => fields[9] ?? '')
}

const readTable = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // no /proc, or no IPv6
  }
}

const holdsOneOf = (pid: string, sockets: ReadonlySet<string>): boolean => {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).some((file) => {
      try {
        return sockets.has(readlinkSync(`${folder}/${file}`))
      } catch {
        return false // closed meanwhile
      }
    })
  } catch {
    return false // ended meanwhile, or of another user
  }
}

const commandOf = (pid: string): string => readTable(`/proc/${pid}/comm`).trim() || 'unknown'

/** A process that listens on this port; null when none is found or it may not be seen. */
export const findPortOwner = (port: number): PortOwner | null => {
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    listeningInodes(readTable(path), port),
  )
  if (inodes.length === 0) return null
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`))
  const pid = readdirSync('/proc').find((name) => /^\d+$/.test(name) && holdsOneOf(name, sockets))
  return pid === undefined ? null : { pid: Number(pid), command: commandOf(pid) }
}
