import { expect, test } from 'vitest'
import { OipHeaders } from '../../../../../src/server/protocols/oip/oip-headers.ts'
import type { OipRequest } from '../../../../../src/server/protocols/oip/oip-request.ts'
import { emptyDecoded } from '../../../../helpers/variant-plans.ts'

const requestOf = (rows: number, idAt = -1): OipRequest => ({
  inputs: [{ shape: [rows], column: null, from: 0, to: rows }],
  rows,
  outputs: null,
  priority: 0,
  timeoutUs: 0,
  idAt,
})

const bodyOf = (json: string, tail: number): Uint8Array =>
  Buffer.concat([Buffer.from(json), Buffer.alloc(tail, 1)])

const find = (headers: OipHeaders, json: string, tail: number) => {
  const decoded = emptyDecoded(Buffer.byteLength(json))
  const request = headers.find(bodyOf(json, tail), decoded)
  return { rows: request?.rows ?? null, id: decoded.bodyId }
}

test('find() knows the same JSON with as much behind it, and nothing else', () => {
  const headers = new OipHeaders()
  expect(find(headers, '{"a":1}', 3).rows).toBeNull()
  headers.keep(bodyOf('{"a":1}', 3), 7, requestOf(3))
  expect(find(headers, '{"a":1}', 3)).toEqual({ rows: 3, id: null })
  expect(find(headers, '{"a":2}', 3).rows).toBeNull()
  expect(find(headers, '{"a":1}', 4).rows).toBeNull()
  expect(find(headers, '{"a":1} ', 3).rows).toBeNull()
  expect(find(headers, '{"a":1', 3).rows).toBeNull()
})

test('find() knows the same JSON with another id', () => {
  const headers = new OipHeaders()
  const json = '{"id":"first","a":1}'
  headers.keep(bodyOf(json, 3), json.length, requestOf(3, 6))
  const idOf = (id: string) => find(headers, `{"id":${id},"a":1}`, 3)
  expect(idOf('"first"')).toEqual({ rows: 3, id: 'first' })
  expect(idOf('"other one"')).toEqual({ rows: 3, id: 'other one' })
  expect(idOf('""')).toEqual({ rows: 3, id: '' })
  expect(idOf(`"${'x'.repeat(128)}"`).rows).toBe(3)
})

test.each([
  '{"id":"é","a":1}',
  '{"id":"\\n","a":1}',
  '{"id":7,"a":1}',
  '{"id":"x","a":2}',
  '{"id":"x"}',
  '{"id":"x","a":1,"b":"y","a":1}',
  `{"id":"${'x'.repeat(129)}","a":1}`,
  '{"id":"x',
])('find() is not sure of %j', (json) => {
  const headers = new OipHeaders()
  headers.keep(bodyOf('{"id":"first","a":1}', 3), 20, requestOf(3, 6))
  expect(find(headers, json, 3)).toEqual({ rows: null, id: null })
})

test('keep() keeps what came last, and a copy of the bytes', () => {
  const headers = new OipHeaders()
  const jsons = [1, 2, 3, 4, 5].map((rows) => `{"a":${rows}}`)
  for (const [i, json] of jsons.entries()) {
    const body = bodyOf(json, 9)
    headers.keep(body, 7, requestOf(i + 1))
    body.fill(0)
  }
  expect(jsons.map((json) => find(headers, json, 9).rows)).toEqual([null, 2, 3, 4, 5])
})

test('keep() leaves out JSON that is long, or whose id is not plain', () => {
  const headers = new OipHeaders()
  const long = ' '.repeat(5000)
  headers.keep(bodyOf(long, 1), long.length, requestOf(1))
  expect(find(headers, long, 1).rows).toBeNull()
  const odd = '{"id":"é","a":1}'
  headers.keep(bodyOf(odd, 1), Buffer.byteLength(odd), requestOf(1, 6))
  expect(find(headers, odd, 1).rows).toBeNull()
})
