/** Values as DuckDB's package for Node gives them, in the forms that a query is answered in. */

/** What JSON can hold. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue }

/** DuckDB's wrapped values, by what they have; all of them have a text. */
interface Wrapped {
  /** Of lists and arrays. */
  readonly items?: readonly unknown[]
  /** Of maps a list of pairs, of structs an object. */
  readonly entries?:
    | readonly { readonly key: unknown; readonly value: unknown }[]
    | Readonly<Record<string, unknown>>
  /** Of unions. */
  readonly tag?: string
  /** Of unions what they hold, of decimals the digits. */
  readonly value?: unknown
  readonly scale?: number
}

/** A double holds all integers of so many digits. */
const DIGITS_MAX = 15

const TIMESTAMP = /^(-?\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d)(\.\d+)?(?:\+00)?$/

/** `2026-01-02 03:04:05.5` -> `2026-01-02T03:04:05.500Z`; other texts as they are. */
const isoOf = (text: string): string => {
  const [, day, time, fraction = '.'] = TIMESTAMP.exec(text) ?? []
  return day === undefined ? text : `${day}T${time}${fraction.padEnd(4, '0')}Z`
}

const ofWrapped = (value: Wrapped): JsonValue => {
  if (value.items !== undefined) return value.items.map(toJson)
  const { entries } = value
  if (Array.isArray(entries)) {
    return entries.map((pair) => ({ key: toJson(pair.key), value: toJson(pair.value) }))
  }
  if (entries !== undefined) {
    return Object.fromEntries(Object.entries(entries).map(([name, one]) => [name, toJson(one)]))
  }
  if (value.tag !== undefined) return toJson(value.value)
  const text = String(value)
  if (value.scale === undefined) return isoOf(text)
  return text.replace(/\D/g, '').length <= DIGITS_MAX ? Number(text) : text
}

/**
 * Integers and decimals are numbers as long as a double holds them exactly, else texts of their
 * digits. NaN and infinities are the texts `NaN`, `Infinity` and `-Infinity`, as in the JSON form
 * of records. Timestamps are ISO 8601 in UTC, with three digits of the second or more. Lists and
 * structs are what they are in JSON, maps are lists of `{"key", "value"}`, all else is its text.
 */
export const toJson = (value: unknown): JsonValue => {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) ? value : String(value)
    case 'bigint':
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value)
    default:
      return value == null ? null : ofWrapped(value as Wrapped)
  }
}

/** For people: texts bare, the rest as JSON has it. */
export const toText = (value: unknown): string => {
  const json = toJson(value)
  return typeof json === 'string' ? json : JSON.stringify(json)
}

/** RFC 4180. No value is an empty field, an empty text is `""`. */
export const toCsv = (value: unknown): string => {
  const json = toJson(value)
  if (json === null) return ''
  const text = typeof json === 'string' ? json : JSON.stringify(json)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
