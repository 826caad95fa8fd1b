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
  /** Ends the step early: a group of its own gets no Ctrl-C from the terminal. */
  readonly signal?: AbortSignal
}

/** What is in the pipes when the program has ended is read for so long. */
const DRAIN_MS = 1000

/** Resolves when the program has ended; at the time limit or signal its whole group is killed. */
export const runStep = (command: readonly string[], options: StepOptions): Promise<StepOutcome> =>
  new Promise((resolve) => {
    const [program = '', ...args] = command
    const { env, timeoutMs, isShown, signal } = options
    const chunks: Buffer[] = []
    let isTimedOut = false
    const child = spawn(program, args, {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const keep = (chunk: Buffer) => {
      chunks.push(chunk)
      if (isShown) process.stdout.write(chunk)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    const killAll = () => {
      if (child.pid !== undefined) kill(-child.pid)
    }
    const timer = setTimeout(() => {
      isTimedOut = true
      killAll()
    }, timeoutMs)
    signal?.addEventListener('abort', killAll)
    if (signal?.aborted) killAll()
    const end = (exitCode: number | null) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', killAll)
      resolve({ exitCode, output: Buffer.concat(chunks).toString(), isTimedOut })
    }
    child.on('error', (error) => {
      chunks.push(Buffer.from(`${error.message}\n`))
      end(127)
    })
    child.on('exit', () => {
      // A process that left the group may hold the pipes open; nobody waits for that.
      setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, DRAIN_MS).unref()
    })
    child.on('close', end)
  })

/** Kills a process, or a group by its negative number. */
const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself in the meantime.
  }
}

/** Scans of all processes: one that is killed may have started another meanwhile. */
const SCANS_MAX = 20

/** A file of a process in /proc, with blanks for NUL; empty when it has ended or is not ours. */
const readProc = (pid: string, file: 'cmdline' | 'environ'): string => {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

/**
 * Ends every process whose command line or environment names `folder`: what was started with it as
 * TMPDIR passes that on. Returns their command lines.
 */
export const reapProcessesNaming = (folder: string): string[] => {
  const found = new Map<string, string>()
  const isLeft = (pid: string): boolean =>
    /^\d+$/.test(pid) &&
    Number(pid) !== process.pid &&
    (readProc(pid, 'cmdline').includes(folder) || readProc(pid, 'environ').includes(folder))
  for (let scan = 0; scan < SCANS_MAX; scan++) {
    const left = readdirSync('/proc').filter(isLeft)
    if (left.length === 0) break
    for (const pid of left) {
      found.set(pid, found.get(pid) ?? readProc(pid, 'cmdline').slice(0, 120))
      kill(Number(pid))
    }
  }
  return [...found].map(([pid, commandLine]) => `${pid} ${commandLine}`)
}
