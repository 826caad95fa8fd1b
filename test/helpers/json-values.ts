/** Whole values of JSON through the reader of the data plane. */

import type { JsonReader } from '../../src/server/json/json-reader.ts'

/** A value as `JSON.parse` gives it. */
export const readAll = (reader: JsonReader): unknown => {
  if (reader.isText) return reader.text()
  if (reader.isBoolean) return reader.boolean()
  if (reader.isNumber) return reader.number()
  if (reader.isList) {
    const values: unknown[] = []
    for (let more = reader.open(); more; more = reader.more()) values.push(readAll(reader))
    return values
  }
  if (!reader.isObject) {
    reader.skip()
    return null
  }
  const entries: [string, unknown][] = []
  for (let more = reader.open(); more; more = reader.more()) {
    const key = reader.key()
    entries.push([key, readAll(reader)])
  }
  return Object.fromEntries(entries)
}
