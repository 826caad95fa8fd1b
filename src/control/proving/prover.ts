/**
 * Has versions proved, each in a process of its own, and keeps what was found out. Loads no native
 * code itself: that is the point.
 */

import { createHash } from 'node:crypto'
import { readFileSync, rmSync, statSync } from 'node:fs'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'
import { environment } from '../../config/environment.ts'
import {
  PROVING_VERSION,
  type ProvingFailure,
  type ProvingReport,
} from '../../runtime/proving-report.ts'
import { MODEL_BYTES_MAX, type ProvingTask } from '../../runtime/proving-task.ts'
import type { Clock } from '../../shared/clock.ts'
import type { PlannedVersion } from '../../shared/epoch-plan.ts'
import type { Logger } from '../../shared/logger.ts'
import { usesGpu } from '../../shared/session-settings.ts'
import { entryPath } from '../../shared/threads.ts'
import { FileDigests } from './file-digests.ts'
import { gpuStamp } from './gpu-stamp.ts'
import { ProvingCache, provingKey } from './proving-cache.ts'
import { ProvingProcess } from './proving-process.ts'
import type { ProvingSubject } from './proving-subject.ts'
import { Turns } from './turns.ts'

export interface ProvingLimits {
  readonly timeoutMs: number
  readonly memoryBytesMax: number
  readonly rowsMax: number
}

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
  /** Whether this gateway serves: then its clients go first. */
  isServing(): boolean
  /** Another process root than `runtime/proving.ts`, for tests. */
  readonly entry?: string
}

/** Runs at a time. One that takes long lets the next begin, so that one that hangs stops nobody. */
const QUICK_MAX = 2
const QUICK_MS = 3000
const RUNS_MAX = 4

const CLOSED: ProvingFailure = { code: 'PROVING_CRASHED', detail: 'Sluice is shutting down' }

/** Model, architecture and instruction sets: a proven copy is optimised for all three. */
const cpuName = (): string => {
  const name = `${cpus()[0]?.model ?? 'unknown'} ${process.arch}`
  try {
    const flags = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]
    return `${name} ${createHash('sha256')
      .update(flags ?? '')
      .digest('hex')
      .slice(0, 16)}`
  } catch {
    return name // not Linux
  }
}

export class Prover {
  readonly #options: ProverOptions
  readonly #cache: ProvingCache
  readonly #cpu = cpuName()
  readonly #closing = new AbortController()
  readonly #digests: FileDigests
  readonly #processes = new Set<ProvingProcess>()
  readonly #quick = new Turns(QUICK_MAX)
  readonly #runs = new Turns(RUNS_MAX)
  /** By key. Versions may be the same files with the same settings: one run answers for both. */
  readonly #underWay = new Map<string, Promise<unknown>>()
  #active = 0
  #count = 0

  constructor(options: ProverOptions) {
    this.#options = options
    this.#cache = new ProvingCache(options.provenPath)
    this.#digests = new FileDigests(options.clock, this.#closing.signal)
    rmSync(options.provingPath, { recursive: true, force: true })
  }

