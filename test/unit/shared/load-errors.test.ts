import { expect, test } from 'vitest'
import { ERRORS } from '../../../src/shared/errors.ts'
import { LOAD_ERRORS } from '../../../src/shared/load-errors.ts'

test('LOAD_ERRORS are in the table, and all that answers no request is among them', () => {
  const statusless = Object.entries(ERRORS).filter(([, { http }]) => http === 0)
  expect(Object.fromEntries(statusless)).toEqual(LOAD_ERRORS)
})
