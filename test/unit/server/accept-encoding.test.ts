import { gunzipSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compress, preferredCoding } from '../../../src/server/accept-encoding.ts'
import { expectProportional, GROWTH } from '../../helpers/proportion.ts'

test.each([
  ['gzip', 'gzip'],
  ['GZIP', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['gzip, deflate', 'gzip'],
  ['deflate, gzip', 'gzip'],
  ['gzip, deflate, br, zstd', 'gzip'],
  ['deflate;q=1.0, gzip;q=0.9', 'deflate'],
  ['deflate;q=0.9, gzip;q=0.9', 'gzip'],
  ['gzip;q=0.001', 'gzip'],
  ['gzip ; q=0.5', 'gzip'],
  ['gzip;Q=0.5,deflate;q=0.6', 'deflate'],
  ['gzip;q=0, deflate', 'deflate'],
  ['gzip;q=0.000, deflate;q=0.', null],
  ['*', 'gzip'],
  ['*;q=0.1', 'gzip'],
  ['gzip;q=0, *', 'deflate'],
  ['*;q=0', null],
  ['*;q=0, deflate', 'deflate'],
  ['br, *;q=0.5', 'gzip'],
  ['br', null],
  ['identity', null],
  ['identity, gzip', 'gzip'],
  ['identity;q=1, gzip;q=0.5', null],
  ['identity;q=0.5, gzip;q=0.5', 'gzip'],
  ['identity;q=0, gzip;q=0', null],
  // no wish that could be read
  ['', null],
  [' ', null],
  [',,,', null],
  ['gzip;q=2', null],
  ['gzip;q=-1', null],
  ['gzip;q=0.0001', null],
  ['gzip;q=1.1', null],
  ['gzip;q', null],
  ['gzip;level=9', null],
  ['gzip deflate', null],
  ['gzip\u00e4', null],
  ['constructor, __proto__', null],
])('preferredCoding() of %j is %j', (header, wanted) => {
  expect(preferredCoding(header)).toBe(wanted)
})

test('preferredCoding() reads any header in a time in proportion to its length', () => {
  fc.assert(fc.property(fc.string(), (header) => void preferredCoding(header)))
  for (const part of [',', ' ', 'gzip,', 'gzip;', ';', 'a;q=0.5,', '0']) {
    const reading = (times: number) => {
      const header = `gzip${part.repeat(times)}x;q=0.${part.repeat(times)}x`
      return () => void preferredCoding(header)
    }
    expectProportional(reading(8000), reading(GROWTH * 8000))
  }
})

const text = JSON.stringify(Array.from({ length: 2000 }, (_, i) => i / 7))
const bytes = new Uint8Array(Buffer.from(text))

test.each([
  ['text', text],
  ['text beyond ASCII', 'ä€😀'.repeat(1000)],
  ['bytes', bytes],
  ['a part of a buffer', new Uint8Array([...bytes, ...bytes]).subarray(7, 5007)],
])('compress() gives %s in the coding that it names', (_name, body) => {
  const plain = Buffer.from(body)
  const gzip = compress(body, 'gzip')!
  expect(gunzipSync(gzip.bytes)).toEqual(plain)
  expect(gzip.lines).toBe('\r\ncontent-encoding: gzip\r\nvary: accept-encoding')
  const deflate = compress(body, 'deflate')!
  expect(inflateSync(deflate.bytes)).toEqual(plain)
  expect(deflate.lines).toBe('\r\ncontent-encoding: deflate\r\nvary: accept-encoding')
})

test.each([
  ['what its client wants plain', text, 'br'],
  ['a short body', 'x'.repeat(1023), 'gzip'],
  ['a body over 1 MiB', 'x'.repeat(1024 * 1024 + 1), 'gzip'],
  ['what its client says at too great length', text, `gzip${','.repeat(253)}`],
  ['noise', Uint8Array.from({ length: 2000 }, (_, i) => Math.sin(i) * 1e7), 'gzip'],
])('compress() leaves %s as it is', (_name, body, header) => {
  expect(compress(body, header)).toBeNull()
})

test.each([1024, 1024 * 1024])('compress() takes a body of %d bytes', (length) => {
  expect(compress('x'.repeat(length), 'gzip')).not.toBeNull()
})
