/**
 * The usual `/predict` body, from bytes straight into the batch: known keys, plain numbers and
 * short ASCII text. It answers "yes" or "not sure"; whatever it is not sure of, right or wrong, the
 * complete decoder reads again from the start. Both agree on every body (test/property).
 */

import { type FeatureExtras, noteExtra } from '../../../shared/feature-extras.ts'
import type { TensorData } from '../../../shared/tensor.ts'
import { isPlainInteger } from '../../json/integer-literal.ts'
import { numberPlace as place, readNumbers } from '../../json/number-list.ts'
import { numberEnd, scanNumber } from '../../json/number-scanner.ts'
import {
  after,
  endsAsObject,
  matches,
  NOT_SURE,
  quoted,
  scanText,
  skipBlanks,
  textEnd,
} from '../../json/text-scanner.ts'
import { BODY_ID_LENGTH_MAX, type Decoded, type RowTarget } from '../protocol.ts'
import { type FastFeature, type FeaturesPlan, KIND, UNSEEN } from './features-plan.ts'

/** A compiled plan that has a fast form. */
export type FastPlan = FeaturesPlan & { readonly fast: readonly FastFeature[] }

const FEATURES_KEY = quoted('features')
const INSTANCES_KEY = quoted('instances')
const REQUEST_ID_KEY = quoted('request_id')
const [TRUE, FALSE, NULL] = ['true', 'false', 'null'].map((word) => quoted(word).slice(1, -1)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
]

/** Of the request at hand: one is decoded at a time. */
let extras: FeatureExtras | null = null
let firstRow = 0

const note = (row: number, { index }: FastFeature, text: string | null): void => {
  extras = noteExtra(extras, row - firstRow, index, text)
}

const putMissing = (columns: readonly TensorData[], row: number, feature: FastFeature): boolean => {
  const { filler, input, column, stride } = feature
  if (filler === null) return false
  ;(columns[input] as (number | string)[])[row * stride + column] = filler
  if (feature.isNoted) note(row, feature, null)
  return true
}

const codeOf = (text: string, feature: FastFeature, row: number): number => {
  const code = feature.codes!.get(text)
  if (code !== undefined) return code
  note(row, feature, text)
  return UNSEEN
}

/** Reads `true` or `false`; NOT_SURE otherwise. */
const scanBoolean = (bytes: Uint8Array, at: number): number => {
  if (matches(bytes, at, TRUE)) return at + 4
  return matches(bytes, at, FALSE) ? at + 5 : NOT_SURE
}

/** Reads one value into its column; the offset behind it, or NOT_SURE. */
const readValue = (
  bytes: Uint8Array,
  at: number,
  feature: FastFeature,
  columns: readonly TensorData[],
  row: number,
): number => {
  const { kind, input, column, stride, magnitudeMax } = feature
  const index = row * stride + column
  if (kind <= KIND.INTEGER) {
    const value = scanNumber(bytes, at)
    if (numberEnd >= 0) {
      if (!(value <= magnitudeMax && value >= -magnitudeMax)) return NOT_SURE
      if (kind === KIND.INTEGER && !isPlainInteger(value, numberEnd - at)) return NOT_SURE
      ;(columns[input] as Float32Array)[index] = value
      return numberEnd
    }
  } else if (kind === KIND.BOOLEAN) {
    const end = scanBoolean(bytes, at)
    if (end >= 0) {
      ;(columns[input] as Float32Array)[index] = end - at === 4 ? 1 : 0
      return end
    }
  } else {
    const text = scanText(bytes, at)
    if (textEnd >= 0) {
      if (kind === KIND.TEXT) (columns[input] as string[])[index] = text
      else (columns[input] as Float32Array)[index] = codeOf(text, feature, row)
      return textEnd
    }
  }
  const isMissing = matches(bytes, at, NULL) && putMissing(columns, row, feature)
  return isMissing ? at + 4 : NOT_SURE
}

/** Which features of the present row have been read: equal to the stamp of the row. */
let seen = new Float64Array(64)
let stamp = 0

const findKey = (
  bytes: Uint8Array,
  at: number,
  features: readonly FastFeature[],
  guess: number,
): number => {
  const expected = features[guess]
  if (expected !== undefined && matches(bytes, at, expected.key)) return guess
  for (let i = 0; i < features.length; i++) if (matches(bytes, at, features[i]!.key)) return i
  return NOT_SURE
}

