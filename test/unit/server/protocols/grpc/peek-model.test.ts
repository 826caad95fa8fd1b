import { expect, test } from 'vitest'
import { peekModel } from '../../../../../src/server/protocols/grpc/peek-model.ts'

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
