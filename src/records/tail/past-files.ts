/** The order in which Parquet files tell what has happened: by hour, then as they were written. */

export interface PastFile {
  readonly path: string
  /** Hours since 1970 of the records in it. */
  readonly hour: number
  /** Number of the file; files of an hour by their numbers are in the order of time. */
  readonly number: number
}

const PLACE = /\/date=(\d{4}-\d\d-\d\d)\/hour=(\d\d)\/[^/]*?(\d+)\.parquet(?:\.unfinished)?$/
const HOUR_MS = 3_600_000

/** What the path of a file says; null for one that is not ours. */
export const pastFile = (path: string): PastFile | null => {
  const [, date, hour, number] = PLACE.exec(path) ?? []
  const timeMs = Date.parse(`${date}T${hour}:00:00.000Z`)
  return Number.isNaN(timeMs) ? null : { path, hour: timeMs / HOUR_MS, number: Number(number) }
}

/** Those that may hold records from `sinceMs` on, the oldest first. */
export const pastFiles = (paths: readonly string[], sinceMs: number): PastFile[] =>
  paths
    .map(pastFile)
    .filter((file) => file !== null)
    .filter(({ hour }) => (hour + 1) * HOUR_MS > sinceMs)
    .sort((a, b) => a.hour - b.hour || a.number - b.number || (a.path < b.path ? -1 : 1))

/** Wall clock at which the hour of a file has ended: none of its records is later. */
export const endMsOf = ({ hour }: PastFile): number => (hour + 1) * HOUR_MS
