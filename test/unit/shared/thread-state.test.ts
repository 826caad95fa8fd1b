import { expect, test } from 'vitest'
import { keepBeating } from '../../../src/shared/thread-state.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'

test('keepBeating() tells CPU time and lag of the loop four times a second, to its end', async () => {
  const clock = new FakeClock()
  const beats: [cpuSeconds: number, loopLagSeconds: number][] = []
  const end = keepBeating(clock, (...beat) => beats.push(beat))
  await clock.advance(500)
  await clock.standStill(1000)
  await clock.advance(250)
  expect(beats.map(([, lag]) => lag)).toEqual([0, 0, 0.75, 0])
  const cpu = beats.map(([seconds]) => seconds)
  expect(cpu[0]).toBeGreaterThan(0)
  expect(cpu).toEqual(cpu.toSorted((a, b) => a - b))
  end()
  await clock.advance(1000)
  expect(beats.length).toBe(4)
})
