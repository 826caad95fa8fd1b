/** `64MiB` where bytes are wanted: the number to write instead. */

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  k: 1024,
  kb: 1000,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1000 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1000 ** 3,
  gib: 1024 ** 3,
}

const SECONDS: Readonly<Record<string, number>> = {
  us: 1e-6,
  ms: 1e-3,
  s: 1,
  sec: 1,
  seconds: 1,
  m: 60,
  min: 60,
  h: 3600,
}

const MICROSECONDS = Object.fromEntries(
  Object.entries(SECONDS).map(([unit, seconds]) => [unit, seconds * 1e6]),
)

/** Units by the word for them in the name of a key. */
const UNITS: readonly (readonly [RegExp, string, Readonly<Record<string, number>>])[] = [
  [/bytes/, 'bytes', BYTES],
  [/microseconds/, 'microseconds', MICROSECONDS],
  [/seconds|control_absence_max/, 'seconds', SECONDS],
]

/** `in bytes: 67108864` for `limits.body_bytes_max` and `64MiB`; null for what is no quantity. */
export const unitHint = (key: string, text: string): string | null => {
  const [, number, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*$/i.exec(text) ?? []
  if (number === undefined || unit === undefined) return null
  const units = UNITS.find(([words]) => words.test(key))
  if (units === undefined) return null
  const [, word, factors] = units
  const name = unit.toLowerCase()
  if (!Object.hasOwn(factors, name)) return null
  return `in ${word}: ${Number((Number(number) * factors[name]!).toPrecision(12))}`
}
