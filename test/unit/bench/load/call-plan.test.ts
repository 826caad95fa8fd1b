import { expect, test } from 'vitest'
import { FRAME_BYTES, framed } from '../../../../bench/load/call-plan.ts'

test('framed() puts a flag of 0 and the length, big-endian, before the message', () => {
  const frame = framed(new Uint8Array(300).fill(7))
  expect([...frame.subarray(0, FRAME_BYTES)]).toEqual([0, 0, 0, 1, 44])
  expect(frame.subarray(FRAME_BYTES)).toEqual(Buffer.alloc(300, 7))
  expect([...framed(new Uint8Array(0))]).toEqual([0, 0, 0, 0, 0])
})
