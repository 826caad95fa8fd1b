import { expect, test } from 'vitest'
import { OipHeaders } from '../../../../src/server/protocols/oip-headers.ts'
import type { OipRequest } from '../../../../src/server/protocols/oip-request.ts'

const requestOf = (rows: number): OipRequest => ({
  inputs: [{ shape: [rows], column: null, from: 0, to: rows }],
  rows,
  outputs: null,
  bodyId: null,
})

const body = (json: string, tail: number): Uint8Array =>
  Buffer.concat([Buffer.from(json), Buffer.alloc(tail, 1)])

test('find() knows the same JSON with as much behind it, and nothing else', () => {
  const headers = new OipHeaders()
  expect(headers.find(body('{"a":1}', 3), 7)).toBeNull()
  const request = requestOf(3)
  headers.keep(body('{"a":1}', 3), 7, request)
  expect(headers.find(body('{"a":1}', 3), 7)).toBe(request)
  expect(headers.find(body('{"a":2}', 3), 7)).toBeNull()
  expect(headers.find(body('{"a":1}', 4), 7)).toBeNull()
  expect(headers.find(body('{"a":1} ', 2), 8)).toBeNull()
})

test('keep() keeps what came last, and a copy of the bytes', () => {
  const headers = new OipHeaders()
  const bytes = [1, 2, 3, 4, 5].map((rows) => body(`{"a":${rows}}`, rows))
  for (const [i, each] of bytes.entries()) headers.keep(each, 7, requestOf(i + 1))
  const rows = bytes.map((each) => headers.find(each, 7)?.rows)
  expect(rows).toEqual([undefined, 2, 3, 4, 5])
  const again = Uint8Array.from(bytes[4]!)
  bytes[4]!.fill(0)
  expect(headers.find(again, 7)?.rows).toBe(5)
})

test('keep() leaves out JSON that is long', () => {
  const headers = new OipHeaders()
  const long = body(' '.repeat(5000), 1)
  headers.keep(long, 5000, requestOf(1))
  expect(headers.find(long, 5000)).toBeNull()
})