  /**
   * Proves a version, or answers from the cache, which holds sound ones only: what failed is tried
   * again. Never rejects.
   */
  async prove(subject: ProvingSubject): Promise<ProvingResult> {
    this.#active++
    try {
      return await this.#prove(subject)
    } catch (thrown) {
      if (this.#closing.signal.aborted) return CLOSED
      const { code } = thrown as NodeJS.ErrnoException
      const detail = `It cannot be tried (${code ?? 'internal fault'})`
      this.#options.logger.error({ event: 'proving_fault', error: thrown }, detail)
      return { code: 'PROVING_CRASHED', detail }
    } finally {
      this.#active--
    }
  }

  /** Limits of proving runs to come. */
  setLimits(limits: ProvingLimits): void {
    this.#options.limits = limits
  }

  /** A replica found a copy damaged: all of them are looked at again before they are relied on. */
  forget({
    provenSha256,
    warmupFiles,
  }: Pick<PlannedVersion, 'provenSha256' | 'warmupFiles'>): void {
    this.#digests.forget(this.#cache.copyFile(provenSha256))
    for (const { path } of Object.values(warmupFiles)) this.#digests.forget(path)
  }

  /** Removes copies but these, named by their SHA-256, unless something is being proved now. */
  sweep(copies: ReadonlySet<string>): void {
    if (this.#active > 0) return
    try {
      this.#cache.sweep(copies)
    } catch (thrown) {
      const { code } = thrown as NodeJS.ErrnoException
      this.#options.logger.warn({ event: 'proven_not_swept', code }, 'old copies stay')
    }
  }

  /** Kills what is under way and ends what is being read; what waits is not begun. */
  close(): void {
    this.#closing.abort()
    for (const each of this.#processes) each.kill()
  }

  async #prove(subject: ProvingSubject): Promise<ProvingResult> {
    const { manifest, exampleRow, maxBatchSize, session, warmups, modelFile } = subject
    const { limits, ortVersion } = this.#options
    let model: string
    try {
      // It need not be read to say so.
      if (statSync(modelFile).size > MODEL_BYTES_MAX) {
        return { code: 'MODEL_UNSAFE', detail: 'model.onnx exceeds 2 GiB' }
      }
      model = await this.#digests.of(modelFile)
    } catch {
      if (this.#closing.signal.aborted) return CLOSED
      return { code: 'REPOSITORY_UNREADABLE', detail: 'model.onnx cannot be read' }
    }
    const { rowsMax, memoryBytesMax } = limits
    const settings = {
      ...{ manifest, exampleRow, maxBatchSize, session, warmups },
      ...{ rowsMax, memoryBytesMax },
    }
    const proving = PROVING_VERSION
    const gpu = usesGpu(session) ? gpuStamp(environment()) : null
    const key = provingKey({ model, proving, ortVersion, cpu: this.#cpu, gpu, settings })
    for (let one = this.#underWay.get(key); one !== undefined; one = this.#underWay.get(key)) {
      await one
    }
    const result = this.#find(subject, model, key)
    this.#underWay.set(
      key,
      result.catch(() => {}),
    )
    try {
      return await result
    } finally {
      this.#underWay.delete(key)
    }
  }

  async #find(subject: ProvingSubject, model: string, key: string): Promise<ProvingResult> {
    const known = await this.#cache.find(key, (report) => this.#isSound(report, subject))
    if (known !== null) return known
    const result = await this.#runs.take(() => this.#quick.take((next) => this.#run(subject, next)))
    // A file that changed after it was hashed was proved, but this is not its key. What keeps it
    // from its GPU may go away.
    if ('files' in result && result.files['model.onnx'] === model) {
      if (result.gpu?.use !== 'unavailable') this.#store(key, result)
    }
    return result
  }

  /** Whether a report is about the files that lie there, and its copies are what they were. */
  async #isSound(report: ProvingReport, subject: ProvingSubject): Promise<boolean> {
    const folder = dirname(subject.modelFile)
    const wanted = Object.entries(report.files)
      .filter(([name]) => name !== 'model.onnx')
      .map(([name, sha256]) => [join(folder, name), sha256] as const)
    const copy = [this.#cache.copyFile(report.provenSha256), report.provenSha256] as const
    const data = Object.entries(report.warmupFiles).flatMap(([name, sha256]) => [
      [join(subject.warmupFolder, name), sha256] as const,
      [this.#cache.dataFile(sha256), sha256] as const,
    ])
    try {
      const all = [copy, ...wanted, ...data]
      const found = await Promise.all(
        all.map(async ([file, sha256]) => (await this.#digests.of(file)) === sha256),
      )
      return found.every(Boolean)
    } catch {
      this.#closing.signal.throwIfAborted()
      return false // one of them is not there
    }
  }

  /** Without a stored report the version is proved again at the next start: no more than that. */
  #store(key: string, report: ProvingReport): void {
    try {
      this.#cache.store(key, report)
    } catch (thrown) {
      const { code, message } = thrown as NodeJS.ErrnoException
      this.#options.logger.warn({ event: 'report_not_stored', code, reason: message })
    }
  }

  async #run(subject: ProvingSubject, letNext: () => void): Promise<ProvingResult> {
    if (this.#closing.signal.aborted) return CLOSED
    const { provingPath, limits, clock, isServing } = this.#options
    const scratchFolder = join(provingPath, `${process.pid}-${++this.#count}`)
    const task: ProvingTask = {
      ...subject,
      rowsMax: limits.rowsMax,
      memoryBytesMax: limits.memoryBytesMax,
      scratchFolder,
      provenFolder: this.#cache.folder,
      cudaVisibleDevices: environment()['CUDA_VISIBLE_DEVICES'] ?? null,
      controlPid: process.pid,
    }
    const entry = this.#options.entry ?? entryPath('runtime/proving.ts')
    const proving = new ProvingProcess(entry, task, { ...limits, stepsBack: isServing() }, clock)
    this.#processes.add(proving)
    const cancel = clock.setTimer(QUICK_MS, letNext)
    const result = await proving.result
    cancel()
    this.#processes.delete(proving)
    rmSync(scratchFolder, { recursive: true, force: true })
    return this.#closing.signal.aborted ? CLOSED : result
  }
}
