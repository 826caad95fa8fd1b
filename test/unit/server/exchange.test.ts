import { expect, test } from 'vitest'
import { hasProtocolHeaders } from '../../../src/server/exchange.ts'

test.each([
  ['/v2/models/m/infer', true],
  ['/v1/models/m:predict', true],
  ['/predict', false],
  ['/predict/v2', false],
  ['/', false],
])('hasProtocolHeaders says of %s: %s', (path, expected) => {
  expect(hasProtocolHeaders(path)).toBe(expected)
})
