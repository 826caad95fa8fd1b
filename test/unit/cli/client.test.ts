import fc from 'fast-check'
import { expect, test } from 'vitest'
import { problemOf } from '../../../src/cli/client.ts'
import { propertyRuns } from '../../helpers/seeds.ts'

test('problemOf() takes any answer', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      problemOf(JSON.stringify(value))
    }),
    { numRuns: propertyRuns() },
  )
})

test('problemOf() tells what a refusal says, and nothing of what it does not', () => {
  const nothing = { code: undefined, detail: undefined, hint: undefined }
  expect(problemOf('{"code":"INPUT_MISSING","detail":"lacks \\u001b[2J","hint":7}')).toEqual({
    code: 'INPUT_MISSING',
    detail: 'lacks �[2J',
    hint: undefined,
  })
  expect(problemOf('<html>')).toEqual(nothing)
  expect(problemOf('null')).toEqual(nothing)
})
