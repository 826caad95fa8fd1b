import { expect, test } from 'vitest'
import { readIndexRequest } from '../../../../../src/server/protocols/oip/repository-request.ts'

const read = (body: string | Uint8Array, depthMax = 100) =>
  readIndexRequest(typeof body === 'string' ? new TextEncoder().encode(body) : body, depthMax)

test.each([
  ['', false],
  ['{}', false],
  ['{"ready":false}', false],
  ['{"ready":true}', true],
  ['\n {"a" : [{"ready": 1}], "\\u0072eady" : true , "b": null} ', true],
])('readIndexRequest() reads %j', (body, ready) => {
  const payload = JSON.stringify({ ready })
  expect(read(body)).toEqual({ kind: 'repository_index', payload })
})

test.each([
  [' ', 'REQUEST_MALFORMED'],
  ['{"ready":tru}', 'REQUEST_MALFORMED'],
  ['{"ready":true}}', 'REQUEST_MALFORMED'],
  [Uint8Array.of(0x22, 0xff, 0x22), 'REQUEST_MALFORMED'],
  ['[true]', 'REQUEST_MALFORMED'],
  ['"ready"', 'REQUEST_MALFORMED'],
  ['{"ready":"true"}', 'REQUEST_MALFORMED'],
  ['{"ready":1}', 'REQUEST_MALFORMED'],
  ['{"ready":null}', 'REQUEST_MALFORMED'],
  ['{"a":{"b":1,"b":2}}', 'DUPLICATE_KEY'],
  ['{"a":"\\ud800"}', 'INPUT_VALUE_INVALID'],
  ['['.repeat(101), 'REQUEST_TOO_DEEP'],
  ['{"a":'.repeat(13_000), 'REQUEST_TOO_DEEP'],
  [new Uint8Array(2 ** 16 + 1).fill(0x20), 'BODY_TOO_LARGE'],
])('readIndexRequest() refuses %.40j with %s', (body, code) => {
  expect(read(body)).toMatchObject({ code })
})
