/** What lies in the spool of a gateway, by producer. */

import { join } from 'node:path'
import { predictionIdPrefix } from '../../shared/ids.ts'
import type { ProcessIdentity } from '../../shared/process-identity.ts'
import { gapReasonName } from '../reasons.ts'
import { type Account, newAccount } from '../shipping/account.ts'
import { accountOf } from '../shipping/frame-account.ts'
import { visitEntries } from '../shipping/frame-entries.ts'
import { frameViews } from '../shipping/frame-views.ts'
import { listStreams } from '../shipping/spool-folder.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { readSegment } from '../spool/read-segment.ts'
import { ACCOUNT_BYTES, FRAME, readGapFrame, type SegmentHeader } from '../spool/segment-format.ts'
import type { Frame } from '../spool/segment-reader.ts'
import type { Tally } from './tally.ts'

/** How far a producer is, as its frames in the spool say. */
export interface SpoolAccount {
  readonly floor: number
  readonly taken: number
  /** Nothing more comes: its process was dead, or its thread has said so. */
  readonly state: Account['state']
}

export interface SpoolCount {
  readonly accounts: ReadonlyMap<string, SpoolAccount>
  /** In words: what cannot be read now. */
  readonly problems: readonly string[]
}

/** The account of a producer with what the spool adds: the shipper may not have got so far. */
export const withSpool = (
  producer: string,
  known: Account | null,
  { floor, taken, state }: SpoolAccount,
): Account => {
  const account = known ?? newAccount(producer)
  if (account.state !== 'open') return account
  return {
    ...{ ...account, state },
    floor: Math.max(account.floor, floor),
    taken: Math.max(account.taken, taken),
  }
}

const take = ({ kind, payload }: Frame, tally: Tally): void => {
  const explain = (from: number, to: number, reason: number) =>
    tally.explain(from, to, gapReasonName(reason) || `reason_${reason}`)
  if (kind === FRAME.GAPS) {
    for (const { from, to, reason } of readGapFrame(payload) ?? []) explain(from, to, reason)
  }
  if (kind !== FRAME.RECORDS) return
  visitEntries(frameViews(payload.subarray(ACCOUNT_BYTES)), {
    record: (sequence, isShadow) => {
      if (!isShadow) tally.recordSpooled(sequence)
      return false
    },
    gap: ({ from, to, reason }) => explain(from, to, reason),
  })
}

const NOTHING: SpoolAccount = { floor: 1, taken: 0, state: 'open' }

/** What a frame adds to what is known of a producer. `isDead`: its process, before it was read. */
const advanced = (
  before: SpoolAccount,
  { floor, taken }: Pick<SpoolAccount, 'floor' | 'taken'>,
  hasEnded: boolean,
  isDead: boolean,
): SpoolAccount => ({
  floor: Math.max(before.floor, floor),
  taken: Math.max(before.taken, taken),
  state: hasEnded || before.state === 'ended' ? 'ended' : isDead ? 'killed' : 'open',
})

/**
 * Reads all segments into the tallies of their producers. A segment that goes meanwhile is shipped:
 * its records are in files that are listed later.
 *
 * @throws the error of the file system, where the folder cannot be read at all
 */
export const countSpool = (
  files: FileCalls,
  folder: string,
  tallyOf: (producer: string) => Tally,
  isAlive: (process: ProcessIdentity) => boolean,
): SpoolCount => {
  const dead = new Map<string, boolean>()
  const isDead = ({ process }: SegmentHeader): boolean => {
    const name = Object.values(process).join(' ')
    const found = dead.get(name) ?? !isAlive(process)
    dead.set(name, found)
    return found
  }
  const accounts = new Map<string, SpoolAccount>()
  const problems: string[] = []
  for (const file of segmentFiles(files, folder)) {
    const onFrame = (frame: Frame, header: SegmentHeader): undefined => {
      const account = accountOf(frame)
      if (account === null) return
      const { gateway, replica, incarnation } = header
      const id = predictionIdPrefix(gateway, replica, account.thread, incarnation).slice(0, -1)
      const before = accounts.get(id) ?? NOTHING
      accounts.set(id, advanced(before, account, frame.kind === FRAME.END, isDead(header)))
      take(frame, tallyOf(id))
    }
    const path = join(folder, file)
    const { end, detail } = readSegment(files, path, 0, onFrame, isDead)
    if (end === 'newer' || end === 'unreadable') problems.push(`${file}: ${end} (${detail})`)
  }
  return { accounts, problems }
}

const segmentFiles = (files: FileCalls, folder: string): string[] => {
  try {
    return listStreams(files, folder).flatMap(({ segments }) => segments.map(({ file }) => file))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
