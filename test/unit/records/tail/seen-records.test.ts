import { expect, test } from 'vitest'
import { SeenRecords } from '../../../../src/records/tail/seen-records.ts'

test('note() tells what comes again, and a shadow from its answer', () => {
  const seen = new SeenRecords()
  const answer = { predictionId: 'g.0.0-1-1', role: 'answer' } as const
  expect(seen.note(answer)).toBe(true)
  expect(seen.note({ ...answer, role: 'shadow' })).toBe(true)
  expect(seen.note(answer)).toBe(false)
  expect(seen.note({ ...answer, role: 'shadow' })).toBe(false)
})

test('note() remembers as many as it is told, and never takes one for another', () => {
  const seen = new SeenRecords(100)
  const note = (index: number) => seen.note({ predictionId: `g-${index}`, role: 'answer' })
  for (let index = 0; index < 1000; index++) {
    expect(note(index)).toBe(true)
    if (index >= 100) expect(note(index - 99)).toBe(false)
  }
})
