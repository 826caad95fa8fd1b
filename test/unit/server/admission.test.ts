import { expect, test } from 'vitest'
import { admitHeaderLength, admitRows } from '../../../src/server/admission.ts'

test.each([
  [0, 0, 1, 10, true],
  [0, 0, 10, 10, true],
  [0, 0, 11, 10, true], // could never be served otherwise
  [1, 0, 9, 10, true],
  [1, 0, 10, 10, false],
  [10, 0, 1, 10, false],
  [9, 0, 1, 10, true],
  [20, 0, 0, 10, false],
  [1000, 1000, 1, 10, true], // others have their turn between its parts
  [1000, 990, 1, 10, false],
  [1000, 991, 1, 10, true],
  [1, 1, 11, 10, false], // one at a time
])('admitRows() with %i waiting, %i of them oversized, %i more and at most %i: %s', (...row) => {
  const [queuedRows, oversizedRows, rows, most, isAdmitted] = row
  const refusal = admitRows({ queuedRows, oversizedRows }, rows, most)
  if (isAdmitted) expect(refusal).toBeNull()
  else {
    expect(refusal).toEqual({
      code: 'QUEUE_FULL',
      detail: `${queuedRows} rows are waiting; the limit is ${most}`,
    })
  }
})

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
