import { create } from '@bufbuild/protobuf'
import { expect, test } from 'vitest'
import { type EnvelopeBody, envelopeCodec } from '../../../proto/control-envelope.ts'
import { HelloSchema } from '../../../proto/gen/control_pb.ts'

test('decode() gives back what encode() took', () => {
  const value = create(HelloSchema, { protocol: 1, incarnation: 2n ** 60n, digests: ['a', 'b'] })
  const body: EnvelopeBody = { case: 'hello', value }
  const decoded = envelopeCodec.decode(envelopeCodec.encode(3n, 4n, body))
  expect([decoded.call, decoded.answers]).toEqual([3n, 4n])
  expect(decoded.body).toEqual(body)
})

test('decode() gives an empty body for a message of a newer release', () => {
  // Field 500, length-delimited, 3 bytes: no message that this release knows.
  const bytes = Uint8Array.of(0xa2, 0x1f, 3, 1, 2, 3)
  expect(envelopeCodec.decode(bytes).body.case).toBeUndefined()
})

test.each([
  ['a truncated field', [0x52, 0x7f, 1]],
  ['a field number of 0', [0x00, 0x01]],
  ['text', [...Buffer.from('GET / HTTP/1.1')]],
])('decode() throws on %s', (_, bytes) => {
  expect(() => envelopeCodec.decode(Uint8Array.from(bytes))).toThrow()
})
