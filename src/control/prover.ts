/**
 * Has versions proved, each in a process of its own, and keeps what was found out. Loads no native
 * code itself: that is the point.
 */

import { readdirSync, rmSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import type { ProvingFailure, ProvingReport } from '../runtime/proving-report.ts'
import type { ProvingTask } from '../runtime/proving-task.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { entryPath } from '../shared/threads.ts'
import { fileSha256, ProvingCache, provingKey } from './proving-cache.ts'
import { ProvingProcess } from './proving-process.ts'

export interface ProvingLimits {
  readonly timeoutMs: number
  readonly memoryBytesMax: number
  readonly rowsMax: number
}

export type ProvingSubject = Pick<
  ProvingTask,
  'modelFile' | 'manifest' | 'exampleRow' | 'maxBatchSize'
>

export type ProvingResult = ProvingReport | ProvingFailure

export interface ProverOptions {
  readonly provenPath: string
  /** Scratch folders; emptied at the start, since only one control uses a state folder. */
  readonly provingPath: string
  /** May be replaced by a reload. */
  limits: ProvingLimits
  readonly ortVersion: string
  readonly clock: Clock
  readonly logger: Logger
  /** Another process root than `runtime/proving.ts`, for tests. */
  readonly entry?: string
}

const PARALLEL_MAX = 2
/** Larger files are no protobuf; they need not be read to say so. */
const MODEL_BYTES_MAX = 2 ** 31 - 1
/** Files of a version that are no part of its model. */
const BESIDE = new Set(['manifest.json', 'profile.json'])

/**
 * SHA-256 by name of what a model may consist of: any file of its folder can be external data, and
 * only the proving run reads the model to find out which is.
 */
const hashFolder = async (modelFile: string): Promise<Record<string, string>> => {
  const folder = dirname(modelFile)
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.') && !BESIDE.has(entry.name))
    .map(({ name }) => name)
  const files: Record<string, string> = { 'model.onnx': await fileSha256(modelFile) }
  for (const name of names.sort()) files[name] ??= await fileSha256(join(folder, name))
  return files
}

export class Prover {
  readonly #options: ProverOptions
  readonly #cache: ProvingCache
  readonly #cpu = `${cpus()[0]?.model ?? 'unknown'} ${process.arch}`
  readonly #processes = new Set<ProvingProcess>()
  /** Two versions may be the same files with the same settings: one run answers for both. */
  readonly #underWay = new Map<string, Promise<ProvingResult>>()
  readonly #waiting: (() => void)[] = []
  #running = 0
  #count = 0
  #isClosed = false

  constructor(options: ProverOptions) {
    this.#options = options
    this.#cache = new ProvingCache(options.provenPath)
    rmSync(options.provingPath, { recursive: true, force: true })
  }

  /** Proves a version, or answers from the cache. Never rejects for what a model does. */
  async prove(subject: ProvingSubject): Promise<ProvingResult> {
    const { manifest, exampleRow, maxBatchSize } = subject
    const { limits, ortVersion } = this.#options
    let files: Record<string, string>
    try {
      if (statSync(subject.modelFile).size > MODEL_BYTES_MAX) {
        return { code: 'MODEL_UNSAFE', detail: 'model.onnx exceeds 2 GiB' }
      }
      files = await hashFolder(subject.modelFile)
    } catch {
      return { code: 'MODEL_INVALID', detail: 'model.onnx or a file beside it cannot be read' }
    }
    const settings = { manifest, exampleRow, maxBatchSize, rowsMax: limits.rowsMax }
    const key = provingKey({ files, ortVersion, cpu: this.#cpu, settings })
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) return underWay
    const result = this.#find(subject, files, key)
    this.#underWay.set(key, result)
    try {
      return await result
    } finally {
      this.#underWay.delete(key)
    }
  }

  /** Limits of proving runs to come. */
  setLimits(limits: ProvingLimits): void {
    this.#options.limits = limits
  }

  /** Kills what is under way; what waits is not begun. */
  close(): void {
    this.#isClosed = true
    for (const each of this.#processes) each.kill()
  }

  async #find(
    subject: ProvingSubject,
    files: Readonly<Record<string, string>>,
    key: string,
  ): Promise<ProvingResult> {
    const known = await this.#cache.find(key)
    if (known !== null) return known
    await this.#turn()
    try {
      const result = await this.#run(subject)
      if ('code' in result) return result
      // Files that changed after they were hashed were proved, but this is not their key.
      const isSame = Object.entries(result.files).every(([name, sha256]) => files[name] === sha256)
      if (isSame) this.#cache.store(key, result)
      return result
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }

  async #turn(): Promise<void> {
    while (this.#running >= PARALLEL_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    this.#running++
  }

  async #run(subject: ProvingSubject): Promise<ProvingResult> {
    if (this.#isClosed) return { code: 'PROVING_CRASHED', detail: 'Sluice is shutting down' }
    const { provingPath, limits, logger, clock, ortVersion } = this.#options
    const scratchFolder = join(provingPath, `${process.pid}-${++this.#count}`)
    const task: ProvingTask = {
      modelFile: subject.modelFile,
      manifest: subject.manifest,
      exampleRow: subject.exampleRow,
      maxBatchSize: subject.maxBatchSize,
      rowsMax: limits.rowsMax,
      scratchFolder,
      provenFolder: this.#cache.folder,
      ortVersion,
    }
    const entry = this.#options.entry ?? entryPath('runtime/proving.ts')
    const proving = new ProvingProcess(entry, task, limits, clock)
    this.#processes.add(proving)
    const result = await proving.result
    this.#processes.delete(proving)
    rmSync(scratchFolder, { recursive: true, force: true })
    if ('code' in result) logger.warn({ event: 'proving_failed', ...result }, 'a version failed')
    return result
  }
}
