/** The rows of a request that gives one after another. */

import { type Refusal, refuse } from '../../shared/errors.ts'
import type { JsonReader } from '../json/json-reader.ts'
import { pointer } from '../json/pointer.ts'
import { malformed, unknownKey } from './body-faults.ts'
import type { VariantPlan } from './variant-plan.ts'

const INSTANCES = 'instances'
const AT = pointer(INSTANCES)

/** What a body holds: rows one after another, or the value of the other key. */
interface Content {
  readonly isBatch: boolean
  /** Offset of the value. */
  readonly at: number
}

/**
 * Looks over the keys of a body, which must have `instances` or `other`, and not both.
 * `optional`: readers of the values of the keys beside them.
 */
export const findContent = (
  reader: JsonReader,
  other: string,
  optional: Readonly<Record<string, () => Refusal | null>>,
): Content | Refusal => {
  if (!reader.isObject) return malformed(`The body must be an object, not ${reader.kind}`)
  const at = { instances: -1, other: -1 }
  const refusal = reader.eachEntry((key) => {
    if (Object.hasOwn(optional, key)) return optional[key]!()
    if (key !== INSTANCES && key !== other) {
      return unknownKey(key, [INSTANCES, other, ...Object.keys(optional)])
    }
    at[key === INSTANCES ? 'instances' : 'other'] = reader.at
    reader.skip()
    return null
  })
  if (refusal !== null) return refusal
  const isBatch = at.instances >= 0
  if (isBatch === at.other >= 0) {
    return malformed(`The body must have either '${INSTANCES}' or '${other}'`)
  }
  return { isBatch, at: isBatch ? at.instances : at.other }
}

/** Pointer to row `index`. */
export const instancePointer = (index: number): string => `${AT}/${index}`

/**
 * Reads all instances of a body; gives how many there are. `readRow` leaves the reader behind the
 * row. `countMax`: of rows that may take more memory than bytes of the body.
 */
export const readInstances = (
  reader: JsonReader,
  { rowsMax }: VariantPlan,
  readRow: (index: number) => Refusal | null,
  countMax = Number.POSITIVE_INFINITY,
): number | Refusal => {
  if (!reader.isList) return malformed(`'instances' must be a list of rows, got ${reader.kind}`, AT)
  let more = reader.open()
  if (!more) return malformed("'instances' must be a list of rows, got none", AT)
  let count = 0
  for (; more; more = reader.more()) {
    if (count === 1 && rowsMax === 0) {
      const detail = `This model takes one row a request, got ${count + reader.skipRest()}`
      return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: AT, detail }])
    }
    if (count === countMax) {
      const detail = `A request of so many bytes may have at most ${count} such rows`
      return refuse('TENSOR_SHAPE_MISMATCH', detail, [{ pointer: instancePointer(count), detail }])
    }
    const refusal = readRow(count)
    if (refusal !== null) return refusal
    count++
  }
  return count
}
