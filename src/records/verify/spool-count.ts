/** What lies in the spool of a gateway, by producer. */

import { join } from 'node:path'
import { predictionIdPrefix } from '../../shared/ids.ts'
import type { ProcessIdentity } from '../../shared/process-identity.ts'
import { gapReasonName } from '../reasons.ts'
import { type Account, newAccount } from '../shipping/account.ts'
import { accountOf } from '../shipping/frame-account.ts'
import { visitEntries } from '../shipping/frame-entries.ts'
import { frameViews } from '../shipping/frame-views.ts'
import { NAME, QUARANTINE } from '../shipping/quarantine.ts'
import { hasBytesBehind } from '../shipping/segment-rest.ts'
import { listStreams } from '../shipping/spool-folder.ts'
import { errnoOf, type FileCalls } from '../spool/file-calls.ts'
import { type OnFrame, readSegment, type SegmentRead } from '../spool/read-segment.ts'
import { ACCOUNT_BYTES, FRAME, readGapFrame, type SegmentHeader } from '../spool/segment-format.ts'
import type { Frame, SegmentEnd } from '../spool/segment-reader.ts'
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

const UNREAD: readonly SegmentEnd[] = ['newer', 'unreadable']

/** Whether something is not there that was. */
const isShort = ({ end, hasSkipped }: SegmentRead, isSucceeded: boolean): boolean =>
  hasSkipped || (end === 'open' ? isSucceeded : end !== 'sealed' && end !== 'missing')

/** The segments of one stream: what is damaged in one may be missing in what all say. */
class StreamCount {
  readonly #isDead: (header: SegmentHeader) => boolean
  readonly #tallyOf: (producer: string) => Tally
  /** Something is not there that was, and the shipper has yet to say what. */
  #isUnsure = false
  readonly #accounts = new Map<string, SpoolAccount>()

  constructor(isDead: (header: SegmentHeader) => boolean, tallyOf: (producer: string) => Tally) {
    this.#isDead = isDead
    this.#tallyOf = tallyOf
  }

  /** By producer. What is missing where something is lost is pending: it comes, or has a reason. */
  accounts(): [string, SpoolAccount][] {
    return Array.from(this.#accounts, ([id, account]) => [
      id,
      this.#isUnsure ? { ...account, state: 'open' } : account,
    ])
  }

  /** Reads one, and says what is wrong that nobody will mend; null: nothing. */
  read(files: FileCalls, path: string, isSucceeded: boolean): string | null {
    const isFinal = (header: SegmentHeader) => isSucceeded || this.#isDead(header)
    const read = readSegment(files, path, 0, this.#onFrame, isFinal)
    const { end, detail, header, fileBytes } = read
    if (isShort(read, isSucceeded)) this.#isUnsure = true
    if (UNREAD.includes(end)) return `${end} (${detail})`
    // One that was empty may have a header by now.
    if (header !== null || fileBytes === 0 || !hasBytesBehind(files, path, 0)) return null
    this.#isUnsure = true
    return NOBODYS
  }

  readonly #onFrame: OnFrame = (frame, header, isBehindDamage): undefined => {
    const account = accountOf(frame)
    if (account === null) return
    if (isBehindDamage) this.#isUnsure = true
    const { gateway, replica, incarnation } = header
    const id = predictionIdPrefix(gateway, replica, account.thread, incarnation).slice(0, -1)
    const before = this.#accounts.get(id) ?? NOTHING
    const hasEnded = frame.kind === FRAME.END
    const after = this.#isUnsure
      ? before
      : advanced(before, account, hasEnded, this.#isDead(header))
    this.#accounts.set(id, after)
    take(frame, this.#tallyOf(id))
  }
}

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
  const accounts: [string, SpoolAccount][] = []
  const problems: string[] = []
  for (const { segments } of orNothing(() => listStreams(files.readdir(folder)))) {
    const stream = new StreamCount(isDead, tallyOf)
    for (const { file, isSucceeded } of segments) {
      const problem = stream.read(files, join(folder, file), isSucceeded)
      if (problem !== null) problems.push(`${file}: ${problem}`)
    }
    accounts.push(...stream.accounts())
  }
  return { accounts: new Map(accounts), problems: [...problems, ...nobodys(files, folder)] }
}

const NOBODYS = 'nobody knows whose records are in it'

/** Problems with segments that are set aside: of whom they are may never have been known. */
const nobodys = (files: FileCalls, folder: string): string[] =>
  orNothing(() => files.readdir(join(folder, QUARANTINE)))
    .filter((file) => NAME.test(file))
    .map((file) => join(QUARANTINE, file))
    .filter((file) => {
      const { header, end } = readSegment(files, join(folder, file), 0, () => false)
      return header === null && end !== 'missing'
    })
    .map((file) => `${file}: ${NOBODYS}`)

const orNothing = <Item>(list: () => Item[]): Item[] => {
  try {
    return list()
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
