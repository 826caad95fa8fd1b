import { expect, test } from 'vitest'
import { HeldAnswer } from '../../../src/server/held-answer.ts'
import type { Pending } from '../../../src/server/pending.ts'

const IDS = { idPrefix: 'p-', sequence: 7, echoedId: 'mine' }

const pending = () => ({ exchange: { waiting: {} } }) as Pending

test('fill() copies bytes, which others write over, and keeps text', () => {
  const held = new HeldAnswer()
  const bytes = Uint8Array.of(1, 2, 3)
  held.fill(pending(), IDS, bytes, 5)
  bytes.fill(9)
  expect(held).toMatchObject({ ...IDS, writingMs: 5, body: Uint8Array.of(1, 2, 3) })
  held.fill(pending(), IDS, '{"a":1}', 5)
  expect(held.body).toBe('{"a":1}')
  const binary = { jsonBytes: 2, bytes: Uint8Array.of(4, 5, 6) }
  held.fill(pending(), IDS, binary, 5)
  binary.bytes.fill(9)
  expect(held.body).toEqual({ jsonBytes: 2, bytes: Uint8Array.of(4, 5, 6) })
})

test.each([1, 512, 513, 65_536, 65_537, 1024 * 1024])('fill() copies %i bytes', (length) => {
  const held = new HeldAnswer()
  const bytes = new Uint8Array(length).fill(1)
  held.fill(pending(), IDS, bytes, 5)
  bytes.fill(2)
  expect((held.body as Uint8Array).length).toBe(length)
  expect((held.body as Uint8Array).every((byte) => byte === 1)).toBe(true)
})

test('fill() takes the memory of a very large answer, which is its own', () => {
  const held = new HeldAnswer()
  const bytes = new Uint8Array(1024 * 1024 + 1)
  held.fill(pending(), IDS, bytes, 5)
  expect(held.body).toBe(bytes)
})

test('fill() leaves nothing for the client to be taken out of when it goes', () => {
  const held = new HeldAnswer()
  const request = pending()
  held.fill(request, IDS, '', 5)
  expect(request.exchange.waiting).toBeNull()
})

test('clear() lets go of everything that belongs to one answer', () => {
  const held = new HeldAnswer()
  held.fill(pending(), IDS, Uint8Array.of(1), 5)
  held.keepTimes(
    { rowStart: 0, rows: 1, runRows: 1, inputs: [] },
    { startedMs: 1, runStartMs: 2, endedMs: 3, takenMs: 4 },
  )
  expect(held).toMatchObject({ place: { rows: 1, inputs: null }, times: { takenMs: 4 } })
  held.timing = 'x'
  held.clear()
  expect(held).toMatchObject({
    ...{ pending: null, body: '', timing: '', place: null, times: null, echoedId: null },
  })
})
