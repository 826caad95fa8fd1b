/** Rows of feedback that were not taken, as a file that can be mended and imported as it is. */

import { appendFileSync, existsSync, writeFileSync } from 'node:fs'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'
import { REJECTED_COLUMNS } from './feedback-rows.ts'
import type { RejectedRow } from './feedback-sender.ts'
import { toCsv } from './query-values.ts'

const lineOf = (cells: readonly string[]): string => `${cells.map(toCsv).join(',')}\n`

/** Made with the first row. */
export class RejectedRows {
  readonly path: string
  readonly #header: readonly string[]
  readonly #isContinued: boolean
  #isBegun = false
  count = 0

  /** `isContinued`: a file of that name is of an earlier part of the same import, and is kept. */
  constructor(path: string, header: readonly string[], isContinued: boolean) {
    this.path = path
    this.#header = header
    this.#isContinued = isContinued
  }

  /** @throws GatewayError FILE_INVALID: the file cannot be written */
  add(rejected: readonly RejectedRow[]): void {
    if (rejected.length === 0) return
    const lines = rejected.map(({ row, reason }) => lineOf([`${row.line}`, reason, ...row.cells]))
    try {
      this.#begin()
      appendFileSync(this.path, lines.join(''))
    } catch (thrown) {
      const detail = `Cannot write ${this.path}: ${whyUnreadable(thrown)}`
      throw new GatewayError('FILE_INVALID', detail, { cause: thrown })
    }
    this.count += rejected.length
  }

  #begin(): void {
    if (this.#isBegun) return
    this.#isBegun = true
    if (this.#isContinued && existsSync(this.path)) return
    const names = lineOf([...REJECTED_COLUMNS, ...this.#header])
    writeFileSync(this.path, names, { mode: 0o600 })
  }
}
