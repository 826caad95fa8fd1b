/** Lists within lists that stand for a tensor. */

import type { JsonValue } from '../json/parser.ts'

export interface Nested {
  /** The values, row-major. */
  readonly leaves: readonly JsonValue[]
  /** Lengths of the lists, outermost first; [] for a value that is no list. */
  readonly sizes: readonly number[]
}

/** Lengths along the first branch: what all others must have too. */
const sizesOf = (value: JsonValue): number[] => {
  const sizes: number[] = []
  for (let each: JsonValue | undefined = value; Array.isArray(each); each = each[0]) {
    sizes.push(each.length)
  }
  return sizes
}

/** Depth is bounded by the parser. */
const collect = (
  value: JsonValue,
  sizes: readonly number[],
  axis: number,
  leaves: JsonValue[],
): boolean => {
  if (!Array.isArray(value)) {
    leaves.push(value)
    return axis === sizes.length
  }
  return (
    value.length === sizes[axis] && value.every((each) => collect(each, sizes, axis + 1, leaves))
  )
}

/** The leaves of equally long lists within lists; null where lengths or depths differ. */
export const readNested = (value: JsonValue): Nested | null => {
  if (Array.isArray(value) && !value.some(Array.isArray)) {
    return { leaves: value, sizes: [value.length] }
  }
  const sizes = sizesOf(value)
  const leaves: JsonValue[] = []
  return collect(value, sizes, 0, leaves) ? { leaves, sizes } : null
}
