import { expect, test } from 'vitest'
import { pointer, quote } from '../../../../src/server/json/pointer.ts'

test('pointer() escapes what has a meaning in a pointer', () => {
  expect(pointer('features', 'a/b~c', 3)).toBe('/features/a~1b~0c/3')
  expect(pointer()).toBe('')
})

test('quote() shortens long text and leaves no half of a character', () => {
  expect(quote('seats')).toBe("'seats'")
  expect(quote('x'.repeat(65))).toBe(`'${'x'.repeat(64)}…'`)
  const cut = quote(`a${'😀'.repeat(40)}`)
  expect(cut).toBe(`'a${'😀'.repeat(31)}\ufffd…'`)
  expect(cut.isWellFormed()).toBe(true)
})
