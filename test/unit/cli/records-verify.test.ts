import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { renderReport } from '../../../src/cli/records-verify.ts'
import type { VerifyReport } from '../../../src/records/verify.ts'

type Producer = VerifyReport['producers'][number]

const producer = (given: Partial<Producer> = {}): Producer => ({
  ...{ id: 'g.0.0-1', first: 1, last: 10, present: 10, duplicates: 0, gaps: [], open_ended: false },
  ...given,
})

const page = (producers: readonly Producer[], ok = true): string[] =>
  stripVTControlCharacters(renderReport({ ok, producers, problems: [] })).split('\n')

test('renderReport() says how much is there, and why the rest is not', () => {
  const gaps = [
    { from: 2, to: 2, reason: 'ring_full' },
    { from: 4, to: 5, reason: 'sampled' },
    { from: 7, to: 9, reason: 'sampled' },
  ]
  const partial = producer({ id: 'g.0.1-1', last: 1234, present: 1228, duplicates: 1, gaps })
  expect(page([producer(), partial])).toEqual([
    '1,238 of 1,244 sequences have their record, 2 producers  ✔ all others have their reason',
    '',
    'PRODUCER  LAST   PRESENT  TWICE  WITHOUT A RECORD',
    'g.0.1-1   1,234  1,228    1      sampled 5, ring_full 1',
    'g.0.0-1   10     10       0',
  ])
})

test('renderReport() says what is open, and what is not listed', () => {
  const killed = producer({ open_ended: true })
  expect(page([killed])[3]).toMatch(/ open-ended$/)
  const many = producer({ gaps: [{ from: 1, to: 1, reason: 'sampled' }], gaps_omitted: 7 })
  expect(page([many])[3]).toMatch(/ sampled 1, and more$/)
  const idle = producer({ last: 0, present: 0 })
  for (const producers of [[], [idle]]) {
    expect(page(producers)).toEqual(['nothing to verify: there has been no request yet'])
  }
  expect(page([], false)).toEqual([
    '0 of 0 sequences have their record, 0 producers  ✖ of others nobody knows why they have none, or not all could be read',
  ])
})

test('renderReport() shows no more producers than fit a page, those with gaps first', () => {
  const whole = Array.from({ length: 100 }, (_, index) => producer({ id: `g.0.0-${index}` }))
  const gaps = [{ from: 1, to: 1, reason: 'missing' }]
  const lines = page([...whole, producer({ id: 'odd \u001b[2J', gaps })], false)
  expect(lines).toHaveLength(54)
  expect(lines[3]).toMatch(/^odd �\[2J /)
  expect(lines.at(-1)).toBe('and 51 producers more: --json has all')
})
