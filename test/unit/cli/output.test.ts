import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import {
  bytes,
  count,
  duration,
  EXIT,
  exitCodeOf,
  exitCodeOfAnswer,
  many,
  plain,
  table,
} from '../../../src/cli/output.ts'
import { ERROR_CODES, ERRORS } from '../../../src/shared/errors.ts'

test.each([
  ['CONFIG_INVALID', 3],
  ['FILE_INVALID', 3],
  ['MODEL_CONFIG_INVALID', 3],
  ['REPOSITORY_UNREADABLE', 3],
  ['SOCKET_PATH_TOO_LONG', 3],
  ['REQUEST_MALFORMED', 3],
  ['INPUT_MISSING', 3],
  ['ENDPOINT_NOT_FOUND', 3],
  ['BODY_TOO_LARGE', 3],
  ['CONTROL_UNREACHABLE', 4],
  ['REPLICAS_UNREACHABLE', 4],
  ['FORBIDDEN', 5],
  ['SERVER_TIMEOUT', 7],
  ['INTERNAL', 1],
  ['INFERENCE_FAILED', 1],
  ['QUEUE_FULL', 1],
  ['PORT_IN_USE', 1],
  ['STATE_DIR_LOCKED', 1],
] as const)('exitCodeOf() of %s is %i', (code, exit) => {
  expect(exitCodeOf(code)).toBe(exit)
})

test('exitCodeOf() says for no error that all went well', () => {
  for (const code of ERROR_CODES) expect(exitCodeOf(code)).toBeGreaterThan(0)
})

test('exitCodeOfAnswer() goes by the status when the code is of a later release, or none', () => {
  expect(exitCodeOfAnswer('LATER', 422)).toBe(EXIT.INVALID)
  expect(exitCodeOfAnswer('toString', 500)).toBe(EXIT.FAILURE)
  expect(exitCodeOfAnswer(undefined, 502)).toBe(EXIT.FAILURE)
  expect(exitCodeOfAnswer('FORBIDDEN', ERRORS.FORBIDDEN.http)).toBe(EXIT.REFUSED)
})

test('plain() takes out what moves a cursor, and leaves letters', () => {
  expect(plain('a\u001b]0;title\u0007b\nc\u009bd')).toBe('a�]0;title�b�c�d')
  expect(plain('Zürich ✔ 100 %')).toBe('Zürich ✔ 100 %')
})

test('table() aligns columns by what is seen', () => {
  const rows = [
    ['NAME', 'STATE'],
    ['a-long-name', '\u001b[32mok\u001b[39m'],
    ['b', ''],
  ]
  expect(stripVTControlCharacters(table(rows))).toBe('NAME         STATE\na-long-name  ok\nb')
})

test('bytes(), count() and duration() are read by people', () => {
  expect([0, 1023, 1536, 200 * 1024, 5 * 1024 ** 4].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.5 KiB',
    '200 KiB',
    '5.0 TiB',
  ])
  expect(count(1_234_567)).toBe('1,234,567')
  expect([0, 59_999, 65_000, 3_600_000].map(duration)).toEqual(['0s', '59s', '1m05s', '1h00m'])
})

test.each([
  [0, '0 models'],
  [1, '1 model'],
  [2, '2 models'],
])('many() of %i models is %j', (amount, text) => {
  expect(many(amount, 'model')).toBe(text)
})
