import { expect, test } from 'vitest'
import { sharedRuns } from '../../../src/control/shared-runs.ts'
import { delay } from '../../../src/shared/clock.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

/** Runs that end when told, each with its number. */
const heldRuns = () => {
  const held: PromiseWithResolvers<number>[] = []
  const run = (): Promise<number> => {
    const one = Promise.withResolvers<number>()
    held.push(one)
    return one.promise
  }
  return { held, run }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

test('sharedRuns() has those who come before a run begins share it, and others the next', async () => {
  const { held, run } = heldRuns()
  const ask = sharedRuns(run)
  const first = [ask(), ask()]
  await settle()
  const later = [ask(), ask(), ask()]
  await settle()
  expect(held).toHaveLength(1)
  held[0]!.resolve(1)
  expect(await Promise.all(first)).toEqual([1, 1])
  await settle()
  expect(held).toHaveLength(2)
  held[1]!.resolve(2)
  expect(await Promise.all(later)).toEqual([2, 2, 2])
})

test('sharedRuns() goes on after a run that fails', async () => {
  const { held, run } = heldRuns()
  const ask = sharedRuns(run)
  const first = ask()
  await settle()
  const second = ask()
  held[0]!.reject(new Error('lost'))
  await expect(first).rejects.toThrow('lost')
  await settle()
  held[1]!.resolve(2)
  expect(await second).toBe(2)
})

test('sharedRuns() pauses between runs, not before the first nor after a long silence', async () => {
  const clock = new FakeClock()
  let runs = 0
  const ask = sharedRuns(
    async () => ++runs,
    () => delay(clock, 20),
  )
  expect(await ask()).toBe(1)
  const second = ask()
  await clock.advance(19)
  expect(runs).toBe(1)
  await clock.advance(1)
  expect(await second).toBe(2)
  await clock.advance(1000)
  expect(await ask()).toBe(3)
})
