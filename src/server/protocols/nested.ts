/** Lists within lists that stand for a tensor. */

import type { JsonReader } from '../json/json-reader.ts'
import type { Column } from './columns.ts'
import { isMisfit, type Misfit, type ReadElement, readElement } from './element.ts'

/** What was read: the elements are in the column, row-major. */
export interface Nested {
  /** All elements, those that were not kept included. */
  readonly count: number
  /** Lengths of the lists, outermost first; [] for a value that is no list; null if they differ. */
  readonly sizes: readonly number[] | null
  /** The first element that fits no element of the tensor. */
  readonly misfit: Misfit | null
  readonly misfitIndex: number
}

class NestedReader {
  readonly #reader: JsonReader
  readonly #column: Column
  readonly #countMax: number
  readonly #readElement: ReadElement
  readonly #sizes: number[] = []
  /** Lists around an element; -1 until there is one. */
  #leafDepth = -1
  #isUneven = false
  #count = 0
  #misfit: Misfit | null = null
  #misfitIndex = -1

  constructor(reader: JsonReader, column: Column, countMax: number, read: ReadElement) {
    this.#reader = reader
    this.#column = column
    this.#countMax = countMax
    this.#readElement = read
  }

  read(): Nested {
    this.#value(0)
    return {
      count: this.#count,
      sizes: this.#isUneven ? null : this.#sizes,
      misfit: this.#misfit,
      misfitIndex: this.#misfitIndex,
    }
  }

  /** `depth`: lists around the value, bounded by the depth of the body. */
  #value(depth: number): void {
    if (this.#reader.isList) this.#list(depth)
    else this.#leaf(depth)
  }

  #list(depth: number): void {
    const reader = this.#reader
    if (this.#leafDepth >= 0 && depth >= this.#leafDepth) this.#isUneven = true
    const isFirst = this.#sizes.length === depth
    if (isFirst) this.#sizes.push(0)
    let size = 0
    for (let more = reader.open(); more; more = reader.more()) {
      const numbers = this.#numbers(depth + 1)
      if (numbers === 0) this.#value(depth + 1)
      size += Math.max(1, numbers)
    }
    if (isFirst) this.#sizes[depth] = size
    else if (this.#sizes[depth] !== size) this.#isUneven = true
  }

  /** Reads the usual elements of a list in one go; how many. */
  #numbers(depth: number): number {
    const isUsual =
      this.#leafDepth === depth || (this.#leafDepth < 0 && this.#sizes.length === depth)
    if (!isUsual || this.#misfit !== null) return 0
    const count = this.#column.appendNumbers(this.#reader, this.#countMax - this.#count)
    if (count > 0) this.#leafDepth = depth
    this.#count += count
    return count
  }

  #leaf(depth: number): void {
    if (this.#leafDepth < 0) this.#leafDepth = depth
    if (this.#leafDepth !== depth || this.#sizes.length > depth) this.#isUneven = true
    const index = this.#count++
    if (this.#misfit !== null || index >= this.#countMax) {
      this.#reader.skip()
      return
    }
    const element = this.#readElement(this.#reader, this.#column.datatype)
    if (!isMisfit(element)) this.#column.append(element)
    else {
      this.#misfit = element
      this.#misfitIndex = index
    }
  }
}

/**
 * Reads a value, or lists within lists, into the end of a column. Elements beyond `countMax` are
 * counted and not kept: they are too many, whatever they are. `read` is for what no list is.
 */
export const readNested = (
  reader: JsonReader,
  column: Column,
  countMax = Infinity,
  read: ReadElement = readElement,
): Nested => new NestedReader(reader, column, countMax, read).read()
