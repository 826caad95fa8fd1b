import { expect, test } from 'vitest'
import {
  coalesced,
  every,
  systemClock,
  threadOriginMs,
  turnMonotonic,
} from '../../../src/shared/clock.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

test('turnMonotonic() stands still for a turn of the event loop, and is right in the next', async () => {
  const nextTurn = () => new Promise((resolve) => setImmediate(resolve))
  await nextTurn()
  for (let turn = 0; turn < 3; turn++) {
    const before = systemClock.monotonic()
    const first = turnMonotonic()
    expect(first).toBeGreaterThanOrEqual(before)
    while (systemClock.monotonic() <= first) {}
    expect(turnMonotonic()).toBe(first)
    await nextTurn()
  }
})

test('every() repeats a task after it has ended, until it is cancelled', async () => {
  const clock = new FakeClock()
  const { promise, resolve } = Promise.withResolvers<void>()
  let runs = 0
  const cancel = every(clock, 100, async () => {
    runs++
    if (runs === 2) await promise
  })
  await clock.advance(200)
  await clock.advance(1000)
  expect(runs).toBe(2)
  resolve()
  await clock.advance(100)
  expect(runs).toBe(3)
  cancel()
  await clock.advance(1000)
  expect([runs, clock.pending]).toEqual([3, 0])
})

test('every() tells what a task throws and goes on', async () => {
  const clock = new FakeClock()
  const faults: unknown[] = []
  let runs = 0
  const task = async () => {
    throw new Error(`run ${++runs}`)
  }
  const cancel = every(clock, 100, task, (thrown) => faults.push(thrown))
  await clock.advance(300)
  expect(faults).toMatchObject([{ message: 'run 1' }, { message: 'run 2' }, { message: 'run 3' }])
  cancel()
})

test('coalesced() does a task once for all that ask meanwhile, with a pause behind it', async () => {
  const clock = new FakeClock()
  const doneMs: number[] = []
  const ask = coalesced(clock, 100, () => doneMs.push(clock.monotonic()))
  const startMs = clock.monotonic()
  ask()
  ask()
  expect(doneMs).toEqual([])
  await clock.advance(0)
  for (let ms = 0; ms < 250; ms += 10) {
    ask()
    await clock.advance(10)
  }
  await clock.advance(1000)
  ask()
  await clock.advance(0)
  expect(doneMs.map((ms) => ms - startMs)).toEqual([0, 100, 200, 300, 1250])
})

test('coalesced() lets a task that throws be asked for again', async () => {
  const clock = new FakeClock()
  let runs = 0
  const ask = coalesced(clock, 100, () => {
    runs++
    throw new Error('a fault')
  })
  for (let i = 0; i < 2; i++) {
    ask()
    await expect(clock.advance(100)).rejects.toThrow('a fault')
  }
  expect(runs).toBe(2)
})

test('threadOriginMs() is right though the thread is held up between two readings', () => {
  let nowMs = 5000
  const stallsMs = [32, 3, 0, 8]
  const hrtime = (): [number, number] => {
    const read: [number, number] = [Math.floor(nowMs / 1000), (nowMs % 1000) * 1e6]
    nowMs += stallsMs.pop() ?? 1
    return read
  }
  expect(threadOriginMs(hrtime, () => nowMs - 4000)).toBe(4000)
})
