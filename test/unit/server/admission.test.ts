import { expect, test } from 'vitest'
import { admitHeaderLength } from '../../../src/server/admission.ts'

test.each([
  ['', 10, -1],
  ['0', 10, 0],
  ['10', 10, 10],
  ['007', 10, 7],
])('admitHeaderLength() of %j within %i bytes is %i', (sent, bodyBytes, jsonBytes) => {
  expect(admitHeaderLength(sent, bodyBytes)).toBe(jsonBytes)
})

test.each([
  ['11', 'inference header size should be in range (0, 10), got: 11'],
  ['-1', 'Unable to parse Inference-Header-Content-Length, got: -1'],
  ['1'.repeat(99), `Unable to parse Inference-Header-Content-Length, got: ${'1'.repeat(32)}`],
])('admitHeaderLength() refuses %j', (sent, detail) => {
  expect(admitHeaderLength(sent, 10)).toEqual({ code: 'REQUEST_MALFORMED', detail })
})
