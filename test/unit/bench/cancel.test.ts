import { expect, test } from 'vitest'
import { type CancelTrial, neverRun } from '../../../bench/cancel.ts'

const trial = (answered: number, cancelled: number, rowsRun: number): CancelTrial => ({
  placement: 'inline',
  failed: 0,
  ...{ answered, cancelled, rowsRun },
})

test('neverRun() is the share of cancelled requests whose rows were not run', () => {
  expect(neverRun([trial(200, 200, 200)])).toBe(1)
  expect(neverRun([trial(200, 200, 400)])).toBe(0)
  expect(neverRun([trial(200, 100, 205), trial(200, 100, 205)])).toBe(0.95)
})

test('neverRun() of trials in which nobody went is no number', () => {
  expect(neverRun([trial(10, 0, 10)])).toBeNaN()
})
