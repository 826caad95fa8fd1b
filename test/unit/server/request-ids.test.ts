import { expect, test } from 'vitest'
import { idOf, idOfHead, safeId } from '../../../src/server/request-ids.ts'

test('idOf() is that of the head, else that of the body', () => {
  expect(idOfHead({ requestId: 'head-1' })).toBe('head-1')
  expect(idOfHead({ requestId: 'no header' })).toBeNull()
  expect(idOfHead({ requestId: '' })).toBeNull()
  expect(idOf('head-1', 'body-1')).toBe('head-1')
  expect(idOf(null, 'körper 1')).toBe('körper 1')
  expect([idOf(null, ''), idOf(null, null)]).toEqual([null, null])
})

test('safeId() keeps out of headers what may not stand in one', () => {
  expect(safeId(null, 'body-1')).toBe('body-1')
  expect(safeId(null, 'a\r\nb: c')).toBeNull()
  expect(safeId('head-1', 'head-1')).toBe('head-1')
})
