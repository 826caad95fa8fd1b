/** Runs one step in a process group of its own, within the time that its tier has left. */

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

export interface StepOutcome {
  readonly exitCode: number | null
  readonly output: string
  readonly isTimedOut: boolean
}

export interface StepOptions {
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs: number
  /** Whether output is also shown as it comes. */
  readonly isShown: boolean
}

/** Resolves when the program has ended; at the time limit its whole group is killed. */
export const runStep = (command: readonly string[], options: StepOptions): Promise<StepOutcome> =>
  new Promise((resolve) => {
    const [program = '', ...args] = command
    const chunks: Buffer[] = []
    let isTimedOut = false
    const child = spawn(program, args, {
      env: options.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const keep = (chunk: Buffer) => {
      chunks.push(chunk)
      if (options.isShown) process.stdout.write(chunk)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const timer = setTimeout(() => {
      isTimedOut = true
      killGroup(child.pid)
    }, options.timeoutMs)
    const end = (exitCode: number | null) => {
      clearTimeout(timer)
      resolve({ exitCode, output: Buffer.concat(chunks).toString(), isTimedOut })
    }
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${error.message}\n`))
      end(127)
    })
    child.on('close', end)
  })

const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It ended by itself in the meantime.
  }
}

/** Ends every process whose command line names `folder`. Returns their command lines. */
export const reapProcessesNaming = (folder: string): string[] => {
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    try {
      const commandLine = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
      if (!commandLine.includes(folder)) continue
      process.kill(Number(pid), 'SIGKILL')
      found.push(`${pid} ${commandLine.slice(0, 120)}`)
    } catch {
      // It ended by itself, or belongs to somebody else.
    }
  }
  return found
}
