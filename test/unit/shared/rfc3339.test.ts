import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRfc3339 } from '../../../src/shared/rfc3339.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

/** RFC 3339 §5.8, and what other printers write. */
test.each([
  ['1985-04-12T23:20:50.52Z', Date.UTC(1985, 3, 12, 23, 20, 50, 520)],
  ['1996-12-19T16:39:57-08:00', Date.UTC(1996, 11, 20, 0, 39, 57)],
  ['1990-12-31T23:59:60Z', Date.UTC(1991, 0, 1)],
  ['1990-12-31T15:59:60-08:00', Date.UTC(1991, 0, 1)],
  ['1937-01-01T12:00:27.87+00:20', Date.UTC(1937, 0, 1, 11, 40, 27, 870)],
  ['2024-02-29t00:00:00z', Date.UTC(2024, 1, 29)],
  ['2026-11-27T14:05:00.123456+00:00', Date.UTC(2026, 10, 27, 14, 5, 0, 123)],
  ['2026-11-27T14:05:00.999999999Z', Date.UTC(2026, 10, 27, 14, 5, 0, 999)],
  ['1000-01-01T00:00:00Z', Date.UTC(1000, 0, 1)],
])('parseRfc3339() reads %s', (text, ms) => expect(parseRfc3339(text)).toBe(ms))

test.each([
  ...['', '2026', '2026-11-27', '14:05:00Z', '2026-11-27T14:05:00', '2026-11-27 14:05:00Z'],
  ...['2026-11-27T14:05Z', '2026-11-27T14:05:00.Z', '2026-11-27T14:05:00,5Z'],
  ...['2026-11-27T14:05:00.1234567890Z', '2026-11-27T14:05:00+0100', '2026-11-27T14:05:00+01'],
  ...['2026-00-01T00:00:00Z', '2026-13-01T00:00:00Z', '2026-01-00T00:00:00Z'],
  ...['2026-02-29T00:00:00Z', '2100-02-29T00:00:00Z', '2026-04-31T00:00:00Z'],
  ...['2026-01-01T24:00:00Z', '2026-01-01T00:60:00Z', '2026-01-01T00:00:61Z'],
  ...['2026-01-01T00:00:00+24:00', '2026-01-01T00:00:00+00:60', '0099-01-01T00:00:00Z'],
  ...[' 2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z\n', '٢٠٢٦-01-01T00:00:00Z'],
])('parseRfc3339() takes %j for no time', (text) => expect(parseRfc3339(text)).toBeNaN())

test('parseRfc3339() reads what Date writes, at any offset', () => {
  const [min, max] = [Date.UTC(1000, 0, 2), Date.UTC(9999, 11, 30)]
  const offsets = fc.integer({ min: -1439, max: 1439 })
  const property = fc.property(fc.integer({ min, max }), offsets, (ms, offset) => {
    const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1)
    const [hours, minutes] = [Math.trunc(Math.abs(offset) / 60), Math.abs(offset) % 60]
    const digits = [hours, minutes].map((each) => String(each).padStart(2, '0')).join(':')
    expect(parseRfc3339(`${local}${offset < 0 ? '-' : '+'}${digits}`)).toBe(ms)
  })
  fc.assert(property, { numRuns: propertyRuns(300) })
})
