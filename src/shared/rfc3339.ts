/** Points in time as clients write them: RFC 3339, §5.6. */

const FORM =
  /^(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/

const MINUTE_MS = 60_000

const daysOf = (year: number, month: number): number =>
  // Day 0 of the month that follows: the last of this one.
  new Date(Date.UTC(year, month, 0)).getUTCDate()

/**
 * Milliseconds since 1970, what is less than one cut off; NaN for what is no such time. Years begin
 * with 1000; a leap second is the first of the minute that follows, as Unix time has it.
 */
export const parseRfc3339 = (text: string): number => {
  const match = FORM.exec(text)
  if (match === null) return Number.NaN
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    ...[number, number, number, number, number, number],
  ]
  const [fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match.slice(7)
  const isDay = year >= 1000 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month)
  const isTime = hour <= 23 && minute <= 59 && second <= 60
  if (!isDay || !isTime || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return Number.NaN
  const offsetMs = (Number(offsetHour) * 60 + Number(offsetMinute)) * MINUTE_MS
  const ms = Number(fraction.slice(1, 4).padEnd(3, '0'))
  const local = Date.UTC(year, month - 1, day, hour, minute, second, ms)
  return sign === '-' ? local + offsetMs : local - offsetMs
}
