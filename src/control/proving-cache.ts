/** Reports of versions that were proved before, in `state_dir/proven`, one file each. */

import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { ProvingReport } from '../runtime/proving-report.ts'
import { readStateFile, type StateFormat, writeStateFile } from './state-file.ts'

const FORMAT: StateFormat = { name: 'sluice.proving', version: 1 }

/** Everything that a report depends on. A change of any of it proves again. */
export interface ProvingKeyParts {
  /** SHA-256 by name of the files beside and with the model. */
  readonly files: Readonly<Record<string, string>>
  readonly ortVersion: string
  readonly cpu: string
  /** model.yaml's max_batch_size, the limit of rows, manifest and example row. */
  readonly settings: unknown
}

export const provingKey = (parts: ProvingKeyParts): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32)

/** SHA-256 of a file, in hex. Rejects when it cannot be read. */
export const fileSha256 = async (file: string): Promise<string> => {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

export class ProvingCache {
  /** Where proven copies lie, each named by its own SHA-256. */
  readonly folder: string

  constructor(provenPath: string) {
    this.folder = provenPath
    mkdirSync(provenPath, { recursive: true })
  }

  #reportFile(key: string): string {
    return join(this.folder, `${key}.json`)
  }

  /**
   * The report of a key, if its proven copy is still what it was; else null. A damaged entry counts
   * as none: proving again is always safe.
   */
  async find(key: string): Promise<ProvingReport | null> {
    try {
      const fields = readStateFile(this.#reportFile(key), `${key}.json`, FORMAT)
      const report = fields?.['report'] as ProvingReport | undefined
      if (report === undefined) return null
      const provenFile = join(this.folder, `${report.provenSha256}.onnx`)
      const isWhole = (await fileSha256(provenFile)) === report.provenSha256
      return isWhole ? { ...report, provenFile } : null
    } catch {
      return null
    }
  }

  store(key: string, report: ProvingReport): void {
    writeStateFile(this.#reportFile(key), FORMAT, { report })
  }
}
