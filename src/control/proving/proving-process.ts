/** One child that proves one version, within limits of time and memory. */

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { ProvingFailure, ProvingReport } from '../../runtime/proving-report.ts'
import type { ProvingTask } from '../../runtime/proving-task.ts'
import { type Clock, every } from '../../shared/clock.ts'
import { lowerPriority } from './low-priority.ts'

const LOOK_MS = 50
const OUTPUT_BYTES_MAX = 32 * 1024 * 1024
const PAGE_BYTES = 4096

/** Resident bytes of a process; 0 when it has gone or /proc does not tell. */
const residentBytes = (pid: number): number => {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}

const notStarted = (thrown: unknown): ProvingFailure => {
  const reason = (thrown as NodeJS.ErrnoException).code ?? 'unknown'
  const detail = `The process that tries it cannot be started (${reason})`
  return { code: 'PROVING_CRASHED', detail }
}

export interface ProcessLimits {
  readonly timeoutMs: number
  readonly memoryBytesMax: number
  /** It runs beside others that serve, and they go first. */
  readonly stepsBack: boolean
}

export class ProvingProcess {
  /** What came of it. Never rejects. */
  readonly result: Promise<ProvingReport | ProvingFailure>
  #child: ChildProcess | null = null
  #failure: ProvingFailure | null = null
  /** Whether there is nothing left to lower. */
  #isLowered: boolean

  constructor(entry: string, task: ProvingTask, limits: ProcessLimits, clock: Clock) {
    this.#isLowered = !limits.stepsBack
    const watched = this.#start(entry, task)
    const seconds = limits.timeoutMs / 1000
    const cancelTimeout = clock.setTimer(limits.timeoutMs, () =>
      this.#fail({ code: 'PROVING_TIMEOUT', detail: `It took more than ${seconds} s` }),
    )
    const mib = Math.round(limits.memoryBytesMax / 1024 / 1024)
    const cancelLook = every(clock, LOOK_MS, () => {
      this.#lower()
      if (residentBytes(this.#child?.pid ?? 0) <= limits.memoryBytesMax) return
      this.#fail({ code: 'PROVING_MEMORY', detail: `It needed more than ${mib} MiB` })
    })
    this.result = watched.finally(() => {
      cancelTimeout()
      cancelLook()
    })
  }

  kill(): void {
    this.#child?.kill('SIGKILL')
  }

  #lower(): void {
    const pid = this.#child?.pid
    if (!this.#isLowered && pid !== undefined) this.#isLowered = lowerPriority(pid)
  }

  #fail(failure: ProvingFailure): void {
    this.#failure ??= failure
    this.kill()
  }

  /** Out of file descriptors or processes, `spawn` throws, or gives a child without pipes. */
  #start(entry: string, task: ProvingTask): Promise<ProvingReport | ProvingFailure> {
    try {
      const child = spawn(process.execPath, [entry], {
        stdio: ['pipe', 'pipe', 'ignore'],
        detached: true,
      })
      this.#child = child
      this.#lower()
      const watched = this.#watch(child)
      // It may die before it has read its task; `close` tells.
      child.stdin?.on('error', () => {})
      child.stdin?.end(JSON.stringify(task))
      return watched
    } catch (thrown) {
      return Promise.resolve(notStarted(thrown))
    }
  }

  #watch(child: ChildProcess): Promise<ProvingReport | ProvingFailure> {
    return new Promise((resolve) => {
      const chunks: Buffer[] = []
      let bytes = 0
      child.stdout?.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= OUTPUT_BYTES_MAX) chunks.push(chunk)
      })
      child.on('error', (thrown) => {
        if (child.pid === undefined) resolve(notStarted(thrown))
      })
      child.once('close', (code, signal) => {
        resolve(this.#failure ?? parseOutput(Buffer.concat(chunks).toString(), code, signal))
      })
    })
  }
}

const parseOutput = (
  output: string,
  code: number | null,
  signal: NodeJS.Signals | null,
): ProvingReport | ProvingFailure => {
  const end = signal === null ? `with code ${code}` : `by ${signal}`
  const crashed: ProvingFailure = {
    code: 'PROVING_CRASHED',
    detail: `The process that tried it ended ${end}`,
  }
  // ONNX Runtime may crash while it unloads, after the report was written: that counts as well.
  if (code !== 0) return crashed
  try {
    // One line, the last: what the runtime may have printed before is not ours.
    return JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as ProvingReport | ProvingFailure
  } catch {
    return crashed
  }
}
