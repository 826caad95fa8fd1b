/** `sluice feedback import`: labels out of a file of CSV, each a record of its own. */

import { createReadStream } from 'node:fs'
import {
  type FeedbackFile,
  type FeedbackRow,
  type RowTerms,
  readFeedbackFile,
} from './feedback-rows.ts'
import { FeedbackSender } from './feedback-sender.ts'
import { listenForInterruption } from './interruption.ts'
import { complain, count, EXIT, paint, print, printJson, reportFailure } from './output.ts'
import { type DataPlaneOptions, findDataPlane } from './plane-access.ts'
import { ProgressLine } from './progress-line.ts'
import { RejectedRows } from './rejected-rows.ts'

export interface ImportOptions extends DataPlaneOptions, Omit<RowTerms, 'endpoint'> {
  readonly endpoint?: string
  /** Rows of earlier lines are left out. */
  readonly fromLine: number
  /** File for what is not taken; default: beside the file. */
  readonly rejectedFile?: string
  readonly json?: boolean
}

/** What the server takes at once (docs/life-of-a-request.md), with room for commas. */
const BATCH_ROWS_MAX = 1000
const BATCH_BYTES_MAX = 240 * 1024

/** As long as a replica may take to come back. */
const PATIENCE_MS = 60_000

async function* wanted(rows: AsyncIterable<FeedbackRow>, fromLine: number) {
  for await (const row of rows) if (row.line >= fromLine) yield row
}

/** Rows in batches that the server takes at once; those before a fault come before it is thrown. */
async function* batchesOf(rows: AsyncIterable<FeedbackRow>): AsyncGenerator<FeedbackRow[]> {
  let batch: FeedbackRow[] = []
  let bytes = 0
  let fault: { readonly thrown: unknown } | null = null
  try {
    for await (const row of rows) {
      const more = Buffer.byteLength(row.item ?? row.cells.join()) + 1
      if (batch.length === BATCH_ROWS_MAX || (bytes + more > BATCH_BYTES_MAX && batch.length > 0)) {
        yield batch
        batch = []
        bytes = 0
      }
      batch.push(row)
      bytes += more
    }
  } catch (thrown) {
    fault = { thrown }
  }
  if (batch.length > 0) yield batch
  if (fault !== null) throw fault.thrown
}

/** @throws (rejects) GatewayError FILE_INVALID */
const open = (file: string, options: ImportOptions): Promise<FeedbackFile> => {
  const stream = file === '-' ? process.stdin : createReadStream(file)
  const terms = { ...options, endpoint: options.endpoint }
  return readFeedbackFile(stream, file === '-' ? 'stdin' : file, terms)
}

/** What an import came to. */
interface Report {
  readonly taken: number
  readonly rejected: number
  readonly rejectedFile: string | null
  /** With which line to go on; null: all were dealt with. */
  readonly nextLine: number | null
}

const printReport = (file: string, report: Report, json: boolean): void => {
  const { taken, rejected, rejectedFile, nextLine } = report
  if (json) {
    printJson({ taken, rejected, rejected_file: rejectedFile, next_line: nextLine })
    return
  }
  const mark = nextLine === null && rejected === 0 ? paint('green', '✔') : paint('yellow', '⚠')
  const lost = rejected === 0 ? '' : `, ${count(rejected)} rejected: ${rejectedFile}`
  print(`${mark} ${count(taken)} taken${lost}`)
  if (nextLine === null) return
  complain(`  not all: go on by sluice feedback import ${file} --from-line ${nextLine}`)
}

/** Imports `file`, or stdin for `-`, in batches, each behind the other. */
export const importFeedback = async (file: string, options: ImportOptions): Promise<number> => {
  const { json = false, fromLine, timeout } = options
  const interruption = listenForInterruption()
  const { header, rows } = await open(file, options)
  const path = options.rejectedFile ?? `${file === '-' ? 'stdin' : file}.rejected.csv`
  const rejected = new RejectedRows(path, header, fromLine > 1)
  const isInterrupted = () => interruption.code !== null
  const plane = await findDataPlane(options)
  const onWait = (why: string) =>
    complain(paint('yellow', `⚠ ${why}; trying again`, process.stderr))
  const terms = { plane, timeoutMs: timeout, patienceMs: PATIENCE_MS, isInterrupted, onWait }
  const sender = new FeedbackSender(terms)
  const progress = new ProgressLine()
  let taken = 0
  let nextLine: number | null = fromLine
  let isWhole = true
  let error: unknown = null
  try {
    for await (const batch of batchesOf(wanted(rows, fromLine))) {
      const sent = await sender.send(batch)
      taken += sent.taken
      nextLine = sent.nextLine ?? batch.at(-1)!.line + 1
      error = sent.error
      rejected.add(sent.rejected)
      progress.show(() => `${count(taken)} taken, ${count(rejected.count)} rejected`)
      isWhole = sent.nextLine === null
      if (!isWhole) break
    }
    if (isWhole) nextLine = null
  } catch (thrown) {
    error = thrown
  }
  progress.end()
  const rejectedFile = rejected.count === 0 ? null : path
  printReport(file, { taken, rejected: rejected.count, rejectedFile, nextLine }, json)
  if (error !== null) return reportFailure(error)
  return interruption.code ?? (rejected.count > 0 ? EXIT.INVALID : EXIT.OK)
}
