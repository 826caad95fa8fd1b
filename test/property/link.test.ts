import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FrameReader } from '../../src/shared/link.ts'
import { frameOf } from '../helpers/text-links.ts'

const LIMIT = 64

const cut = (bytes: Uint8Array, at: readonly number[]): Uint8Array[] => {
  const edges = [...new Set([0, ...at.map((i) => i % (bytes.length + 1)), bytes.length])]
  edges.sort((a, b) => a - b)
  return edges.slice(1).map((end, i) => bytes.slice(edges[i], end))
}

const readAll = (chunks: readonly Uint8Array[]): string[] => {
  const reader = new FrameReader(LIMIT)
  return chunks.flatMap((chunk) =>
    [...reader.push(chunk)].map((m) => Buffer.from(m).toString('hex')),
  )
}

const messages = fc.array(fc.uint8Array({ minLength: 1, maxLength: LIMIT }), { maxLength: 8 })

test('push() yields the same messages wherever the stream is cut', () => {
  fc.assert(
    fc.property(messages, fc.array(fc.nat(), { maxLength: 20 }), (sent, at) => {
      const stream = Buffer.concat(sent.map(frameOf))
      expect(readAll(cut(stream, at))).toEqual(sent.map((m) => Buffer.from(m).toString('hex')))
    }),
  )
})

test('push() yields the same messages byte by byte and at every single cut', () => {
  const sent = [[1], [2, 3, 4], Array.from({ length: LIMIT }, (_, i) => i)].map((bytes) =>
    Uint8Array.from(bytes),
  )
  const stream = Buffer.concat(sent.map(frameOf))
  const wanted = sent.map((m) => Buffer.from(m).toString('hex'))
  expect(readAll([...stream].map((byte) => Uint8Array.of(byte)))).toEqual(wanted)
  for (let at = 0; at <= stream.length; at++) expect(readAll(cut(stream, [at]))).toEqual(wanted)
})

test('push() yields whole messages or throws RangeError on any bytes', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (chunks) => {
      try {
        for (const hex of readAll(chunks)) expect(hex.length / 2).toBeLessThanOrEqual(LIMIT)
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
      }
    }),
  )
})
