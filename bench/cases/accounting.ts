/** What is done for each request beside decoding, running and encoding. */

import { bucketOf } from '../../src/routing/bucket-table.ts'
import { isEchoable } from '../../src/shared/ids.ts'
import { LATENCY_SLOTS, latencySlot } from '../../src/shared/latency-slots.ts'
import { seededUniform } from '../load/arrivals.ts'
import type { MicroCase } from '../measure/micro-case.ts'

const MASK = 1023

/** Latencies between 10 us and 1 s, as many in each decade. */
const latenciesUs = (): Float64Array => {
  const uniform = seededUniform(7)
  return Float64Array.from({ length: MASK + 1 }, () => 10 ** (1 + 5 * uniform()))
}

const keys = (): string[] => {
  const uniform = seededUniform(11)
  return Array.from({ length: MASK + 1 }, () => `customer-${Math.floor(uniform() * 1e9)}`)
}

export const accounting: readonly MicroCase[] = [
  {
    name: 'account: one latency into its slot',
    setup: () => {
      const slots = new Float64Array(LATENCY_SLOTS)
      const us = latenciesUs()
      let i = 0
      return () => {
        const slot = latencySlot(us[i++ & MASK]!)
        slots[slot] = slots[slot]! + 1
        return slot
      }
    },
  },
  {
    name: 'route: bucket of a sticky key of 18 bytes',
    setup: () => {
      const some = keys()
      let i = 0
      return () => bucketOf('flight-delay', some[i++ & MASK]!)
    },
  },
  {
    name: 'ids: whether an id of 18 bytes may be echoed',
    setup: () => {
      const some = keys()
      let i = 0
      return () => (isEchoable(some[i++ & MASK]!) ? 1 : 0)
    },
  },
]
