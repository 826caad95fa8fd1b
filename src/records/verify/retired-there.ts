/**
 * What retention has counted as deleted, and is there all the same: a file that could not be
 * deleted, or that somebody has brought back. It excuses nothing that is missing.
 */

import { basename } from 'node:path'
import type { Contents } from '../files/contents.ts'
import { fileNumber } from '../files/partitions.ts'
import type { Retired } from '../shipping/account.ts'
import { NumberRuns } from '../shipping/number-runs.ts'

const gatewayOf = (producer: string): string => producer.slice(0, producer.indexOf('.'))

export class RetiredThere {
  /** By producer: the numbers of its files, and how much of it is in each. */
  readonly #files = new Map<string, Map<number, number>>()

  /** A file was read. */
  take(path: string, contents: Contents): void {
    for (const [producer, [count]] of Object.entries(contents)) {
      const number = fileNumber(basename(path), gatewayOf(producer))
      const files = this.#files.get(producer) ?? new Map<number, number>()
      this.#files.set(producer, files.set(number, (files.get(number) ?? 0) + count))
    }
  }

  /** What is deleted of a producer; as `verify` adds up records and gaps, so does this. */
  of(producer: string, retired: Retired): Pick<Retired, 'records'> {
    const counted = new NumberRuns(retired.files)
    const files = [...(this.#files.get(producer) ?? [])]
    const there = files.filter(([number]) => counted.has(number))
    return { records: there.reduce((records, [, count]) => records - count, retired.records) }
  }
}
