import { expect, test } from 'vitest'
import { SPOOL_STATE } from '../../../src/records/ring/record-ring.ts'
import { lockForSpool, unlock } from '../../../src/records/ring/unsaid.ts'
import { HOLD_MS_MAX } from '../../../src/server/held-answers.ts'
import { HeldWorld } from '../../helpers/held-world.ts'

const [WELL, FULL] = [SPOOL_STATE.WELL, SPOOL_STATE.FULL]

test('where they may not, an answer is refused that has waited for long while nothing is written', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.turns.advance(HOLD_MS_MAX)
  world.held.look()
  expect(world.refused).toEqual([])
  world.answer(2)
  world.set('SPOOL_STATE', FULL)
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

test('what has become durable by then is no refusal', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.set('SPOOL_STATE', FULL)
  world.turns.advance(HOLD_MS_MAX)
  world.set('DURABLE', 2)
  world.held.look()
  expect([world.refused, world.released]).toEqual([[], [1]])
})

test('nothing is refused while the spool thread writes: nobody knows what it has written', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.set('SPOOL_STATE', FULL)
  world.turns.advance(10 * HOLD_MS_MAX)
  lockForSpool(world.ring)
  world.held.look()
  expect(world.refused).toEqual([])
  unlock(world.ring)
  world.held.look()
  expect(world.refused).toEqual([1])
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

test('where the thread ends nobody is told twice', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.turns.advance(HOLD_MS_MAX)
  world.answer(2)
  world.set('SPOOL_STATE', FULL)
  world.held.look()
  world.held.close()
  expect([world.refused, world.released, world.abandoned]).toEqual([[1], [], [2]])
})
