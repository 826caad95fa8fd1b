/**
 * Runs cases by their seeds, one after the other, and makes a case that fails as small as it can.
 *
 *     SLUICE_TEST_SEED=<seed> npx vitest run test/property/fuzz.test.ts
 *
 * begins with that seed.
 */

import { randomOf } from './random.ts'

export interface Input {
  readonly bytes: Uint8Array
  /** Decides what else there is to decide: the version, the place, the form. */
  readonly choice: number
}

export interface Verdict {
  /** What is wrong; null: nothing is. */
  readonly fault: string | null
  /** It was understood, not refused. */
  readonly isTaken: boolean
  /** Bytes that were made of the input. */
  readonly grownBytes: number
}

export interface Target {
  readonly name: string
  /** Starts what its cases need; it ends with the test or hook that calls this. */
  readonly prepare?: () => Promise<void>
  make(seed: number): Input
  check(input: Input): Verdict | Promise<Verdict>
  /** The same with a decoder that is wrong somewhere: the harness must find out. */
  readonly canary: (input: Input) => Verdict | Promise<Verdict>
}

export interface Failure {
  readonly seed: number
  readonly fault: string
  /** As it was made, and as small as it still fails; one character a byte. */
  readonly made: string
  readonly smallest: string
  readonly choice: number
}

export interface Outcome {
  readonly failure: Failure | null
  readonly cases: number
  /** How many of them were understood. */
  readonly taken: number
  /** Most bytes that were made of one, beyond `FREE_BYTES`. */
  readonly worstGrowth: { readonly times: number; readonly seed: number }
}

/** As in helpers/amplification: what any request may take. */
const FREE_BYTES = 256 * 1024
/** Attempts to make a failing case smaller. */
const ATTEMPTS_MAX = 2000

type Check = Target['check']

/** Of a fault, so that another one is not taken for it. */
const KIND_LENGTH = 24

/** Leaves out ever smaller parts, as long as there is still such a fault. */
const minimised = async (input: Input, check: Check, wanted: string): Promise<Uint8Array> => {
  let { bytes } = input
  let attempts = 0
  for (let size = bytes.length >> 1; size > 0; size >>= 1) {
    for (let at = 0; at < bytes.length && attempts < ATTEMPTS_MAX; attempts++) {
      const shorter = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)])
      const { fault } = await check({ ...input, bytes: shorter })
      if (fault?.startsWith(wanted.slice(0, KIND_LENGTH))) bytes = shorter
      else at += size
    }
  }
  return bytes
}

const shown = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString('latin1'))

/** A generator and a decoder that throw are faults like others. */
const careful =
  (check: Check): Check =>
  async (input) => {
    try {
      return await check(input)
    } catch (thrown) {
      return { fault: `it threw ${String(thrown)}`, isTaken: false, grownBytes: 0 }
    }
  }

/** Cases from `seed` on, up to the first that fails. */
export const fuzz = async (
  target: Target,
  seed: number,
  cases: number,
  given: Check = (input) => target.check(input),
): Promise<Outcome> => {
  const check = careful(given)
  let worstGrowth = { times: 0, seed }
  let taken = 0
  for (let i = 0; i < cases; i++) {
    const input = target.make(seed + i)
    const { fault, isTaken, grownBytes } = await check(input)
    if (fault !== null) {
      const smallest = await minimised(input, check, fault)
      const failure: Failure = {
        seed: seed + i,
        fault,
        made: shown(input.bytes),
        smallest: shown(smallest),
        choice: input.choice,
      }
      return { failure, cases: i + 1, taken, worstGrowth }
    }
    if (isTaken) taken++
    const times = Math.max(0, grownBytes - FREE_BYTES) / Math.max(1, input.bytes.length)
    if (times > worstGrowth.times) worstGrowth = { times, seed: seed + i }
  }
  return { failure: null, cases, taken, worstGrowth }
}

/** A case of a generator that is given its own random choices. */
export const inputFrom = (
  seed: number,
  make: (random: ReturnType<typeof randomOf>) => Uint8Array,
): Input => {
  const random = randomOf(seed)
  const choice = random.below(2 ** 31)
  return { bytes: make(random), choice }
}
