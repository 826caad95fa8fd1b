/** Moments as people write them. */

import { InvalidArgumentError } from 'commander'

const MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}

/** A date without a zone would mean another moment on each machine. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/

/**
 * Value of `--since` as wall clock: so long ago (`30s`, `10m`, `2h`, `1d`), or a moment with its
 * zone (`2026-11-27T14:05Z`; a bare date is its first moment in UTC).
 *
 * @throws InvalidArgumentError, which commander reports as misuse
 */
export const parseSince = (text: string, nowMs: number): number => {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  const ms = number === undefined ? momentMs(text) : nowMs - Number(number) * MS[unit]!
  if (Number.isFinite(ms)) return ms
  throw new InvalidArgumentError('A time is wanted, such as 10m, 2h, 1d or 2026-11-27T14:05:00Z')
}

const momentMs = (text: string): number =>
  MOMENT.test(text) ? Date.parse(text.replace(' ', 'T')) : Number.NaN
