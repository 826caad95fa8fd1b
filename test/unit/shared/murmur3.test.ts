import { expect, test } from 'vitest'
import { murmur3 } from '../../../src/shared/murmur3.ts'

// Published vectors of MurmurHash3_x86_32 (Wikipedia "MurmurHash", test vectors table).
test.each([
  ['', 0, 0],
  ['', 1, 0x514e28b7],
  ['', 0xffffffff, 0x81f16f39],
  ['test', 0, 0xba6bd213],
  ['test', 0x9747b28c, 0x704b81dc],
  ['Hello, world!', 0, 0xc0363e43],
  ['The quick brown fox jumps over the lazy dog', 0, 0x2e4ff723],
  ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
])('murmur3() of %j with seed %i is the published value', (text, seed, wanted) => {
  const bytes = new TextEncoder().encode(text)
  expect(murmur3(bytes, bytes.length, seed)).toBe(wanted)
})
