import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stateBehind, stateMoved } from '../../../../src/records/spool/crc32-parts.ts'
import { propertyRuns } from '../../../helpers/seeds.ts'
import { someBytes } from '../../../helpers/segments.ts'

/** States are inverted checksums. */
const behind = (bytes: Uint8Array, state: number): number => ~crc32(bytes, ~state >>> 0)

test('stateBehind() adds the four bytes of a word', () => {
  fc.assert(
    fc.property(fc.integer(), fc.uint8Array({ minLength: 4, maxLength: 4 }), (state, bytes) => {
      const word = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0, true)
      expect(stateBehind(state, word)).toBe(behind(bytes, state))
    }),
    { numRuns: propertyRuns(200) },
  )
})

test('stateMoved() tells what a state adds to one that lies so many bytes behind', () => {
  const counts = [0, 1, 2, 4095, 4096, 4097, 8192, 100_003, 2 ** 20]
  for (const count of counts) {
    const bytes = someBytes(8 * count, count)
    const [one, other] = [0x1234_5678 ^ count, 0x0bad_cafe]
    const moved = stateMoved(one ^ other, count)
    expect(behind(bytes, one) ^ behind(bytes, other)).toBe(moved)
  }
  // As far as the longest frame.
  const far = 2 ** 23 + 2
  expect(stateMoved(stateMoved(77, far - 4096), 4096)).toBe(stateMoved(77, far))
})
