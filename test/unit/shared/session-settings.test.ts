import { expect, test } from 'vitest'
import { completeSession, DEFAULT_SESSION } from '../../../src/shared/session-settings.ts'

test('completeSession() puts in what is not said', () => {
  expect(completeSession()).toEqual(DEFAULT_SESSION)
  expect(completeSession({ memoryArena: false })).toEqual({
    ...DEFAULT_SESSION,
    memoryArena: false,
  })
})

test('completeSession() writes the same settings alike, in whatever order they come', () => {
  const turned = Object.fromEntries(Object.entries(DEFAULT_SESSION).toReversed())
  expect(JSON.stringify(completeSession(turned))).toBe(JSON.stringify(DEFAULT_SESSION))
})
