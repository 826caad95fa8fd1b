/**
 * Reports of versions that were proved before, in `state_dir/proven`, beside the copies:
 *
 * ```
 * <sha256>.onnx          a proven copy, named by its own SHA-256
 * <sha256>.data          a copy of a file of a warm-up sample, likewise
 * <key>-<sha256>.json    the report that led to it
 * ```
 *
 * Versions that differ only in their external data have the same key; hence the second part.
 */

import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { ProvingReport } from '../../runtime/proving-report.ts'
import { isFields } from '../../shared/fields.ts'
import { readStateFile, type StateFormat, writeStateFile } from '../../shared/state-file.ts'

const FORMAT: StateFormat = { name: 'sluice.proving', version: 2 }
const COPY = /^([0-9a-f]{64})\.(?:onnx|data)$/
const REPORT = /^[0-9a-f]{32}(?:-([0-9a-f]{64}))?\.json$/

/** Everything that a report depends on but external data. A change of any of it proves again. */
export interface ProvingKeyParts {
  /** SHA-256 of model.onnx. */
  readonly model: string
  /** PROVING_VERSION: what proving runs do. */
  readonly proving: number
  readonly ortVersion: string
  readonly cpu: string
  /** Of versions that ask for a GPU: what there is of GPUs; else null. */
  readonly gpu: string | null
  /** What the model's own settings say, the limit of rows, manifest and example row. */
  readonly settings: unknown
}

export const provingKey = (parts: ProvingKeyParts): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)

const areTensors = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.every(
    (tensor) =>
      isFields(tensor) &&
      typeof tensor['name'] === 'string' &&
      typeof tensor['datatype'] === 'string' &&
      Array.isArray(tensor['shape']),
  )

const isCount = (value: unknown): boolean => typeof value === 'number' && value >= 0

const isGpu = (value: unknown): boolean => {
  if (!isFields(value)) return false
  const { use, operators, memoryBytes, isMemoryOfAll } = value
  return (
    (use === 'used' || use === 'idle') &&
    (operators === null ||
      (isFields(operators) && isCount(operators['gpu']) && isCount(operators['cpu']))) &&
    (memoryBytes === null || isCount(memoryBytes)) &&
    typeof isMemoryOfAll === 'boolean'
  )
}

/** Whether what was read is a report as this release makes them. */
const isReport = (value: unknown): value is ProvingReport => {
  if (!isFields(value)) return false
  const { signature, files, runUsByRows, metadata, opsets, warnings, warmupFiles, gpu } = value
  return (
    ['digest', 'provenSha256'].every((key) => typeof value[key] === 'string') &&
    ['hasRowDimension', 'batchingAgrees'].every((key) => typeof value[key] === 'boolean') &&
    ['batchCap', 'memoryBytes', 'loadMs'].every((key) => isCount(value[key])) &&
    [files, metadata, opsets, warmupFiles].every(isFields) &&
    isFields(signature) &&
    areTensors(signature['inputs']) &&
    areTensors(signature['outputs']) &&
    Array.isArray(warnings) &&
    warnings.every((warning) => typeof warning === 'string') &&
    (gpu === null || isGpu(gpu)) &&
    Array.isArray(runUsByRows) &&
    runUsByRows.every((run) => Array.isArray(run) && isCount(run[0]) && isCount(run[1]))
  )
}

export class ProvingCache {
  readonly folder: string
  /** Names of reports that were found or stored by this process. */
  readonly #used = new Set<string>()

  constructor(provenPath: string) {
    this.folder = provenPath
    mkdirSync(provenPath, { recursive: true })
  }

  copyFile(sha256: string): string {
    return join(this.folder, `${sha256}.onnx`)
  }

  /** The copy of a file of a warm-up sample. */
  dataFile(sha256: string): string {
    return join(this.folder, `${sha256}.data`)
  }

  /**
   * The first report of a key that `isSound` accepts (files and copy are still what they were);
   * null when there is none. A damaged report counts as none: proving again is always safe.
   */
  async find(
    key: string,
    isSound: (report: ProvingReport) => Promise<boolean>,
  ): Promise<ProvingReport | null> {
    for (const name of this.#names().filter((each) => each.startsWith(`${key}-`))) {
      const report = this.#read(name)
      if (report === null || !(await isSound(report))) continue
      this.#used.add(name)
      return report
    }
    return null
  }

  #names(): string[] {
    try {
      return readdirSync(this.folder).sort()
    } catch {
      return [] // somebody has removed the folder: then nothing is cached
    }
  }

  #read(name: string): ProvingReport | null {
    try {
      const report = readStateFile(join(this.folder, name), name, FORMAT)?.['report']
      if (!isReport(report)) return null
      return { ...report, provenFile: this.copyFile(report.provenSha256) }
    } catch {
      return null
    }
  }

  /** Throws what the file system throws. */
  store(key: string, report: ProvingReport): void {
    const name = `${key}-${report.provenSha256}.json`
    writeStateFile(join(this.folder, name), FORMAT, { report })
    this.#used.add(name)
  }

  /**
   * Removes every copy but these, and reports that lead to none of them or that this process has
   * not used. Only while nothing is being proved: a copy comes before its report.
   */
  sweep(copies: ReadonlySet<string>): void {
    for (const name of this.#names()) {
      const copy = COPY.exec(name)?.[1]
      const report = REPORT.exec(name)
      const isStale =
        copy === undefined
          ? report !== null && !(this.#used.has(name) && copies.has(report[1] ?? ''))
          : !copies.has(copy)
      if (isStale) rmSync(join(this.folder, name), { force: true })
    }
  }
}
