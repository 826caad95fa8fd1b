/** Trees of protobuf text format as plain data. */

import { type PbField, type PbValue, parseTextFormat } from '../../src/config/text-format.ts'

/** A message as the list of its fields, text in double quotes, words without. */
const plainValue = (value: PbValue): unknown => {
  if (value.kind === 'message') return plainFields(value.fields)
  if (value.kind === 'word') return value.word
  return value.kind === 'string' ? `"${Buffer.from(value.bytes).toString()}"` : value.value
}

const plainFields = (fields: readonly PbField[]): unknown[] =>
  fields.map(({ name, isList, values }) => ({
    [name]: isList ? values.map(plainValue) : plainValue(values[0]!),
  }))

/** What a sound text says. */
export const plainTree = (text: string): unknown[] => {
  const fields = parseTextFormat(text)
  if ('message' in fields) throw new Error(`${fields.line}:${fields.column} ${fields.message}`)
  return plainFields(fields)
}

/** `line:column message` of a text that is refused; null when it is not. */
export const faultOf = (text: string): string | null => {
  const fields = parseTextFormat(text)
  return 'message' in fields ? `${fields.line}:${fields.column} ${fields.message}` : null
}
