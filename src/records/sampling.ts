/** Which records are kept, and with which probability. */

import { murmur3 } from '../shared/murmur3.ts'
import type { WriteFacts } from './write-facts.ts'
import type { WritePlan } from './write-plan.ts'

const SPAN = 2 ** 32

/** Of a producer, so that two of them do not keep the same numbers. */
export const samplingSeed = (producer: string): number =>
  murmur3(new TextEncoder().encode(producer))

/** 32 bits of a prediction, the same for its answer and its shadows; MurmurHash3's last step. */
const hashOf = (sequence: number, seed: number): number => {
  const high = Math.floor(sequence / SPAN)
  let hash = seed ^ (sequence >>> 0) ^ Math.imul(high, 0x9e3779b1)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The probability with which the record of these facts is kept; 0: it is not. */
export const inclusionOf = (plan: WritePlan, facts: WriteFacts, seed: number): number => {
  if (plan.threshold === SPAN) return 1
  if (plan.keepsRole[facts.role] === 1 || plan.keepsCode[facts.code] === 1) return 1
  if (facts.latencyMs >= plan.latencyMsMin) return 1
  return hashOf(facts.sequence, seed) < plan.threshold ? plan.probability : 0
}
