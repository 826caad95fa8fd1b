/**
 * Has versions proved, each in a process of its own, and keeps what was found out. Loads no native
 * code itself: that is the point.
 */

import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, readFileSync, rmSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ProvingFailure, ProvingReport } from '../runtime/proving-report.ts'
import type { ProvingTask } from '../runtime/proving-task.ts'
import { type Clock, every } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { entryPath } from '../shared/threads.ts'
import { ProvingCache, provingKey } from './proving-cache.ts'

export interface ProvingLimits {
  readonly timeoutMs: number
  readonly memoryBytesMax: number
  readonly rowsMax: number
}

export type ProvingSubject = Pick<
  ProvingTask,
  'modelFile' | 'manifest' | 'exampleRow' | 'maxBatchSize'
>

export interface ProverOptions {
  readonly provenPath: string
  readonly provingPath: string
  /** May be replaced by a reload. */
  limits: ProvingLimits
  readonly ortVersion: string
  readonly clock: Clock
  readonly logger: Logger
}

const MEMORY_LOOK_MS = 50
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024
const PARALLEL_MAX = 2
const PAGE_BYTES = 4096

const digestOf = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

/** Resident bytes of a process; 0 when it has gone or /proc does not tell. */
const residentBytes = (pid: number): number => {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  } catch {
    return 0
  }
}

export class Prover {
  readonly #options: ProverOptions
  readonly #cache: ProvingCache
  readonly #ortVersion: string
  readonly #cpu = `${cpus()[0]?.model ?? 'unknown'} ${process.arch}`
  readonly #children = new Set<ChildProcess>()
  readonly #waiting: (() => void)[] = []
  #running = 0
  #count = 0

  constructor(options: ProverOptions) {
    this.#options = options
    this.#ortVersion = options.ortVersion
    this.#cache = new ProvingCache(options.provenPath)
  }

  /** Proves a version, or answers from the cache. Never rejects for what a model does. */
  async prove(subject: ProvingSubject): Promise<ProvingReport | ProvingFailure> {
    let digest: string
    try {
      digest = await digestOf(subject.modelFile)
    } catch {
      return { code: 'MODEL_INVALID', detail: 'model.onnx cannot be read' }
    }
    const { manifest, exampleRow, maxBatchSize } = subject
    const { rowsMax } = this.#options.limits
    const settings = { manifest, exampleRow, maxBatchSize, rowsMax }
    const key = provingKey({ digest, ortVersion: this.#ortVersion, cpu: this.#cpu, settings })
    const known = this.#cache.find(key)
    if (known !== null) return known
    await this.#turn()
    try {
      const result = await this.#run(subject, key)
      if (!('code' in result)) this.#cache.store(key, result)
      return result
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  /** Limits of proving runs to come. */
  setLimits(limits: ProvingLimits): void {
    this.#options.limits = limits
  }

  /** Kills what is under way. */
  close(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }

  async #turn(): Promise<void> {
    while (this.#running >= PARALLEL_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#running++
  }

  #run(subject: ProvingSubject, key: string): Promise<ProvingReport | ProvingFailure> {
    const { provingPath, limits, logger } = this.#options
    const scratchFolder = join(provingPath, `${process.pid}-${++this.#count}`)
    const task: ProvingTask = {
      modelFile: subject.modelFile,
      manifest: subject.manifest,
      exampleRow: subject.exampleRow,
      maxBatchSize: subject.maxBatchSize,
      rowsMax: limits.rowsMax,
      scratchFolder,
      provenFile: this.#cache.provenFile(key),
      ortVersion: this.#ortVersion,
    }
    const child = spawn(process.execPath, [entryPath('runtime/proving.ts')], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    child.stdin.on('error', () => {}) // it may die before it has read its task; `close` tells
    child.stdin.end(JSON.stringify(task))
    this.#children.add(child)
    return this.#watch(child).then((result) => {
      this.#children.delete(child)
      rmSync(scratchFolder, { recursive: true, force: true })
      if ('code' in result) logger.warn({ event: 'proving_failed', ...result }, 'a version failed')
      return result
    })
  }

  /** Resolves with the report of a child, or with why there is none. */
  #watch(child: ChildProcess): Promise<ProvingReport | ProvingFailure> {
    const { clock, limits } = this.#options
    return new Promise((resolve) => {
      const chunks: Buffer[] = []
      let bytes = 0
      let killed: ProvingFailure | null = null
      const kill = (failure: ProvingFailure) => {
        killed ??= failure
        child.kill('SIGKILL')
      }
      const seconds = limits.timeoutMs / 1000
      const cancelTimeout = clock.setTimer(limits.timeoutMs, () =>
        kill({ code: 'PROVING_TIMEOUT', detail: `It took more than ${seconds} s` }),
      )
      const cancelMemory = every(clock, MEMORY_LOOK_MS, () => {
        const mib = Math.round(limits.memoryBytesMax / 1024 / 1024)
        if (residentBytes(child.pid ?? 0) <= limits.memoryBytesMax) return
        kill({ code: 'PROVING_MEMORY', detail: `It needed more than ${mib} MiB` })
      })
      child.stdout?.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= OUTPUT_BYTES_MAX) chunks.push(chunk)
      })
      child.once('error', (error) => kill({ code: 'PROVING_CRASHED', detail: error.message }))
      child.once('close', (code, signal) => {
        cancelTimeout()
        cancelMemory()
        resolve(killed ?? parseOutput(Buffer.concat(chunks).toString(), code, signal))
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
    return JSON.parse(output) as ProvingReport | ProvingFailure
  } catch {
    return crashed
  }
}
