/** A label: a number, text or boolean; or a list of them, one for each row, with null for none. */

import type { RecordValue } from '../../records/record.ts'
import type { Refusal } from '../../shared/errors.ts'
import type { JsonReader } from '../json/json-reader.ts'
import { pointer } from '../json/pointer.ts'
import { isMisfit, type Misfit, misfit, refuseAt } from '../protocols/element.ts'

/** Rows that one item may label. */
export const LABELS_MAX = 4096
/** Whole ones: a character beyond 16 bits counts as one. */
export const LABEL_CHARACTERS_MAX = 1024

type Label = number | string | boolean | Misfit

const wrong = (detail: string): Misfit => misfit('FEEDBACK_INVALID', detail)

/** Beyond, a double has lost its last digits: as the number of a class it would be another. */
export const LABEL_MAX = Number.MAX_SAFE_INTEGER

const readNumber = (reader: JsonReader): Label => {
  const value = reader.number()
  if (value >= -LABEL_MAX && value <= LABEL_MAX) return value
  return wrong(`is no number up to ${LABEL_MAX}, more would lose digits: send it as a string`)
}

const readText = (reader: JsonReader): Label => {
  const text = reader.text()
  const isLong = text.length > LABEL_CHARACTERS_MAX && [...text].length > LABEL_CHARACTERS_MAX
  if (isLong) {
    return wrong(`has more than ${LABEL_CHARACTERS_MAX} characters`)
  }
  return text.includes('\0') ? wrong('holds a NUL character') : text
}

const readOne = (reader: JsonReader): Label => {
  if (reader.isNumber) return readNumber(reader)
  if (reader.isText) return readText(reader)
  if (reader.isBoolean) return reader.boolean()
  return wrong(`must be a number, a string or a boolean, got ${reader.kind}`)
}

const readList = (reader: JsonReader, at: string): RecordValue | Refusal => {
  const labels: RecordValue[] = []
  let count = 0
  for (let more = reader.open(); more; more = reader.more()) {
    if (labels.length === LABELS_MAX) {
      return refuseAt('A list', wrong(`may have ${LABELS_MAX} labels: send several`), at)
    }
    if (reader.isNull) {
      reader.skip()
      labels.push(null)
      continue
    }
    const label = readOne(reader)
    if (isMisfit(label)) return refuseAt('A label', label, at + pointer(labels.length))
    labels.push(label)
    count++
  }
  return count > 0 ? labels : refuseAt('A list', wrong('must have a label'), at)
}

/** The label at hand. `at`: pointer to it. After a refusal the reader stands anywhere in it. */
export const readLabel = (reader: JsonReader, at: string): RecordValue | Refusal => {
  if (reader.isList) return readList(reader, at)
  const label = readOne(reader)
  return isMisfit(label) ? refuseAt("'label'", label, at) : label
}
