/**
 * Which variant answers a sticky key: 10,000 buckets, hashed to by `murmur3(salt + "\0" + key)`
 * (design §5). Pure; the same in every replica, on every machine.
 */

import { murmur3 } from '../shared/murmur3.ts'

export const BUCKETS = 10_000

/** Buckets as runs [buckets, index of the variant], in bucket order. */
export type BucketRuns = readonly (readonly [number, number])[]

const encoder = new TextEncoder()

/** Bucket of a key under a policy's salt: 0 .. 9,999. */
export const bucketOf = (salt: string, key: string): number =>
  murmur3(encoder.encode(`${salt}\0${key}`)) % BUCKETS

/** First layout: variants in their order. `weightsBp` are basis points and add up to 10,000. */
export const layOut = (weightsBp: readonly number[]): BucketRuns =>
  weightsBp.flatMap((weight, variant) => (weight > 0 ? [[weight, variant] as const] : []))

/** The table that is looked up per request: index of the variant for each bucket. */
export const expandRuns = (runs: BucketRuns): Uint8Array => {
  const table = new Uint8Array(BUCKETS)
  let at = 0
  for (const [length, variant] of runs) {
    table.fill(variant, at, at + length)
    at += length
  }
  if (at !== BUCKETS) throw new RangeError(`Bucket runs cover ${at} of ${BUCKETS} buckets`)
  return table
}
