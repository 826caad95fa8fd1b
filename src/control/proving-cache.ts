/** Reports of versions that were proved before, in `state_dir/proven`, one file each. */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ProvingReport } from '../runtime/proving-report.ts'
import { readStateFile, type StateFormat, writeStateFile } from './state-file.ts'

const FORMAT: StateFormat = { name: 'sluice.proving', version: 1 }

/** Everything that a report depends on. A change of any of it proves again. */
export interface ProvingKeyParts {
  readonly digest: string
  readonly ortVersion: string
  readonly cpu: string
  /** model.yaml's max_batch_size, the limit of rows, manifest and example row. */
  readonly settings: unknown
}

export const provingKey = (parts: ProvingKeyParts): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)

export class ProvingCache {
  readonly #folder: string

  constructor(provenPath: string) {
    this.#folder = provenPath
    mkdirSync(provenPath, { recursive: true })
  }

  /** Where the proven copy of a key lies. */
  provenFile(key: string): string {
    return join(this.#folder, `${key}.onnx`)
  }

  #reportFile(key: string): string {
    return join(this.#folder, `${key}.json`)
  }

  /** The report of a key, or null. A damaged entry counts as none: proving again is always safe. */
  find(key: string): ProvingReport | null {
    try {
      const fields = readStateFile(this.#reportFile(key), `${key}.json`, FORMAT)
      const report = fields?.['report'] as ProvingReport | undefined
      return report !== undefined && existsSync(report.provenFile) ? report : null
    } catch {
      return null
    }
  }

  store(key: string, report: ProvingReport): void {
    writeStateFile(this.#reportFile(key), FORMAT, { report })
  }
}
