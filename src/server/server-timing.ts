/** The header `server-timing`, for requests that ask for it. Durations in milliseconds. */

import type { Place, RunTimes } from '../runtime/batch-runs.ts'
import type { Pending } from './pending.ts'

export const milliseconds = (value: number): string => Math.max(0, value).toFixed(3)

/** What `server-timing` says of the way to the answer. */
export const timingOf = (
  { exchange, admittedMs }: Pending,
  { runRows }: Place,
  times: RunTimes,
): string => {
  const body = milliseconds(exchange.startedMs - exchange.headMs)
  const decode = milliseconds(admittedMs - exchange.startedMs)
  const queue = milliseconds(times.startedMs - admittedMs)
  const infer = milliseconds(times.endedMs - times.startedMs)
  return (
    `body;dur=${body}, decode;dur=${decode}, queue;dur=${queue}, ` +
    `infer;dur=${infer};desc="batch ${runRows}"`
  )
}

/** All of it. `totalMs`: from the last byte of the request on. */
export const withTotal = (timing: string, totalMs: number): string =>
  `${timing}, total;dur=${milliseconds(totalMs)}`
