/** `sluice records tail`: the latest records, and those that are made from now on. */

import type { RecordFilter } from '../records/tail/record-filter.ts'
import { pause } from '../shared/clock.ts'
import { listenForInterruption } from './interruption.ts'
import { complain, EXIT, many, paint, plain } from './output.ts'
import type { RecordsPlace } from './records-place.ts'
import { Latest, type TailForm, TailOutput } from './tail-output.ts'
import { TailSource } from './tail-source.ts'

export interface TailOptions {
  readonly place: RecordsPlace
  readonly filter: RecordFilter
  /** How many of the latest; null: all since `filter.sinceMs`. */
  readonly last: number | null
  readonly follow: boolean
  readonly form: TailForm
}

const POLL_MS = 200
/** Parquet files come once a minute. */
const POLL_FILES_MS = 1000

export const tail = async (options: TailOptions): Promise<number> => {
  const { place, filter, last, follow, form } = options
  const interruption = listenForInterruption()
  const isOver = () => interruption.code !== null || !process.stdout.writable
  const source = new TailSource(place, filter, isOver)
  const output = new TailOutput(form)
  try {
    if (last === null) await source.since(output.take)
    else {
      const latest = new Latest(last)
      await source.latest(latest)
      latest.records().forEach(output.take)
    }
    output.flush()
    if (!follow && last !== 0 && output.count + source.faults === 0 && !isOver()) {
      const spool = source.hasSpool ? ', nor in the spool' : ''
      complain(paint('gray', `  no such records in ${plain(place.path)}${spool}`, process.stderr))
    }
    while (follow && !isOver()) {
      await pause(source.hasSpool ? POLL_MS : POLL_FILES_MS)
      await source.poll(output.take)
      output.flush()
    }
  } finally {
    source.close()
  }
  if (source.faults > 0) {
    const what = `${many(source.faults, 'part')} of the spool could not be read`
    complain(
      paint('yellow', `⚠ ${what}; sluice records verify says what is missing`, process.stderr),
    )
  }
  return interruption.code ?? EXIT.OK
}
