/**
 * No body takes more than 100 times its bytes in memory, and no answer more than is fixed: see
 * docs/decisions/0007-amplification.md. What they take of the CPU is printed, and judged in soaks.
 */

import { expect, test } from 'vitest'
import { LARGE_ANSWERS } from '../helpers/amplification/answers.ts'
import {
  ANSWER_BYTES_MAX,
  ANSWER_PEAK_MAX,
  answersTableOf,
  measureAll,
  measureAnswers,
  measureClient,
  measureRuns,
  measureWasteful,
  TIMES_MAX,
  tableOf,
} from '../helpers/amplification/measure.ts'

const SIZES = [64 * 1024]
/** A dozen seconds of CPU, of which a loaded machine may give little. */
const TIMEOUT_MS = 180_000

test.each(['', 'gzip'] as const)(
  'no body takes more memory than 100 times its bytes; encoding: "%s"',
  async (encoding) => {
    const measured = await measureAll(SIZES, encoding)
    console.log(tableOf(measured, await measureClient()))
    expect(measured.filter(({ memoryTimes }) => memoryTimes > TIMES_MAX)).toEqual([])
  },
  TIMEOUT_MS,
)

test(
  'no answer to several rows is larger than is fixed, nor what it takes of memory',
  async () => {
    const measured = await measureAnswers(LARGE_ANSWERS)
    console.log(answersTableOf(measured))
    expect(measured.map(({ code }) => code)).toEqual(LARGE_ANSWERS.map(() => ''))
    const beyond = measured.filter(
      ({ answerBytes, peakBytes }) => answerBytes > ANSWER_BYTES_MAX || peakBytes > ANSWER_PEAK_MAX,
    )
    expect(beyond).toEqual([])
    // They are near what is allowed: else the bounds would show nothing.
    expect(Math.max(...measured.map(({ answerBytes }) => answerBytes))).toBeGreaterThan(
      48 * 2 ** 20,
    )
  },
  TIMEOUT_MS,
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
