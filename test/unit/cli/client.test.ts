import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lacking, problemOf, type Shape } from '../../../src/cli/client.ts'

const SHAPE: Shape = { name: 'string', list: [{ ready: 'boolean', more: null }] }

test.each([
  [{ name: 'a', list: [] }, null],
  [{ name: 'a', list: [{ ready: true, more: null }], other: 1 }, null],
  [{ name: 'a', list: [{ ready: true }] }, '/list/0/more'],
  [{ name: 'a', list: [{ ready: 'yes', more: 1 }] }, '/list/0/ready'],
  [{ name: 1, list: [] }, '/name'],
  [{ name: 'a', list: {} }, '/list'],
  [{}, '/name'],
  [[], '/name'],
  [null, ''],
  ['<html>', ''],
])('lacking() of %j is %j', (value, path) => {
  expect(lacking(value, SHAPE)).toBe(path)
})

test('lacking() and problemOf() take any answer', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      lacking(value, SHAPE)
      problemOf(JSON.stringify(value))
    }),
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
