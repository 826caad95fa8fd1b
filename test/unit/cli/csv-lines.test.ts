import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { LINE_BYTES_MAX, linesOf } from '../../../src/cli/csv-lines.ts'

/** Lines of some bytes that come in parts of `size`. */
const read = (bytes: Buffer, size = bytes.length) => {
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) parts.push(bytes.subarray(at, at + size))
  return Array.fromAsync(linesOf(Readable.from(parts)))
}

const texts = async (bytes: Buffer, size?: number) =>
  (await read(bytes, size)).map(({ text }) => text)

test.each([
  ['', []],
  ['a', ['a']],
  ['a\n', ['a']],
  ['a\n\nb', ['a', '', 'b']],
  ['a\r\nb\r\n', ['a\r', 'b\r']],
  ['a\rb\rc', ['a', 'b', 'c']],
  ['a\r', ['a\r']],
  ['a\nb\rc', ['a', 'b\rc']],
  ['ä€\n😀', ['ä€', '😀']],
])('linesOf() of %j, whatever parts it comes in', async (text, wanted) => {
  const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le')
  const encodings = [
    Buffer.from(text),
    Buffer.from(`\ufeff${text}`),
    ...(text === '' ? [] : [utf16, Buffer.from(utf16).swap16()]),
  ]
  for (const bytes of encodings) {
    for (const size of [1, 2, 3, 100]) expect(await texts(bytes, size)).toEqual(wanted)
  }
})

test('linesOf() numbers lines, and tells of which the text is a guess', async () => {
  const lines = await read(Buffer.from('id\ncaf\xe9\nok\n', 'latin1'))
  expect(lines).toEqual([
    { number: 1, text: 'id', end: '\n', bytes: 2, isGuess: false },
    { number: 2, text: 'café', end: '\n', bytes: 4, isGuess: true },
    { number: 3, text: 'ok', end: '\n', bytes: 2, isGuess: false },
  ])
})

test('linesOf() keeps no more of a line than it may', async () => {
  const sizes = [LINE_BYTES_MAX, LINE_BYTES_MAX + 1, 1]
  const text = sizes.map((size) => 'x'.repeat(size)).join('\n')
  const lines = await read(Buffer.from(text), 65_536)
  expect(lines.map(({ bytes }) => bytes)).toEqual(sizes)
  expect(lines.map((line) => line.text.length)).toEqual([LINE_BYTES_MAX, LINE_BYTES_MAX, 1])
})

test('linesOf() refuses UTF-16 that is none', async () => {
  await expect(read(Buffer.from([0xff, 0xfe, 0x00, 0xd8, 0x0a, 0x00]))).rejects.toThrow(TypeError)
})
