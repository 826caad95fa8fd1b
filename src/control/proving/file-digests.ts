/** SHA-256 of files. One that has not changed since is not read again. */

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../../shared/clock.ts'
import { Turns } from './turns.ts'

const PARALLEL_MAX = 2
const CHUNK_BYTES = 1024 * 1024
/** A file that was written just now may be written again without a change of its times. */
const RESTLESS_MS = 100
const KNOWN_MAX = 10_000

interface Known {
  readonly stamp: string
  readonly sha256: string
}

/** Changes with the content of a file: no write leaves the time of change as it is. */
const fileStamp = async (file: string): Promise<{ stamp: string; changedMs: number }> => {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = await stat(file, { bigint: true })
  return { stamp: [dev, ino, size, mtimeNs, ctimeNs].join(), changedMs: Number(ctimeMs) }
}

export class FileDigests {
  readonly #clock: Clock
  readonly #signal: AbortSignal
  readonly #turns = new Turns(PARALLEL_MAX)
  readonly #known = new Map<string, Known>()

  /** `signal`: ends all reading; what waits for it is rejected. */
  constructor(clock: Clock, signal: AbortSignal) {
    this.#clock = clock
    this.#signal = signal
  }

  /** SHA-256 in hex. Rejects when the file cannot be read, or when reading was ended. */
  async of(file: string): Promise<string> {
    const before = await fileStamp(file)
    const known = this.#known.get(file)
    if (known?.stamp === before.stamp) return known.sha256
    const sha256 = await this.#turns.take(() => this.#read(file))
    const after = await fileStamp(file)
    const isAtRest = this.#clock.now() - after.changedMs > RESTLESS_MS
    if (after.stamp === before.stamp && isAtRest) {
      if (this.#known.size >= KNOWN_MAX) this.#known.clear()
      this.#known.set(file, { stamp: after.stamp, sha256 })
    }
    return sha256
  }

  /** Has a file read again, whatever its times say. */
  forget(file: string): void {
    this.#known.delete(file)
  }

  async #read(file: string): Promise<string> {
    const hash = createHash('sha256')
    const chunks = createReadStream(file, { highWaterMark: CHUNK_BYTES })
    await pipeline(chunks, hash, { signal: this.#signal })
    return hash.digest('hex')
  }
}
