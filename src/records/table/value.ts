/** One value of a record as a cell of a table. */

import type { RecordValue } from '../record.ts'
import type { Column } from './column.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n
const UINT64_MAX = 2n ** 64n - 1n
const INT32_MAX = 2 ** 31 - 1

/** What JSON has no number for, or none that every reader keeps, goes as text. */
const jsonable = (value: RecordValue): unknown => {
  if (typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return Array.isArray(value) ? value.map(jsonable) : value
}

/** JSON of a value or of values by name. */
export const jsonOf = (value: RecordValue | Readonly<Record<string, RecordValue>>): string => {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    const entries = Object.entries(value as Readonly<Record<string, RecordValue>>)
    return JSON.stringify(Object.fromEntries(entries.map(([key, each]) => [key, jsonable(each)])))
  }
  return JSON.stringify(jsonable(value as RecordValue))
}

/** A value as text: numbers as JavaScript has them, lists as JSON. */
export const textOf = (value: Exclude<RecordValue, null>): string => {
  if (typeof value === 'string') return value
  return Array.isArray(value) ? jsonOf(value) : String(value)
}

const putInteger = (column: Column, row: number, value: number | bigint): boolean => {
  if (column.type === 'int32') {
    if (!Number.isInteger(Number(value)) || Math.abs(Number(value)) > INT32_MAX) return false
    column.setNumber(row, Number(value))
    return true
  }
  if (typeof value === 'number' && !Number.isInteger(value)) return false
  const integer = BigInt(value)
  const isWithin =
    column.type === 'uint64'
      ? integer >= 0n && integer <= UINT64_MAX
      : integer >= INT64_MIN && integer <= INT64_MAX
  if (isWithin) column.setBigInt(row, integer)
  return isWithin
}

const put = (column: Column, row: number, value: Exclude<RecordValue, null>): boolean => {
  if (column.texts !== null) {
    column.setText(row, textOf(value))
    return true
  }
  if (typeof value === 'object' || typeof value === 'string') return false
  if (column.type === 'boolean') {
    column.setNumber(row, Number(value) === 0 ? 0 : 1)
    return typeof value === 'boolean' || value === 0 || value === 1
  }
  if (column.type === 'double') {
    column.setNumber(row, Number(value))
    return true
  }
  return putInteger(column, row, typeof value === 'boolean' ? Number(value) : value)
}

/**
 * Writes a value; what the type of the column cannot hold is null: a fraction or NaN among
 * integers, a text among numbers. It can only come past the contract, in raw tensors.
 */
export const putValue = (column: Column, row: number, value: RecordValue | undefined): void => {
  if (value === null || value === undefined || !put(column, row, value)) column.setNull(row)
}
