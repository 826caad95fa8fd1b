import { expect, test } from 'vitest'
import { RING_WORD, SPOOL_STATE } from '../../../src/records/ring/record-ring.ts'
import { HOLD_MS_MAX } from '../../../src/server/held-answers.ts'
import { HeldWorld } from '../../helpers/held-world.ts'

const [WELL, FULL] = [SPOOL_STATE.WELL, SPOOL_STATE.FULL]

test('hold() keeps answers until their records are durable, in the order of these', () => {
  const world = new HeldWorld(false)
  for (let sequence = 1; sequence <= 3; sequence++) expect(world.answer(sequence)).toBe(true)
  world.turns.turn()
  expect([world.released, world.held.count]).toEqual([[], 3])
  world.set('DURABLE', 5)
  world.turns.turn()
  expect(world.released).toEqual([1, 2])
  world.set('DURABLE', 6)
  world.turns.turn()
  expect([world.released, world.held.count]).toEqual([[1, 2, 3], 0])
  expect(world.turns.isIdle).toBe(true)
})

test('mustWait() lets an answer go whose record is durable, unless others wait', () => {
  const world = new HeldWorld(false)
  world.set('DURABLE', 2)
  expect(world.answer(1)).toBe(false)
  expect(world.answer(2)).toBe(true)
  world.set('DURABLE', 6)
  expect(world.answer(3)).toBe(true)
  world.turns.turn()
  expect(world.released).toEqual([2, 3])
})

test('the spool thread is woken once a turn, or when told to, however many callbacks that has', async () => {
  const world = new HeldWorld(false)
  for (let sequence = 1; sequence <= 3; sequence++) {
    world.answer(sequence)
    await Promise.resolve()
  }
  expect(world.bells).toBe(0)
  world.turns.turn()
  expect(world.bells).toBe(1)
  world.answer(4)
  for (let i = 0; i < 2; i++) world.held.ring()
  world.turns.turn()
  expect(world.bells).toBe(2)
})

test('where records may be dropped, the oldest go out when bodies are too large together', () => {
  const world = new HeldWorld(true, 100)
  for (let sequence = 1; sequence <= 4; sequence++) world.answer(sequence, 30)
  expect([world.released, world.undurable, world.held.isFull]).toEqual([[1], 1, false])
  world.answer(5, 1000)
  expect([world.released, world.held.count]).toEqual([[1, 2, 3, 4], 1])
  world.answer(6, 1)
  expect([world.released, world.held.count, world.undurable]).toEqual([[1, 2, 3, 4, 5], 1, 5])
})

test('an answer whose record is safe by then makes room, and is counted as such', () => {
  const world = new HeldWorld(true, 100)
  world.answer(1, 100)
  world.set('DURABLE', 2)
  world.answer(2, 100)
  expect([world.released, world.undurable, world.held.count]).toEqual([[1], 0, 1])
})

test('where they may not, there is a time at which nothing more is to be admitted', () => {
  const world = new HeldWorld(false, 100)
  for (let sequence = 1; sequence <= 4; sequence++) world.answer(sequence, 30)
  expect([world.released, world.held.isFull]).toEqual([[], true])
  world.set('DURABLE', 2)
  world.turns.turn()
  expect([world.released, world.held.isFull]).toEqual([[1], false])
})

test('a fault of one release keeps back no other answer', () => {
  const world = new HeldWorld(false)
  for (let sequence = 1; sequence <= 3; sequence++) world.answer(sequence)
  world.onRelease = () => {
    world.onRelease = () => {}
    throw new Error('a port that is closed')
  }
  world.set('DURABLE', 6)
  expect(() => world.held.look()).toThrow('closed')
  world.held.look()
  expect([world.released, world.held.count]).toEqual([[1, 2, 3], 0])
})

test('what a stall took is given back', () => {
  const world = new HeldWorld(false)
  const before = world.held.capacity
  const run = (count: number) => {
    for (let i = 0; i < count; i++) world.answer(i)
    world.set('DURABLE', world.ring.written)
    world.turns.turn()
  }
  world.ring.readSeen = 2 ** 30
  run(5000)
  expect(world.held.capacity).toBeGreaterThanOrEqual(5000)
  for (let i = 0; i < 10; i++) run(10)
  expect(world.held.capacity).toBe(before)
})

