import { expect, test } from 'vitest'
import { isFields } from '../../../src/shared/fields.ts'

test.each([
  [{}, true],
  [{ a: null }, true],
  [[], false],
  [[{}], false],
  [null, false],
  [undefined, false],
  ['text', false],
  [7, false],
])('isFields() of %j is %j', (value, expected) => {
  expect(isFields(value)).toBe(expected)
})