const readNamed = (
  bytes: Uint8Array,
  from: number,
  features: readonly FastFeature[],
  columns: readonly TensorData[],
  row: number,
): number => {
  stamp++
  if (seen.length < features.length) seen = new Float64Array(features.length * 2)
  let at = skipBlanks(bytes, from + 1)
  let count = 0
  while (bytes[at] === 0x22) {
    const index = findKey(bytes, at, features, count)
    if (index < 0 || seen[index] === stamp) return NOT_SURE
    seen[index] = stamp
    const feature = features[index]!
    at = after(bytes, at + feature.key.length, 0x3a)
    if (at < 0) return NOT_SURE
    at = readValue(bytes, at, feature, columns, row)
    if (at < 0) return NOT_SURE
    count++
    at = skipBlanks(bytes, at)
    if (bytes[at] === 0x7d) break
    if (bytes[at] !== 0x2c) return NOT_SURE
    at = skipBlanks(bytes, at + 1)
    if (bytes[at] !== 0x22) return NOT_SURE
  }
  if (bytes[at] !== 0x7d) return NOT_SURE
  if (count < features.length) {
    for (let i = 0; i < features.length; i++) {
      if (seen[i] !== stamp && !putMissing(columns, row, features[i]!)) return NOT_SURE
    }
  }
  return at + 1
}

const readVector = (
  bytes: Uint8Array,
  from: number,
  { input, stride, magnitudeMax }: FastFeature,
  columns: readonly TensorData[],
  row: number,
): number => {
  place.column = columns[input] as Float32Array
  place.base = row * stride
  place.count = stride
  place.magnitudeMax = magnitudeMax
  return readNumbers(bytes, from, place)
}

const readPositional = (
  bytes: Uint8Array,
  from: number,
  { fast, vector }: FastPlan,
  columns: readonly TensorData[],
  row: number,
): number => {
  if (vector !== null) {
    // 30 numbers: 0.75 us a feature at a time, 0.3 us as one list (bench/cases).
    const end = readVector(bytes, from, vector, columns, row)
    if (end >= 0) return end
  }
  const features = fast
  let at = from
  for (let i = 0; i < features.length; i++) {
    at = readValue(bytes, skipBlanks(bytes, at + 1), features[i]!, columns, row)
    if (at < 0) return NOT_SURE
    at = skipBlanks(bytes, at)
    if (bytes[at] !== (i === features.length - 1 ? 0x5d : 0x2c)) return NOT_SURE
  }
  return at + 1
}

const readRow = (
  bytes: Uint8Array,
  at: number,
  plan: FastPlan,
  columns: readonly TensorData[],
  row: number,
): number => {
  if (bytes[at] === 0x7b) return readNamed(bytes, at, plan.fast, columns, row)
  return bytes[at] === 0x5b ? readPositional(bytes, at, plan, columns, row) : NOT_SURE
}

const readInstances = (
  bytes: Uint8Array,
  from: number,
  plan: FastPlan,
  target: RowTarget,
  decoded: Decoded,
): number => {
  if (bytes[from] !== 0x5b) return NOT_SURE
  let at = from
  let rows = 0
  do {
    if (rows >= target.room) return NOT_SURE
    at = skipBlanks(bytes, at + 1)
    at = readRow(bytes, at, plan, target.columns, target.row + rows)
    if (at < 0) return NOT_SURE
    rows++
    at = skipBlanks(bytes, at)
  } while (bytes[at] === 0x2c)
  if (bytes[at] !== 0x5d) return NOT_SURE
  decoded.rows = rows
  decoded.isBatch = true
  return at + 1
}

/** Reads one top-level entry; the offset behind its value, or NOT_SURE. */
const readEntry = (
  bytes: Uint8Array,
  at: number,
  plan: FastPlan,
  target: RowTarget,
  decoded: Decoded,
): number => {
  if (decoded.rows === 0 && matches(bytes, at, FEATURES_KEY)) {
    const value = after(bytes, at + FEATURES_KEY.length, 0x3a)
    if (value < 0) return NOT_SURE
    decoded.rows = 1
    return readRow(bytes, value, plan, target.columns, target.row)
  }
  if (decoded.rows === 0 && matches(bytes, at, INSTANCES_KEY)) {
    const value = after(bytes, at + INSTANCES_KEY.length, 0x3a)
    return value < 0 ? NOT_SURE : readInstances(bytes, value, plan, target, decoded)
  }
  if (decoded.bodyId !== null || !matches(bytes, at, REQUEST_ID_KEY)) return NOT_SURE
  const value = after(bytes, at + REQUEST_ID_KEY.length, 0x3a)
  if (value < 0) return NOT_SURE
  const id = scanText(bytes, value)
  if (id === '' || id.length > BODY_ID_LENGTH_MAX) return NOT_SURE
  decoded.bodyId = id
  return textEnd
}

/** True when the body was read into the target; false when the complete decoder must look at it. */
export const decodeFast = (
  bytes: Uint8Array,
  plan: FastPlan,
  target: RowTarget,
  decoded: Decoded,
): boolean => {
  if (target.room < 1 || !endsAsObject(bytes)) return false
  let at = skipBlanks(bytes, 0)
  if (bytes[at] !== 0x7b) return false
  extras = null
  firstRow = target.row
  do {
    at = skipBlanks(bytes, at + 1)
    at = readEntry(bytes, at, plan, target, decoded)
    if (at < 0) return false
    at = skipBlanks(bytes, at)
  } while (bytes[at] === 0x2c)
  if (bytes[at] !== 0x7d || decoded.rows === 0) return false
  decoded.extras = extras
  return skipBlanks(bytes, at + 1) === bytes.length
}
