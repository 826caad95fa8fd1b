/** The `sluice` command as a user types it: what it says, and how it ends. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createSocketServer, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { atEnd } from './clean-up.ts'

const at = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))

/** Node and the file that are the command; `bin/sluice` runs it on any Node. */
export const MAIN = [process.execPath, at('src/main.ts')] as const
export const WRAPPER = at('bin/sluice')

export interface CliOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string | Uint8Array
  /** Program and leading arguments instead of `MAIN`. */
  readonly command?: readonly string[]
}

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** The environment of a user who has set nothing of ours. */
export const plainEnv = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => {
  const env = Object.entries(process.env).filter(
    ([name]) => !/^(SLUICE_|VITEST|FORCE_COLOR$|NO_COLOR$|NODE_|CI$)/.test(name),
  )
  return { ...Object.fromEntries(env), ...more }
}

/** Runs the command to its end. */
export const sluice = async (
  args: readonly string[],
  { cwd, env, stdin = '', command = MAIN }: CliOptions = {},
): Promise<CliResult> => {
  const [program = '', ...leading] = command
  const child = spawn(program, [...leading, ...args], { cwd, env: plainEnv(env) })
  atEnd(() => void child.kill('SIGKILL'))
  const chunks = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    chunks.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    chunks.stderr += chunk
  })
  child.stdin.on('error', () => {}) // it may end without having read it
  child.stdin.end(stdin)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return { code, signal, ...chunks }
}

const urlOf = async (server: Server, host: string): Promise<string> => {
  server.listen(0, host)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** URL of a server that answers as the listener says. */
export const startServer = (listener: RequestListener, host = '127.0.0.1'): Promise<string> => {
  const server = createServer(listener)
  atEnd(() => {
    server.close()
    server.closeAllConnections()
  })
  return urlOf(server, host)
}

/** URL of a server that takes connections and says `greeting`, or for ever nothing. */
export const startSocketServer = async (greeting: string | null): Promise<string> => {
  const server = createSocketServer((socket) => {
    socket.on('error', () => {})
    atEnd(() => void socket.destroy())
    socket.once('data', () => {
      if (greeting !== null) socket.end(greeting)
    })
  })
  atEnd(() => void server.close())
  return urlOf(server, '127.0.0.1')
}
