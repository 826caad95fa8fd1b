import { expect, test } from 'vitest'
import { ShipperLoop } from '../../../../src/records/shipping/shipper-loop.ts'
import { FakeClock, settle } from '../../../helpers/fake-clock.ts'

/** Steps that are busy so many times, and what was asked of them. */
const rig = (busySteps = 0, failures = 0) => {
  const clock = new FakeClock()
  const steps: boolean[] = []
  let reports = 0
  const shipping = {
    failures,
    hasLeft: false,
    step: async (isLast?: boolean) => steps.push(isLast === true) <= busySteps,
  }
  const loop = new ShipperLoop({ shipping, clock, report: () => reports++ })
  return { clock, steps, shipping, loop, reportsOf: () => reports }
}

test('run() goes on at once while there is more, and looks again after a while', async () => {
  const { clock, steps, loop } = rig(3)
  void loop.run()
  for (let i = 0; i < 10; i++) await settle()
  expect(steps.length).toBe(4)
  await clock.advance(249)
  expect(steps.length).toBe(4)
  await clock.advance(1)
  expect(steps.length).toBe(5)
})

test('run() reports once a second', async () => {
  const { clock, loop, reportsOf } = rig()
  void loop.run()
  await settle()
  expect(reportsOf()).toBe(1)
  for (let i = 0; i < 12; i++) await clock.advance(250)
  expect(reportsOf()).toBe(4)
})

test('breathe() reports within a long step, no more often than else', async () => {
  const { clock, loop, reportsOf } = rig()
  for (let i = 0; i < 12; i++) {
    await loop.breathe()
    await clock.advance(250)
  }
  expect(reportsOf()).toBe(3)
})

test('drain() ships what is there and ends', async () => {
  const { clock, steps, loop } = rig(2)
  const ended = loop.run()
  loop.drain(10_000)
  await clock.advance(250)
  expect(await ended).toBe(true)
  expect(steps.at(-1)).toBe(true)
})

test('drain() waits for what stands in the way, as long as it may', async () => {
  const { clock, steps, loop } = rig(0, 1)
  const ended = loop.run()
  loop.drain(1000)
  loop.drain(5000)
  for (let i = 0; i < 5; i++) await clock.advance(250)
  expect(await ended).toBe(false)
  expect(steps.length).toBeGreaterThan(2)
})

test('drain() does not wait for a sink that has been away for long', async () => {
  const { steps, loop } = rig(0, 3)
  loop.drain(20_000)
  expect(await loop.run()).toBe(false)
  expect(steps).toEqual([true])
})

test('drain() does not call shipped what cannot be read', async () => {
  const { shipping, loop } = rig(1)
  shipping.hasLeft = true
  loop.drain(20_000)
  expect(await loop.run()).toBe(false)
})
