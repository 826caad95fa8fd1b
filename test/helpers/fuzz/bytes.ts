/** Damage to bytes whose structure nobody looks at. */

import type { Random } from './random.ts'

type Change = (random: Random, bytes: Buffer, donor: Buffer) => Buffer

/** Ends of UTF-8 and of numbers, and what text and binary formats end with. */
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xbf, 0xc0, 0xc3, 0xed, 0xf4, 0xf8, 0xff, 0x0a, 0x20, 0x22]

const rangeOf = (random: Random, { length }: Buffer): [number, number] => {
  const from = random.below(length + 1)
  return [from, Math.min(length, from + 1 + random.below(random.pick([2, 8, 64])))]
}

const replace = (bytes: Buffer, from: number, to: number, ...put: readonly Buffer[]): Buffer =>
  Buffer.concat([bytes.subarray(0, from), ...put, bytes.subarray(to)])

const CHANGES: readonly Change[] = [
  (random, bytes) => bytes.subarray(0, random.below(bytes.length + 1)),
  (random, bytes) => bytes.subarray(random.below(bytes.length + 1)),
  (random, bytes) => replace(bytes, ...rangeOf(random, bytes)),
  (random, bytes) => {
    const [from, to] = rangeOf(random, bytes)
    return replace(bytes, to, to, bytes.subarray(from, to))
  },
  (random, bytes) => {
    const at = random.below(bytes.length + 1)
    return replace(bytes, at, at, Buffer.of(random.pick(BYTES)))
  },
  (random, bytes) => {
    const at = random.below(bytes.length + 1)
    return replace(bytes, at, at + 1, Buffer.of(random.below(256)))
  },
  (random, bytes, donor) => {
    const [from, to] = rangeOf(random, bytes)
    return replace(bytes, from, to, donor.subarray(...rangeOf(random, donor)))
  },
  (random, bytes, donor) => replace(bytes, random.below(bytes.length + 1), bytes.length, donor),
]

/** Cut, doubled, exchanged, or joined with a part of another. */
export const damaged = (random: Random, bytes: Uint8Array, donor: Uint8Array): Buffer =>
  random.pick(CHANGES)(random, Buffer.from(bytes), Buffer.from(donor))
