/**
 * No request takes more than 100 times its bytes in memory (Envoy's rule). What it takes of the CPU
 * is printed and not judged: it depends on the machine and on who else works there.
 */

import { expect, test } from 'vitest'
import {
  measureAll,
  measureClient,
  measureRuns,
  measureWasteful,
  TIMES_MAX,
  tableOf,
} from '../helpers/amplification/measure.ts'

const SIZES = [64 * 1024]

test.each(['', 'gzip'] as const)(
  'no body takes more memory than 100 times its bytes; encoding: "%s"',
  async (encoding) => {
    const measured = await measureAll(SIZES, encoding)
    console.log(tableOf(measured, await measureClient()))
    expect(measured.filter(({ memoryTimes }) => memoryTimes > TIMES_MAX)).toEqual([])
  },
)

// Skipped: resident memory at its most is read from /proc, of Linux alone.
test.runIf(process.platform === 'linux').each(['', 'gzip'] as const)(
  'no texts take more resident memory in a run than 100 times their bytes; encoding: "%s"',
  async (encoding) => {
    const measured = await measureRuns(encoding)
    console.log(tableOf(measured, await measureClient()))
    expect(measured.filter(({ memoryTimes }) => memoryTimes > TIMES_MAX)).toEqual([])
    expect(measured.map(({ peakBytes }) => peakBytes > 400 * 2 ** 20)).not.toContain(true)
  },
)

test('a decoder that takes 200 times its bytes is found out', async () => {
  expect((await measureWasteful()).memoryTimes).toBeGreaterThan(TIMES_MAX)
})
