/**
 * Triton's classification extension: in place of an output, the largest elements of each row as
 * texts `value:index` or `value:index:label`, largest first (extension_classification.md).
 */

import type { NumericArray, Tensor } from '../../shared/tensor.ts'
import type { VariantPlan } from './variant-plan.ts'

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
  if (Number.isNaN(value)) return 'nan'
  if (value === Infinity) return 'inf'
  return value === -Infinity ? '-inf' : `${value}`
}

/** Larger first; NaN last; of equals the first. */
const orderOf = (data: NumericArray, from: number, count: number): Uint32Array => {
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  return order.sort((a, b) => {
    const [left, right] = [data[from + a]!, data[from + b]!]
    if (left > right) return -1
    if (left < right) return 1
    return Number(Number.isNaN(left)) - Number(Number.isNaN(right)) || a - b
  })
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
    for (const index of orderOf(data, at, length).subarray(0, count)) {
      const label = labels === null ? '' : `:${labels[index]}`
      texts.push(`${textOf(data[at + index]!)}:${index}${label}`)
    }
  }
  const shape = plan.rowsMax === 0 ? [count] : [rows, count]
  return { datatype: 'BYTES', shape, data: texts }
}
