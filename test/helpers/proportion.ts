/** What is read takes time in proportion to its length. */

import { expect } from 'vitest'

/** How many times as long the larger of two inputs must be. */
export const GROWTH = 4
/** Less than this says nothing about growth: the CPU's time comes in steps of some milliseconds. */
const CPU_MS_MIN = 100

const cpuMsOf = (run: () => void): number => {
  const before = process.threadCpuUsage()
  run()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/**
 * `large` reads `GROWTH` times as much as `small`, and so may take some ten times the time, never
 * sixteen. Time of the CPU, so that others on the machine do not matter.
 */
export const expectProportional = (small: () => void, large: () => void): void => {
  const first = cpuMsOf(large)
  if (first < CPU_MS_MIN) return
  const smallMs = Math.min(cpuMsOf(small), cpuMsOf(small), cpuMsOf(small))
  const largeMs = Math.min(first, cpuMsOf(large), cpuMsOf(large))
  expect(largeMs < CPU_MS_MIN || largeMs / smallMs < 2.5 * GROWTH).toBe(true)
}
