/** Starting and ending the processes that are measured, each on the core it is given. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { cpus } from 'node:os'
import { fileURLToPath } from 'node:url'

export const REPOSITORY_ROOT = fileURLToPath(new URL('../../', import.meta.url))

/**
 * Servers share one core and the load has another, so that neither takes CPU from the other. `any`:
 * where the kernel puts it.
 */
export type Core = 'server' | 'load' | 'any'

const NUMBER = { server: '0', load: '1' } as const

export const hasProgram = (name: string): boolean => {
  try {
    execFileSync('which', [name], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** False where processes stay where the kernel puts them: fewer than two cores, or no `taskset`. */
export const isPinned = cpus().length >= 2 && hasProgram('taskset')

export const pinned = (core: Core, command: readonly string[]): string[] =>
  isPinned && core !== 'any' ? ['taskset', '--cpu-list', NUMBER[core], ...command] : [...command]

/** Moves threads that run already. */
export const moveTo = (core: Core, tids: Iterable<number>): void => {
  if (!isPinned || core === 'any') return
  for (const tid of tids) {
    execFileSync('taskset', ['--cpu-list', '--pid', NUMBER[core], `${tid}`], { stdio: 'ignore' })
  }
}

const cleanUps = new Set<() => void>()

/** Runs when the benchmark ends, however it ends. */
export const atExit = (task: () => void): void => {
  cleanUps.add(task)
}

process.on('exit', () => {
  for (const task of cleanUps) task()
})
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => process.exit(130))

export interface StartOptions {
  readonly core: Core
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Its stdin is a pipe. */
  readonly isFed?: boolean
}

/** Starts a command on its core, killed at the latest when the benchmark ends. */
export const start = (command: readonly string[], options: StartOptions): ChildProcess => {
  const [program = '', ...words] = pinned(options.core, command)
  const child = spawn(program, words, {
    cwd: options.cwd ?? REPOSITORY_ROOT,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: [options.isFed === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  atExit(() => child.kill('SIGKILL'))
  return child
}

/** Everything a process writes; rejects with it when the process fails. */
export const outputOf = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve(stdout)
      else reject(new Error(`${child.spawnfile} ended with ${code}\n${stdout}${stderr}`))
    })
  })

/** The first line on stdout that is a JSON object. */
export const firstJsonLine = (child: ChildProcess): Promise<Record<string, unknown>> =>
  new Promise((resolve, reject) => {
    let text = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
      const line = text.split('\n').find((one) => one.startsWith('{') && one.endsWith('}'))
      if (line !== undefined) resolve(JSON.parse(line))
    })
    child.stderr?.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    child.once('close', (code) => reject(new Error(`It ended with ${code} before ready\n${text}`)))
  })

/** Ends a process and waits until it has gone. */
export const end = async (child: ChildProcess, name: NodeJS.Signals): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill(name)
  await ended
}

/** Ports that were free a moment ago, all different: none is let go of before all are held. */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}

/** A port that was free a moment ago. */
export const freePort = async (): Promise<number> => (await freePorts(1))[0]!

/** Processes that name a folder on their command line: detached ones are no children of ours. */
export const processesNaming = (folder: string): number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid !== process.pid)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)
      } catch {
        return false // it has gone
      }
    })

/** Asks every few milliseconds until the answer is yes. */
export const until = async (
  what: string,
  timeoutMs: number,
  isTrue: () => boolean | Promise<boolean>,
): Promise<void> => {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await isTrue())) {
    if (performance.now() > deadlineMs) throw new Error(`Waited ${timeoutMs} ms for ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
