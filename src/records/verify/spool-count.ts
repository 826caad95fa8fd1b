/** What lies in the spool of a gateway, by producer. */

import { join } from 'node:path'
import { predictionIdPrefix } from '../../shared/ids.ts'
import { gapReasonName } from '../reasons.ts'
import { type Account, newAccount } from '../shipping/account.ts'
import { accountOf } from '../shipping/frame-account.ts'
import { visitEntries } from '../shipping/frame-entries.ts'
import { frameViews } from '../shipping/frame-views.ts'
import { listStreams } from '../shipping/spool-folder.ts'
import type { FileCalls } from '../spool/file-calls.ts'
import { errnoOf } from '../spool/file-calls.ts'
import { ACCOUNT_BYTES, FRAME, readGapFrame } from '../spool/segment-format.ts'
import { readSegment } from '../spool/segment-reader.ts'
import type { Tally } from './tally.ts'

interface Run {
  readonly from: number
  readonly to: number
  /** '': a record. */
  readonly reason: string
}

/** Runs of one producer: as few as they lie there in order. */
export class SpoolCount {
  readonly #runs: Run[] = []
  #floor = 1
  #taken = 0

  advance({ floor, taken }: { readonly floor: number; readonly taken: number }): void {
    this.#floor = Math.max(this.#floor, floor)
    this.#taken = Math.max(this.#taken, taken)
  }

  /** What the spool adds to the account of a producer, if it has one yet. */
  account(producer: string, known: Account | null): Account {
    const account = known ?? newAccount(producer)
    if (account.state !== 'open') return account
    const floor = Math.max(account.floor, this.#floor)
    return { ...account, floor, taken: Math.max(account.taken, this.#taken) }
  }

  add(from: number, to: number, reason: string): void {
    const last = this.#runs.at(-1)
    if (last !== undefined && last.reason === reason && last.to + 1 === from) {
      this.#runs[this.#runs.length - 1] = { ...last, to }
    } else this.#runs.push({ from, to, reason })
  }

  /** What is in a file as well is on its way, and no duplicate. */
  into(tally: Tally): void {
    for (const { from, to, reason } of this.#runs) {
      if (reason !== '') tally.explain(from, to, reason)
      else for (let sequence = from; sequence <= to; sequence++) tally.recordOnce(sequence)
    }
  }
}

/**
 * Reads all segments; what cannot be read of one is left out, as the shipper will do.
 *
 * @throws the error of the file system, where the folder cannot be read at all
 */
export const countSpool = (files: FileCalls, folder: string): Map<string, SpoolCount> => {
  const counts = new Map<string, SpoolCount>()
  for (const file of segmentFiles(files, folder)) {
    readSegment(files, join(folder, file), 0, ({ kind, payload }, header) => {
      const account = accountOf({ kind, payload })
      if (account === null) return undefined
      const { gateway, replica, incarnation } = header
      const id = predictionIdPrefix(gateway, replica, account.thread, incarnation).slice(0, -1)
      const count = counts.get(id) ?? new SpoolCount()
      counts.set(id, count)
      count.advance(account)
      const gap = (from: number, to: number, reason: number) =>
        count.add(from, to, gapReasonName(reason) || `reason_${reason}`)
      if (kind === FRAME.GAPS) {
        for (const { from, to, reason } of readGapFrame(payload) ?? []) gap(from, to, reason)
      }
      if (kind !== FRAME.RECORDS) return undefined
      visitEntries(frameViews(payload.subarray(ACCOUNT_BYTES)), {
        record: (sequence, isShadow) => {
          if (!isShadow) count.add(sequence, sequence, '')
          return false
        },
        gap: ({ from, to, reason }) => gap(from, to, reason),
      })
      return undefined
    })
  }
  return counts
}

const segmentFiles = (files: FileCalls, folder: string): string[] => {
  try {
    return listStreams(files, folder).flatMap(({ segments }) => segments.map(({ file }) => file))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
