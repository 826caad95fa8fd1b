/** What is to be said of a producer, from its account and what was found of it. Pure. */

import { type Account, NOTHING_RETIRED } from '../shipping/account.ts'
import type { Hole, Tally } from './tally.ts'

export interface ReportedGap {
  readonly from: number
  readonly to: number
  /**
   * Of reasons.ts; `elsewhere`: shipped before `records.path` was changed; `pending`: it lives and
   * has not got so far; `missing`: nobody knows why.
   */
  readonly reason: string
}

export interface ProducerReport {
  readonly id: string
  readonly first: number
  readonly last: number
  /** Distinct sequences that have a record. */
  readonly present: number
  readonly duplicates: number
  readonly gaps: readonly ReportedGap[]
  /** It may have taken more than `last`. */
  readonly open_ended: boolean
  /** Further gaps that are not listed; absent where there are none. */
  readonly gaps_omitted?: number
}

export interface Verdict {
  readonly report: ProducerReport
  /** In words: what is wrong. */
  readonly problems: readonly string[]
}

/** A report is to be read; sampling alone makes more gaps than records. */
const GAPS_MAX = 10_000

const belowElsewhere = ({ elsewhere }: Account): number => elsewhere?.below ?? 0

const reasonOf = ({ from, to, reason }: Hole, account: Account | null): string => {
  if (reason !== '') return reason
  if (account === null) return 'missing'
  if (to < account.retired.below) return 'retention'
  if (from >= account.floor && account.state !== 'ended') {
    return account.state === 'open' ? 'pending' : 'killed'
  }
  return to < belowElsewhere(account) ? 'elsewhere' : 'missing'
}

/** A hole in the parts about which an account says different things. */
const parts = (hole: Hole, account: Account | null): Hole[] => {
  const cuts =
    account === null || hole.reason !== ''
      ? []
      : [account.retired.below, belowElsewhere(account), account.floor]
  const starts = cuts.filter((cut) => cut > hole.from && cut <= hole.to).sort((a, b) => a - b)
  const all = [hole.from, ...new Set(starts)]
  return all.map((from, i) => ({ ...hole, from, to: (all[i + 1] ?? hole.to + 1) - 1 }))
}

const sizeOf = ({ from, to }: { readonly from: number; readonly to: number }) => to - from + 1

/** Reasons of what was here, or never was, by the account alone. */
const AWAY = ['retention', 'elsewhere']

const awayOf = (account: Account | null): number => {
  const { retired = NOTHING_RETIRED, elsewhere = NOTHING_RETIRED } = account ?? {}
  return retired.records + retired.gaps + elsewhere.records + elsewhere.gaps
}

const excused = (account: Account | null): string =>
  account?.elsewhere === undefined
    ? 'retention has deleted'
    : 'retention has deleted and another records.path has'

/** @param account null: none was found */
export const verdictOn = (id: string, tally: Tally, account: Account | null): Verdict => {
  const floor = account?.floor ?? 1
  const taken = account === null || account.state === 'open' ? floor - 1 : account.taken
  const last = Math.max(tally.highest, taken)
  const gaps: ReportedGap[] = []
  let omitted = 0
  const counts = { away: 0, missing: 0 }
  for (const hole of tally.holes(1, last)) {
    for (const part of parts(hole, account)) {
      const reason = reasonOf(part, account)
      if (reason === 'missing') counts.missing += sizeOf(part)
      if (AWAY.includes(reason)) counts.away += sizeOf(part)
      if (gaps.length < GAPS_MAX) gaps.push({ from: part.from, to: part.to, reason })
      else omitted++
    }
  }
  const excess = counts.away - awayOf(account)
  const problems = [
    ...(account === null ? [`${id}: it has records and no account`] : []),
    ...(counts.missing > 0 ? [`${id}: ${counts.missing} records are missing`] : []),
    ...(tally.duplicates > 0 ? [`${id}: ${tally.duplicates} records are in two files`] : []),
    ...(excess > 0 ? [`${id}: ${excess} more than ${excused(account)} are missing`] : []),
  ]
  const report: ProducerReport = {
    ...{ id, first: 1, last, present: tally.present, duplicates: tally.duplicates, gaps },
    open_ended: account === null || account.state === 'killed',
    ...(omitted > 0 ? { gaps_omitted: omitted } : {}),
  }
  return { report, problems }
}
