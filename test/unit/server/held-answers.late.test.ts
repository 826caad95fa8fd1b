import { expect, test } from 'vitest'
import { SPOOL_STATE } from '../../../src/records/ring/record-ring.ts'
import { HOLD_MS_MAX } from '../../../src/server/held-answers.ts'
import { HeldWorld } from '../../helpers/held-world.ts'

const { WELL, FULL, DISK_FULL, IO_ERROR } = SPOOL_STATE

test('while the spool is well an answer waits for its record, whatever its deadline', () => {
  const world = new HeldWorld(false)
  for (let sequence = 1; sequence <= 3; sequence++) world.answer(sequence, 0, 100)
  for (const ms of [100, HOLD_MS_MAX, 100 * HOLD_MS_MAX]) {
    world.turns.advance(ms)
    world.held.look()
    world.turns.turn()
  }
  expect([world.refused, world.released, world.held.count]).toEqual([[], [], 3])
  world.set('DURABLE', 6)
  world.held.look()
  expect([world.refused, world.released]).toEqual([[], [1, 2, 3]])
})

test.each([FULL, DISK_FULL, IO_ERROR])('while it is not (%i), no longer than so', (state) => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.turns.advance(HOLD_MS_MAX - 1)
  world.set('SPOOL_STATE', state)
  world.held.look()
  expect(world.refused).toEqual([])
  world.answer(2)
  world.turns.advance(1)
  world.held.look()
  expect([world.refused, world.held.count, world.released]).toEqual([[1], 1, []])
  world.set('SPOOL_STATE', WELL)
  world.turns.advance(10 * HOLD_MS_MAX)
  world.held.look()
  world.set('DURABLE', 4)
  world.held.look()
  expect([world.refused, world.released, world.undurable]).toEqual([[1], [2], 0])
  expect(world.held.count).toBe(0)
})

test('those that are late are refused wherever they stand; the others keep their order', () => {
  const world = new HeldWorld(false)
  // The ring of objects has gone round, and has grown.
  for (let sequence = 1; sequence <= 50; sequence++) world.answer(sequence)
  world.set('DURABLE', 100)
  world.held.look()
  const sequences = Array.from({ length: 100 }, (_, i) => 51 + i)
  const isHasty = (sequence: number) => sequence % 3 === 0
  for (const sequence of sequences) {
    world.answer(sequence, 0, isHasty(sequence) ? 100 : Number.POSITIVE_INFINITY)
  }
  world.set('SPOOL_STATE', FULL)
  world.turns.advance(99)
  world.held.look()
  expect(world.refused).toEqual([])
  world.turns.advance(1)
  for (let times = 0; times < 2; times++) world.held.look()
  expect(world.refused).toEqual(sequences.filter(isHasty))
  world.answer(151)
  world.released.length = 0
  world.set('DURABLE', 302)
  world.held.look()
  expect(world.released).toEqual([...sequences.filter((sequence) => !isHasty(sequence)), 151])
})

test('what has become durable by then is no refusal', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.set('SPOOL_STATE', FULL)
  world.turns.advance(HOLD_MS_MAX)
  world.set('DURABLE', 2)
  world.held.look()
  expect([world.refused, world.released]).toEqual([[], [1]])
})

test('a refusal gives the room of its body back, and keeps nobody from being held', () => {
  const world = new HeldWorld(false, 100)
  world.answer(1, 100)
  expect(world.held.isFull).toBe(true)
  world.set('SPOOL_STATE', FULL)
  world.turns.advance(HOLD_MS_MAX)
  world.onRelease = () => {
    world.onRelease = () => {}
    for (let sequence = 2; sequence <= 200; sequence++) world.answer(sequence)
  }
  world.held.look()
  expect([world.refused, world.held.isFull, world.held.count]).toEqual([[1], false, 199])
  world.set('DURABLE', 400)
  world.held.look()
  expect([world.released.length, world.held.count]).toEqual([199, 0])
})

test('where the thread ends, each that is held is told once that it has no answer', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.turns.advance(HOLD_MS_MAX)
  world.answer(2)
  world.set('SPOOL_STATE', FULL)
  world.held.look()
  world.held.close()
  expect([world.refused, world.released, world.held.count]).toEqual([[1, 2], [], 0])
})
