/**
 * What is known of one producer: how many sequences it has taken, and what became of them. Kept
 * under `records.path`, so that `sluice records verify` needs nothing else.
 */

import { isFields } from '../../shared/fields.ts'
import { decodeDocument, encodeDocument } from './document.ts'
import { type NumberRun, NumberRuns } from './number-runs.ts'

const FORMAT = { name: 'sluice-producer', version: 1 }

/**
 * - `open`: it lives, or is not known to have ended.
 * - `ended`: in order; `taken` is the last sequence.
 * - `killed`: `taken` is a lower bound of what it took.
 */
export type ProducerState = 'open' | 'ended' | 'killed'

/** Records and gaps that were here: deleted when their time was over, say. */
export interface Retired {
  readonly records: number
  readonly gaps: number
  /** None of them has this sequence or a higher one. */
  readonly below: number
  /**
   * Numbers of the files of its gateway that are counted here, and of those that had become part of
   * them: no two files of a gateway have one number. One that is there all the same could not be
   * deleted yet, or somebody has brought it back. Absent: an earlier release does not say.
   */
  readonly files?: readonly NumberRun[] | undefined
}

/** What is in one file that is given up. */
export interface GivenUp extends Omit<Retired, 'files'> {
  /** Its own, then those of the files that had become part of it. */
  readonly numbers: readonly [own: number, ...others: number[]]
}

export interface Account {
  readonly producer: string
  readonly state: ProducerState
  /** Every lower sequence is shipped as a record or as a gap. */
  readonly floor: number
  /** Both ends included: runs above the floor that are shipped as well, behind what waits. */
  readonly above?: readonly (readonly [from: number, to: number])[] | undefined
  /** The highest sequence that is known to have been taken. */
  readonly taken: number
  /** Sequences that were shipped as records. */
  readonly records: number
  /** The others, by reason. */
  readonly gaps: Readonly<Record<string, number>>
  readonly retired: Retired
  /**
   * What was shipped into other folders, before `records.path` was changed; absent: nothing. It is
   * part of `records` and `gaps`: this account is of one folder, and says what is not to be there.
   */
  readonly elsewhere?: Retired | undefined
}

export const NOTHING_RETIRED: Retired = { records: 0, gaps: 0, below: 0 }

export const newAccount = (producer: string): Account => ({
  ...{ producer, state: 'open', floor: 1, taken: 0, records: 0, gaps: {} },
  retired: NOTHING_RETIRED,
})

/** Numbers of the files that there may be, in order, and whether these are all. */
export interface FilesThere {
  readonly numbers: ArrayLike<number>
  readonly isWhole: boolean
}

/** Of more runs of numbers an account would take long to read and to write. */
const RUNS_MAX = 1000
/** So many times as many may be while nobody knows which files there are. */
const RUNS_FACTOR = 10

/**
 * Some files are given up; what is counted already, or is part of one before it, counts once. Where
 * runs of numbers are too many, what lies between two and is not there is taken for counted.
 */
export const retire = (
  account: Account,
  files: readonly GivenUp[],
  { numbers, isWhole }: FilesThere,
  runsMax = RUNS_MAX,
): Account => {
  const counted = new NumberRuns(account.retired.files)
  const own = files.map(({ numbers: [number] }) => number)
  const uncounted = new Set(own.filter((number) => !counted.has(number)))
  let { records, gaps, below } = account.retired
  for (const each of files) {
    below = Math.max(below, each.below)
    if (uncounted.has(each.numbers[0])) {
      records += each.records
      gaps += each.gaps
    }
    for (const number of each.numbers) uncounted.delete(number)
  }
  counted.add(files.flatMap((each) => each.numbers))
  counted.bridge(numbers, isWhole ? runsMax : RUNS_FACTOR * runsMax)
  return { ...account, retired: { records, gaps, below, files: counted.runs } }
}

/** Sequences without a record. */
export const sumOf = (gaps: Account['gaps']): number =>
  Object.values(gaps).reduce((sum, count) => sum + count, 0)

/** The same producer from now on in another folder, where its account was `here`, if it had one. */
export const move = (account: Account, here: Account | null): Account => {
  const { records, gaps, elsewhere = NOTHING_RETIRED, retired } = here ?? newAccount('')
  const own = { records: records - elsewhere.records, gaps: sumOf(gaps) - elsewhere.gaps }
  return {
    ...account,
    retired,
    elsewhere: {
      records: Math.max(0, account.records - own.records),
      gaps: Math.max(0, sumOf(account.gaps) - own.gaps),
      below: account.taken + 1,
    },
  }
}

/**
 * Whether nothing that it took is left, so that its account may go as well. One in which more is
 * counted than there was stays: it is not known what that was.
 */
export const isForgettable = (account: Account): boolean => {
  const { state, records, gaps, retired, elsewhere = NOTHING_RETIRED } = account
  const isAll = (count: number, of: 'records' | 'gaps') => count === retired[of] + elsewhere[of]
  return state !== 'open' && isAll(records, 'records') && isAll(sumOf(gaps), 'gaps')
}

/** The text of its file. */
export const encodeAccount = (account: Account): string => encodeDocument(FORMAT, account)

const isCount = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) >= 0

const isRuns = (value: unknown): boolean =>
  Array.isArray(value) && value.every((run) => Array.isArray(run) && run.every(isCount))

const isRetired = (value: unknown): boolean =>
  isFields(value) &&
  [value['records'], value['gaps'], value['below']].every(isCount) &&
  isRuns(value['files'] ?? [])

/** Whether fields of unknown origin are an account. */
export const isAccount = (fields: unknown): fields is Account => {
  if (!isFields(fields)) return false
  const { producer, state, floor, taken, records, gaps, retired, elsewhere } = fields
  const { above = [] } = fields
  return (
    typeof producer === 'string' &&
    ['open', 'ended', 'killed'].includes(String(state)) &&
    [floor, taken, records].every(isCount) &&
    isFields(gaps) &&
    Object.values(gaps).every(isCount) &&
    isRetired(retired) &&
    isRuns(above) &&
    (elsewhere === undefined || isRetired(elsewhere))
  )
}

/**
 * What a file says.
 *
 * @throws GatewayError STATE_TOO_NEW, STATE_CORRUPT
 */
export const decodeAccount = (file: string, bytes: Uint8Array): Account =>
  decodeDocument(FORMAT, file, bytes, isAccount)
