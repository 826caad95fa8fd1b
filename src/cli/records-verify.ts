/** `sluice records verify`: is every sequence of every producer there, or its reason. */

import { constants, setPriority } from 'node:os'
import { systemFiles } from '../records/spool/file-calls.ts'
import { type VerifyReport, verifyRecords } from '../records/verify.ts'
import { GatewayError } from '../shared/errors.ts'
import { whyUnreadable } from '../shared/file-faults.ts'
import { listenForInterruption } from './interruption.ts'
import { complain, count, EXIT, many, paint, plain, print, printJson, table } from './output.ts'
import { ProgressLine } from './progress-line.ts'
import type { RecordsPlace } from './records-place.ts'

export interface VerifyOptions {
  readonly place: RecordsPlace
  readonly json: boolean
}

type ProducerReport = VerifyReport['producers'][number]

/** Producers on a page: every start of a gateway makes new ones. */
const PRODUCERS_MAX = 50
const PROBLEMS_MAX = 20

/** How many sequences have no record, by reason, the most first. */
const reasonsOf = ({ gaps }: ProducerReport): [reason: string, sequences: number][] => {
  const counts = new Map<string, number>()
  for (const { from, to, reason } of gaps) {
    counts.set(reason, (counts.get(reason) ?? 0) + to - from + 1)
  }
  return [...counts].sort((a, b) => b[1] - a[1])
}

const rowOf = (producer: ProducerReport): string[] => {
  const reasons = reasonsOf(producer).map(([reason, sequences]) => `${reason} ${count(sequences)}`)
  const omitted = producer.gaps_omitted === undefined ? [] : ['and more']
  const open = producer.open_ended ? ['open-ended'] : []
  return [
    producer.id,
    count(producer.last),
    count(producer.present),
    count(producer.duplicates),
    [...reasons, ...omitted, ...open].join(', '),
  ]
}

/** Those first of which there is most to say. */
const byInterest = (a: ProducerReport, b: ProducerReport): number =>
  Number(b.gaps.length > 0) - Number(a.gaps.length > 0) ||
  Number(b.open_ended) - Number(a.open_ended) ||
  b.last - a.last

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0)

const HEAD = ['PRODUCER', 'LAST', 'PRESENT', 'TWICE', 'WITHOUT A RECORD']

/** The page that `sluice records verify` prints. */
export const renderReport = ({ ok, producers }: VerifyReport): string => {
  if (ok && producers.every(({ last }) => last === 0)) {
    return 'nothing to verify: there has been no request yet'
  }
  const present = count(sum(producers.map((producer) => producer.present)))
  const all = count(sum(producers.map(({ last }) => last)))
  const what = `${present} of ${all} sequences have their record, ${many(producers.length, 'producer')}`
  const verdict = ok
    ? paint('green', '✔ all others have their reason')
    : paint('red', '✖ of others nobody knows why they have none, or not all could be read')
  const shown = producers.toSorted(byInterest).slice(0, PRODUCERS_MAX)
  const more = producers.length - shown.length
  return [
    `${what}  ${verdict}`,
    ...(shown.length === 0 ? [] : ['', plainTable(shown)]),
    ...(more === 0 ? [] : [`and ${many(more, 'producer')} more: --json has all`]),
  ].join('\n')
}

const plainTable = (producers: readonly ProducerReport[]): string =>
  table([HEAD, ...producers.map((producer) => rowOf(producer).map(plain))])

const complainOf = (problems: readonly string[]): void => {
  for (const problem of problems.slice(0, PROBLEMS_MAX)) {
    complain(paint('red', `✖ ${plain(problem)}`, process.stderr))
  }
  const more = problems.length - PROBLEMS_MAX
  if (more > 0) complain(`  and ${many(more, 'problem')} more`)
}

/** What a signal ends it with. */
class Interrupted extends Error {}

/** @throws (rejects) GatewayError FILE_INVALID: the folder cannot be read; Interrupted */
const examine = async (
  { path, spool }: RecordsPlace,
  isOver: () => boolean,
): Promise<VerifyReport> => {
  const progress = new ProgressLine()
  try {
    return await verifyRecords(systemFiles, path, {
      spool,
      onProgress: ({ files, filesDone, rows }) => {
        if (isOver()) throw new Interrupted()
        progress.show(() => `${filesDone} of ${many(files, 'file')}, ${count(rows)} rows`)
      },
    })
  } catch (thrown) {
    if (thrown instanceof GatewayError || thrown instanceof Interrupted) throw thrown
    const { path: at = path } = thrown as NodeJS.ErrnoException
    const what = spool !== null && at.startsWith(spool) ? 'spool' : 'records'
    const detail = `The ${what} at ${at} cannot be read: ${whyUnreadable(thrown)}`
    throw new GatewayError('FILE_INVALID', detail, { cause: thrown })
  } finally {
    progress.end()
  }
}

export const verify = async ({ place, json }: VerifyOptions): Promise<number> => {
  const interruption = listenForInterruption()
  // What serves on this machine comes first.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  try {
    const report = await examine(place, () => interruption.code !== null)
    const { ok, producers, problems } = report
    if (json) printJson({ ok, producers })
    else print(renderReport(report))
    complainOf(problems)
    return ok ? EXIT.OK : EXIT.NEGATIVE
  } catch (thrown) {
    if (thrown instanceof Interrupted) return interruption.code ?? EXIT.INTERRUPTED
    throw thrown
  }
}
