/** Who listens on a TCP port, as far as /proc tells. Slow; only for a message that ends a start. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

export interface PortOwner {
  readonly pid: number
  /** What it is, for people: `nginx`, `node server.js`. */
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

const readProc = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // no /proc, no IPv6, or gone
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

/** Programs whose name says nothing: the script does. */
const INTERPRETER = /^(?:node|deno|bun|python|ruby|perl|php|java)[\d.]*$/

/** Their flags that take the next argument. */
const TAKES_NEXT = /^(?:-r|--require|--import|--loader|-C|--conditions|-cp|-classpath)$/

/**
 * A name for people out of /proc/<pid>/cmdline: program and script, without folders or flags, which
 * may be secret. `comm` alone is the name of a thread: `MainThread` for every Node.
 */
export const commandName = (cmdline: string, comm: string): string => {
  const [program = '', ...args] = cmdline.split('\0')
  // A server may write a sentence over its arguments: `nginx: master process /usr/sbin/nginx`.
  const name = basename(program.split(' ')[0] ?? '').replace(/:$/, '')
  const isScript = (arg: string, i: number) =>
    /^[^-]/.test(arg) && !TAKES_NEXT.test(args[i - 1] ?? '')
  const script = INTERPRETER.test(name) ? args.find(isScript) : undefined
  return [name || comm || 'unknown', ...(script === undefined ? [] : [basename(script)])].join(' ')
}

const ownerOf = (pid: string): PortOwner => {
  const comm = readProc(`/proc/${pid}/comm`).trim()
  return { pid: Number(pid), command: commandName(readProc(`/proc/${pid}/cmdline`), comm) }
}

/** Processes that listen on this port; empty when none is found or none may be seen. */
export const findPortOwners = (port: number): PortOwner[] => {
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) =>
    listeningInodes(readProc(path), port),
  )
  if (inodes.length === 0) return []
  const sockets = new Set(inodes.map((inode) => `socket:[${inode}]`))
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => holdsOneOf(pid, sockets)).map(ownerOf)
}