test('an idle thread looks for some turns, then asks to be woken, and looks no more', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  let turns = 0
  for (; !world.turns.isIdle && turns < 100; turns++) world.turns.turn()
  expect([world.wantsWake, turns]).toEqual([true, 2])
  world.set('WANTS_WAKE', 0)
  world.held.look()
  world.turns.turn()
  expect([world.wantsWake, world.released]).toEqual([true, []])
  world.set('DURABLE', 2)
  world.held.look()
  expect(world.released).toEqual([1])
  expect(world.turns.isIdle).toBe(true)
})

test('an answer that became durable while the thread asked to be woken goes out at once', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  world.turns.turn()
  // The spool thread raises DURABLE between the last look and the raising of WANTS_WAKE: what the
  // store of WANTS_WAKE finds, the look behind it must find.
  const store = Atomics.store
  Atomics.store = ((array: Int32Array, at: number, value: number) => {
    if (at === RING_WORD.WANTS_WAKE) world.set('DURABLE', 2)
    return store(array, at, value)
  }) as typeof Atomics.store
  try {
    world.turns.turn()
  } finally {
    Atomics.store = store
  }
  expect([world.released, world.wantsWake]).toEqual([[1], false])
})

test('where records may be dropped, answers go out while the spool cannot write', () => {
  const world = new HeldWorld(true)
  world.answer(1)
  world.answer(2)
  world.set('SPOOL_STATE', FULL)
  world.turns.turn()
  expect([world.released, world.undurable]).toEqual([[1, 2], 2])
  expect(world.answer(3)).toBe(false)
  expect(world.undurable).toBe(3)
  world.set('SPOOL_STATE', WELL)
  expect(world.answer(4)).toBe(true)
})

test('where records may be dropped, an answer goes out that has waited for long', () => {
  const world = new HeldWorld(true)
  world.answer(1)
  world.turns.advance(HOLD_MS_MAX)
  world.answer(2)
  world.held.look()
  expect(world.released).toEqual([])
  world.turns.advance(1)
  world.held.look()
  expect([world.released, world.undurable]).toEqual([[1], 1])
})

test('close() lets everything go out that may', () => {
  const world = new HeldWorld(true)
  for (let sequence = 1; sequence <= 3; sequence++) world.answer(sequence)
  world.set('DURABLE', 2)
  world.held.close()
  expect([world.released, world.undurable, world.held.count]).toEqual([[1, 2, 3], 2, 0])
})

test('any number of answers is held, though some leave meanwhile', () => {
  const world = new HeldWorld(false)
  let last = 0
  for (let round = 1; round <= 5; round++) {
    for (let i = 0; i < 50; i++) world.answer(++last)
    world.set('DURABLE', round * 40)
    world.turns.turn()
  }
  expect(world.held.count).toBe(150)
  world.set('DURABLE', 500)
  world.turns.turn()
  expect(world.released).toEqual(Array.from({ length: 250 }, (_, i) => i + 1))
})

test('an answer that is held while others go out waits its turn', () => {
  const world = new HeldWorld(false)
  for (let sequence = 1; sequence <= 64; sequence++) world.answer(sequence)
  world.onRelease = () => {
    world.onRelease = () => {}
    world.answer(65) // there is no room any more: the ring of objects grows
  }
  world.set('DURABLE', 128)
  world.turns.turn()
  expect([world.released.length, world.held.count]).toEqual([64, 1])
  world.set('DURABLE', 130)
  world.turns.turn()
  expect(world.released.at(-1)).toBe(65)
})

test('counts of units wrap', () => {
  const world = new HeldWorld(false)
  world.ring.written = -2
  world.set('DURABLE', -2)
  expect(world.answer(1)).toBe(true)
  expect(world.answer(2)).toBe(true)
  world.turns.turn()
  expect(world.released).toEqual([])
  world.set('DURABLE', 0)
  world.turns.turn()
  expect(world.released).toEqual([1])
})

test('a thread that has something to do again looks by itself, and wants no message', () => {
  const world = new HeldWorld(false)
  world.answer(1)
  while (!world.turns.isIdle) world.turns.turn()
  expect(world.wantsWake).toBe(true)
  world.answer(2)
  expect(world.wantsWake).toBe(false)
  world.set('DURABLE', 2)
  world.turns.turn()
  expect([world.released, world.wantsWake]).toEqual([[1], false])
  world.turns.turn()
  expect(world.wantsWake).toBe(true)
})
