import { expect, test } from 'vitest'
import { framingOf, isMethod } from '../../../src/server/uws-head.ts'

const framing = (...lines: [name: string, value: string][]) =>
  framingOf({
    forEach: (handler) => {
      for (const [name, value] of [['host', 'a'] as const, ...lines]) handler(name, value)
    },
  })

test('framingOf() takes one transfer-encoding, which is chunked', () => {
  expect(framing()).toBe('none')
  expect(framing(['transfer-encoding', 'chunked'])).toBe('chunked')
  expect(framing(['transfer-encoding', 'Chunked'])).toBe('chunked')
})

test.each([
  [[['transfer-encoding', '']]],
  [[['transfer-encoding', 'identity']]],
  [[['transfer-encoding', 'chunked, chunked']]],
  [
    [
      ['transfer-encoding', 'chunked'],
      ['transfer-encoding', 'chunked'],
    ],
  ],
  [
    [
      ['transfer-encoding', ''],
      ['transfer-encoding', 'chunked'],
    ],
  ],
  [[['content-length', '']]],
  [
    [
      ['content-length', ''],
      ['transfer-encoding', 'chunked'],
    ],
  ],
] satisfies [[string, string][]][])('framingOf() trusts nothing else: %j', (lines) => {
  expect(framing(...lines)).toBe('unknown')
})

test('isMethod() knows a method by its capitals', () => {
  expect(['GET', 'OPTIONS', 'M-SEARCH', 'BREW'].every(isMethod)).toBe(true)
  expect(['get', 'GET:', '!GET', 'G\0T', '', 'X'.repeat(21)].some(isMethod)).toBe(false)
})
