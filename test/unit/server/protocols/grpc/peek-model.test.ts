import { expect, test } from 'vitest'
import { peekId, peekModel } from '../../../../../src/server/protocols/grpc/peek-model.ts'

const bytesOf = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex')

test('peekModel() tells models apart, however often they are asked for', () => {
  const some = bytesOf('0a 01 61 12 01 31')
  const other = bytesOf('0a 01 62')
  for (const _ of [1, 2]) {
    expect(peekModel(some)).toEqual({ name: 'a', version: '1' })
    expect(peekModel(other)).toEqual({ name: 'b', version: '' })
    expect(peekModel(new Uint8Array(0))).toEqual({ name: '', version: '' })
  }
})

test('peekModel() takes the last of two names, wherever it stands', () => {
  expect(peekModel(bytesOf('0a 01 61 3a 01 00 0a 01 62'))).toEqual({ name: 'b', version: '' })
})

test.each([
  ['cut off', '0a 05 61'],
  ['a number for a name', '08 01'],
  ['no text as a name', '0a 01 ff'],
  ['no text as a version', '0a 01 61 12 01 ff'],
  ['a group behind the name', '0a 01 61 1b'],
])('peekModel() refuses %s', (_what, hex) => {
  expect(peekModel(bytesOf(hex))).toMatchObject({ code: 'REQUEST_MALFORMED' })
})

test('peekId() reads the last id, wherever it stands, and nothing else', () => {
  expect(peekId(bytesOf('0a 01 61 1a 01 62 1a 01 63 3a 01 00'))).toBe('c')
  expect(peekId(bytesOf('0a 01 61'))).toBe('')
})

test.each([
  ['cut off', '1a 05 61'],
  ['a number for an id', '18 01'],
  ['no text', '1a 01 ff'],
])('peekId() takes an id that is %s for none', (_what, hex) => {
  expect(peekId(bytesOf(hex))).toBe('')
})
