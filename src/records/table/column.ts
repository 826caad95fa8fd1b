/**
 * One column of a table that grows row by row: values in one typed array, nulls beside them. Public
 * arrays, because rows are copied into them column by column, hundreds at a time.
 */

import { TextPool } from './text-pool.ts'

/**
 * Of SQL: DOUBLE, INTEGER, BIGINT, UBIGINT, TIMESTAMP (microseconds since 1970, UTC), BOOLEAN,
 * VARCHAR; an `id` is a VARCHAR whose values hardly repeat.
 */
export type ColumnType =
  | 'double'
  | 'int32'
  | 'int64'
  | 'uint64'
  | 'timestamp'
  | 'boolean'
  | 'text'
  | 'id'

const LONGS: readonly ColumnType[] = ['int64', 'uint64', 'timestamp']

export interface ColumnSpec {
  readonly name: string
  readonly type: ColumnType
  /** There is a value in every row. */
  readonly isRequired?: boolean
}

const NONE = new Uint8Array(0)

export class Column {
  readonly name: string
  readonly type: ColumnType
  readonly isRequired: boolean
  /** Values of a double; else empty. */
  doubles = new Float64Array(0)
  /** Values of 64 bits that are no double; else empty. */
  longs = new BigInt64Array(0)
  /**
   * An int32, a boolean as 0 or 1, the number of a text in `texts`; else the same memory as
   * `doubles` or `longs`, two words for each, the low one first.
   */
  words = new Int32Array(0)
  /** Of a text or id; else null. */
  readonly texts: TextPool | null
  /** 1 where there is no value; empty as long as there is one everywhere. */
  nulls: Uint8Array = NONE
  nullCount = 0
  #capacity = 0

  constructor({ name, type, isRequired = false }: ColumnSpec) {
    this.name = name
    this.type = type
    this.isRequired = isRequired
    this.texts = type === 'text' || type === 'id' ? new TextPool(type === 'text') : null
  }

  /** What `rows` rows take here. */
  usedBytes(rows: number): number {
    const bytesEach = this.type === 'double' || this.longs.length > 0 ? 8 : 4
    return rows * bytesEach + (this.texts?.usedBytes ?? 0)
  }

  /** Makes room for `capacity` rows, of which the first `rows` are kept. */
  grow(capacity: number, rows: number): void {
    if (capacity <= this.#capacity) return
    this.#capacity = capacity
    if (this.type === 'double') {
      const grown = new Float64Array(capacity)
      grown.set(this.doubles.subarray(0, rows))
      this.doubles = grown
      this.words = new Int32Array(grown.buffer)
    } else if (LONGS.includes(this.type)) {
      const grown = new BigInt64Array(capacity)
      grown.set(this.longs.subarray(0, rows))
      this.longs = grown
      this.words = new Int32Array(grown.buffer)
    } else {
      const grown = new Int32Array(capacity)
      grown.set(this.words.subarray(0, rows))
      this.words = grown
    }
    if (this.nulls.length > 0) this.#growNulls()
  }

  setNull(row: number): void {
    if (this.nulls.length === 0) this.#growNulls()
    this.nulls[row] = 1
    this.nullCount++
    // What is written there is not looked at, but it must be the same wherever it is written.
    if (this.texts !== null) this.words[row] = 0
  }

  isNull(row: number): boolean {
    return this.nullCount > 0 && this.nulls[row] === 1
  }

  /** A number that the type of this column holds exactly; a safe integer where it wants one. */
  setNumber(row: number, value: number): void {
    if (this.type === 'double') this.doubles[row] = value
    else if (this.type === 'int32' || this.type === 'boolean') this.words[row] = value
    else setLong(this.words, row, value)
  }

  setBigInt(row: number, value: bigint): void {
    this.longs[row] = value
  }

  setText(row: number, value: string): void {
    this.words[row] = this.texts!.putText(value)
  }

  /** What a reader gets at `row`. */
  valueAt(row: number): number | bigint | boolean | string | null {
    if (this.isNull(row)) return null
    if (this.type === 'double') return this.doubles[row]!
    if (this.type === 'int32') return this.words[row]!
    if (this.type === 'boolean') return this.words[row] === 1
    if (this.texts !== null) return this.texts.textAt(this.words[row]!)
    const long = this.longs[row]!
    return this.type === 'uint64' ? BigInt.asUintN(64, long) : long
  }

  /** Forgets what was written from `rows` on. */
  cut(rows: number): void {
    this.nulls.fill(0, rows)
    this.nullCount = this.nulls.reduce((sum, isNull) => sum + isNull, 0)
  }

  clear(): void {
    this.nulls = NONE
    this.nullCount = 0
    this.texts?.clear()
  }

  #growNulls(): void {
    const grown = new Uint8Array(this.#capacity)
    grown.set(this.nulls)
    this.nulls = grown
  }
}

/** Writes a safe integer as 64 bits without making a bigint of it. */
export const setLong = (words: Int32Array, row: number, value: number): void => {
  words[2 * row] = value // modulo 2 ** 32
  words[2 * row + 1] = Math.floor(value / 2 ** 32)
}
