/**
 * Triton's classification extension: in place of an output, the largest elements of each row as
 * texts `value:index` or `value:index:label`, largest first (extension_classification.md).
 */

import type { NumericArray, Tensor } from '../../../shared/tensor.ts'
import { writeNumber } from '../answer-json.ts'
import type { VariantPlan } from '../variant-plan.ts'

/** Classes of the manifest where it says that this output has a score for each of them. */
const labelsOf = (
  { reading, manifest }: VariantPlan,
  output: number,
  count: number,
): readonly (number | string)[] | null => {
  const classes = manifest?.classes
  return reading?.score === output && classes?.length === count ? classes : null
}

/** As `std::to_string` names them, but for the digits: these are all of a number. */
const textOf = (value: number | bigint): string => {
  if (typeof value === 'bigint') return `${value}`
  if (Number.isNaN(value)) return 'nan'
  if (Number.isFinite(value)) return writeNumber(value)
  return value > 0 ? 'inf' : '-inf'
}

/** Whether element `a` comes behind element `b`: larger first, NaN last, of equals the first. */
const isBehind = (row: NumericArray, a: number, b: number): boolean => {
  const left = row[a]!
  const right = row[b]!
  if (left < right) return true
  if (left > right) return false
  const isNaNLeft = Number.isNaN(left)
  return isNaNLeft === Number.isNaN(right) ? a > b : isNaNLeft
}

/** Puts `index` into the heap at `at` or below, where it belongs. */
const sink = (
  heap: Uint32Array,
  size: number,
  at: number,
  index: number,
  row: NumericArray,
): void => {
  let place = at
  for (let child = 2 * place + 1; child < size; child = 2 * place + 1) {
    const other = child + 1
    if (other < size && isBehind(row, heap[other]!, heap[child]!)) child = other
    if (!isBehind(row, heap[child]!, index)) break
    heap[place] = heap[child]!
    place = child
  }
  heap[place] = index
}

/**
 * Indices of the `count` largest elements of a row, in their order. One pass over the row: a heap
 * holds the largest so far, the last of them on top, and most elements are behind that.
 */
const largest = (row: NumericArray, count: number): Uint32Array => {
  const heap = Uint32Array.from({ length: count }, (_, i) => i)
  for (let at = (count >> 1) - 1; at >= 0; at--) sink(heap, count, at, at, row)
  let least = row[heap[0]!]!
  for (let i = count; i < row.length; i++) {
    if (row[i]! <= least || !isBehind(row, heap[0]!, i)) continue
    sink(heap, count, 0, i, row)
    least = row[heap[0]!]!
  }
  for (let last = count - 1; last > 0; last--) {
    const index = heap[last]!
    heap[last] = heap[0]!
    sink(heap, last, 0, index, row)
  }
  return heap
}

/**
 * The elements `from .. to - 1` of a result, those of `rows` rows, as their classes: BYTES of shape
 * `[rows, n]`, or `[n]` where the version has no rows; n is `classes`, or what a row has.
 */
export const classify = (
  plan: VariantPlan,
  output: number,
  data: NumericArray,
  { from, to, rows }: { readonly from: number; readonly to: number; readonly rows: number },
  classes: number,
): Tensor => {
  const length = (to - from) / rows
  const count = Math.min(classes, length)
  const labels = labelsOf(plan, output, length)
  const texts: string[] = []
  for (let at = from; at < to; at += length) {
    const row = data.subarray(at, at + length)
    for (const index of largest(row, count)) {
      const label = labels === null ? '' : `:${labels[index]}`
      texts.push(`${textOf(row[index]!)}:${index}${label}`)
    }
  }
  const shape = plan.rowsMax === 0 ? [count] : [rows, count]
  return { datatype: 'BYTES', shape, data: texts }
}
