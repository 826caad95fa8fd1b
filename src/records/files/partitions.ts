/**
 * Where a Parquet file lies under `records.path`, and what its place says:
 * `endpoint=<name>/date=YYYY-MM-DD/hour=HH/<gateway>-<number>.parquet`, hours of UTC. Gaps lie in
 * `_gaps/date=.../hour=.../` by the hour in which they were shipped.
 */

export const HOUR_MS = 3_600_000

/** Folders beside the partitions; no endpoint can bear such a name. */
export const PRODUCERS_FOLDER = '_producers'
export const GAPS_FOLDER = '_gaps'

/** What a file is called beside its place until an intent says that it belongs there. */
export const UNFINISHED = '.unfinished'

const SUFFIX = '.parquet'

/** Hours since 1970. */
export const hourOf = (timeMs: number): number => Math.floor(timeMs / HOUR_MS)

const hourFolder = (hour: number): string => {
  const text = new Date(hour * HOUR_MS).toISOString()
  return `date=${text.slice(0, 10)}/hour=${text.slice(11, 13)}`
}

/** As readers of partitions undo it; plainly, they take `null` for no value at all. */
const escaped = (name: string): string =>
  /^null$/i.test(name)
    ? `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`
    : encodeURIComponent(name)

/** Folder of an endpoint's records of one hour; a name that is none of ours is escaped. */
export const endpointFolder = (endpoint: string, hour: number): string =>
  `endpoint=${escaped(endpoint)}/${hourFolder(hour)}`

export const gapsFolder = (hour: number): string => `${GAPS_FOLDER}/${hourFolder(hour)}`

/** Name of a file of a gateway. */
export const fileName = (gateway: string, number: number): string => `${gateway}-${number}${SUFFIX}`

/** Larger ones have no name. */
export const FILE_NUMBER_MAX = 999_999_999_999_999

/** The number in a file name; 0: it is not one of this gateway. */
export const fileNumber = (name: string, gateway: string): number => {
  const isOwn = name.startsWith(`${gateway}-`) && name.endsWith(SUFFIX)
  const digits = isOwn ? name.slice(gateway.length + 1, -SUFFIX.length) : ''
  return /^[1-9]\d{0,14}$/.test(digits) ? Number(digits) : 0
}

/** The same, whoever has written it. */
export const anyFileNumber = (name: string): number =>
  Number(/-([1-9]\d{0,14})\.parquet$/.exec(name)?.[1] ?? 0)

/** The hour that a folder is of; null: it is none of an hour. */
export const hourOfFolder = (folder: string): number | null => {
  const [, date = '', hour = ''] = /\/date=(\d{4}-\d{2}-\d{2})\/hour=(\d{2})$/.exec(folder) ?? []
  const timeMs = Date.parse(`${date}T${hour}:00:00.000Z`)
  return Number.isNaN(timeMs) ? null : hourOf(timeMs)
}
