/**
 * The books of records: what a gateway says of them on `/metrics`, what `sluice records verify`
 * finds, and what is really there. All must agree: every sequence number that was taken is a record
 * in a file, in the spool or in a ring, or was dropped for a reason.
 */

import { join } from 'node:path'
import { expect } from 'vitest'
import { systemFiles } from '../../../src/records/spool/file-calls.ts'
import { type VerifyReport, verifyRecords } from '../../../src/records/verify.ts'
import { labelsOf, nameOf, parseExposition } from '../exposition.ts'
import type { TestGateway } from '../gateway.ts'
import { until } from '../until.ts'
import { type Kept, keyOf, recordsInSpool, rowsInFiles } from './kept.ts'

export interface Books {
  readonly produced: number
  readonly spooled: number
  readonly shipped: number
  /** By reason; those that are 0 are left out. */
  readonly dropped: Readonly<Record<string, number>>
  readonly undurable: number
}

/** What a page of `/metrics` says of records. */
export const readBooks = (page: string): Books => {
  const { series } = parseExposition(page)
  const sums = new Map<string, number>()
  const dropped: Record<string, number> = {}
  for (const [line, value] of series) {
    const name = nameOf(line)
    sums.set(name, (sums.get(name) ?? 0) + value)
    if (name !== 'sluice_records_dropped_total' || value === 0) continue
    const reason = labelsOf(line).get('reason') ?? ''
    dropped[reason] = (dropped[reason] ?? 0) + value
  }
  const sum = (what: string) => sums.get(`sluice_records_${what}_total`) ?? 0
  const [produced, spooled, shipped] = [sum('produced'), sum('spooled'), sum('shipped')]
  return { produced, spooled, shipped, dropped, undurable: sum('undurable') }
}

export const droppedOf = ({ dropped }: Books): number =>
  Object.values(dropped).reduce((total, count) => total + count, 0)

/** What is neither shipped nor dropped: in the spool or in a ring, or nobody knows where. */
export const leftOver = (books: Books): number => books.produced - books.shipped - droppedOf(books)

/** The books when there are any: not before the shipper has said what was there before. */
export const untilCounted = (gateway: TestGateway): Promise<Books> =>
  until(
    async () => {
      const page = await gateway.metrics()
      return page.includes('\nsluice_records_produced_total ') ? readBooks(page) : null
    },
    { what: 'books', everyMs: 50 },
  )

const UNSHIPPED = 'sluice_spool_unshipped_bytes{sink="files"}'

/**
 * Waits until the shipper has all that lies in the spool. What a replica wrote that died before
 * this control was there nobody has counted until then.
 */
export const untilRead = (gateway: TestGateway, timeoutMs: number): Promise<unknown> =>
  until(async () => parseExposition(await gateway.metrics()).series.get(UNSHIPPED) === 0, {
    ...{ what: 'a spool that is shipped', timeoutMs, everyMs: 50 },
  })

/** Waits until everything is shipped or dropped, and returns what the books say then. */
export const untilShipped = async (gateway: TestGateway, timeoutMs = 20_000): Promise<Books> => {
  let last = ''
  try {
    return await until(
      async () => {
        const books = readBooks(await gateway.metrics())
        last = JSON.stringify(books)
        return books.produced > 0 && leftOver(books) === 0 ? books : null
      },
      { what: 'books that balance', timeoutMs, everyMs: 50 },
    )
  } catch (error) {
    throw new Error(`The books say ${last}\n${gateway.logs()}`, { cause: error })
  }
}

/** What `sluice records verify` finds. `stateDir`: its spool counts too. */
export const verify = (path: string, stateDir: string | null = null): Promise<VerifyReport> => {
  const spool = stateDir === null ? null : join(stateDir, 'spool')
  return verifyRecords(systemFiles, path, { spool })
}

/** Sequences of gaps by reason, over all producers. */
const gapsOf = ({ producers }: VerifyReport): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { from, to, reason } of producers.flatMap(({ gaps }) => gaps)) {
    counts[reason] = (counts[reason] ?? 0) + to - from + 1
  }
  return counts
}

/**
 * Every sequence of every producer is a record or a gap with a reason, and none is there twice.
 * With `books`: those say the same. Returns what was found.
 */
export const expectAccounted = async (
  path: string,
  stateDir: string | null,
  books: Books | null = null,
): Promise<VerifyReport> => {
  const verified = await verify(path, stateDir)
  expect(verified.problems).toEqual([])
  expect(verified.ok).toBe(true)
  for (const producer of verified.producers) {
    const { first, last, present, gaps, duplicates } = producer
    const missing = gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    expect({ producer, sum: present + missing }).toEqual({ producer, sum: last - first + 1 })
    if (stateDir === null) expect({ producer, duplicates }).toEqual({ producer, duplicates: 0 })
  }
  if (books === null) return verified
  // Of a replica that was killed control may have known of more than came to the disk.
  const { killed = 0, ...found } = gapsOf(verified)
  const { killed: known = 0, ...dropped } = books.dropped
  expect(found).toEqual(dropped)
  expect(known).toBeGreaterThanOrEqual(killed)
  const present = verified.producers.reduce((sum, each) => sum + each.present, 0)
  expect(present).toBe(books.produced - droppedOf(books))
  return verified
}

/** Ids without a record among what is kept, and those with several. */
export const misses = (ids: Iterable<string>, kept: Kept): { lost: string[]; twice: string[] } => {
  const [lost, twice]: [string[], string[]] = [[], []]
  for (const id of ids) {
    const count = kept.get(keyOf(id)) ?? 0
    if (count === 0) lost.push(id)
    if (count > 1) twice.push(id)
  }
  return { lost, twice }
}

/** Every prediction that a client was told of has its record, once in files, or in the spool. */
export const expectKept = async (
  ids: readonly string[],
  path: string,
  stateDir: string,
): Promise<void> => {
  // Spool first: what is shipped in between is in the files then.
  const spooled = recordsInSpool(stateDir)
  const filed = await rowsInFiles(path)
  expect(new Set(ids).size).toBe(ids.length)
  const { lost, twice } = misses(ids, filed)
  expect(twice).toEqual([])
  expect(misses(lost, spooled).lost).toEqual([])
}
