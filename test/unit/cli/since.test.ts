import { expect, test } from 'vitest'
import { parseSince } from '../../../src/cli/since.ts'

const NOW = Date.UTC(2026, 0, 2, 12)

test.each([
  ['30s', NOW - 30_000],
  ['1.5m', NOW - 90_000],
  ['2h', NOW - 7_200_000],
  ['1d', NOW - 86_400_000],
  ['0s', NOW],
  ['2026-01-02', Date.UTC(2026, 0, 2)],
  ['2026-01-02T03:04Z', Date.UTC(2026, 0, 2, 3, 4)],
  ['2026-01-02 03:04:05.5+02:00', Date.UTC(2026, 0, 2, 1, 4, 5, 500)],
])('parseSince() of %s', (text, ms) => {
  expect(parseSince(text, NOW)).toBe(ms)
})

test.each(['', '10', 'soon', '-1h', '2026-01-02T03:04', '2026-13-02', '1h30m'])(
  'parseSince() refuses %j',
  (text) => {
    expect(() => parseSince(text, NOW)).toThrow('A time is wanted')
  },
)
