import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Latest } from '../../../src/cli/tail-output.ts'
import { predictionRecord } from '../../helpers/prediction-records.ts'

const times = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 50 })

test('records() of the latest are the last by time, however they come', () => {
  fc.assert(
    fc.property(times, fc.nat(10), (given, count) => {
      const latest = new Latest(count)
      for (const timeMs of given) latest.take(predictionRecord({ timeMs }))
      const sorted = given.toSorted((a, b) => a - b)
      const wanted = sorted.slice(Math.max(0, sorted.length - count))
      expect(latest.records().map(({ timeMs }) => timeMs)).toEqual(wanted)
    }),
  )
})

test('areAfter() is true only where nothing earlier would be one of them', () => {
  fc.assert(
    fc.property(times, fc.nat(5), fc.nat(100), (given, count, timeMs) => {
      const latest = new Latest(count)
      for (const each of given) latest.take(predictionRecord({ timeMs: each }))
      if (!latest.areAfter(timeMs)) return
      const before = latest.records().map((record) => record.timeMs)
      latest.take(predictionRecord({ timeMs: timeMs - 1 }))
      expect(latest.records().map((record) => record.timeMs)).toEqual(before)
    }),
  )
})

test('Latest holds few records, however many come', () => {
  const latest = new Latest(3)
  for (let timeMs = 0; timeMs < 100_000; timeMs++) latest.take(predictionRecord({ timeMs }))
  expect(latest.records().map(({ timeMs }) => timeMs)).toEqual([99_997, 99_998, 99_999])
})
