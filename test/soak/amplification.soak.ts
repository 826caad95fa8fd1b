/**
 * The same as test/integration/amplification.test.ts, for bodies from a KiB to some MiB; and CPU is
 * judged. Limits are those of docs/decisions/0007-amplification.md.
 */

import { expect, test } from 'vitest'
import { LARGEST_ROW } from '../helpers/amplification/answers.ts'
import {
  answersTableOf,
  cpuNsPerByteMax,
  measureAll,
  measureAnswers,
  measureClient,
  ROW_BYTES_MAX,
  ROW_PEAK_MAX,
  THOROUGH,
  TIMES_MAX,
  tableOf,
} from '../helpers/amplification/measure.ts'

const SIZES = [1, 8, 64, 512, 4096].map((kibibytes) => kibibytes * 1024)

test.each(['', 'gzip'] as const)(
  'no body takes more than 100 times its bytes, nor long for a byte; encoding: "%s"',
  async (encoding) => {
    const measured = await measureAll(SIZES, encoding, THOROUGH)
    console.log(tableOf(measured, await measureClient()))
    expect(measured.filter(({ memoryTimes }) => memoryTimes > TIMES_MAX)).toEqual([])
    const slow = measured.filter(
      ({ bytes, cpuNsPerByte }) => cpuNsPerByte > cpuNsPerByteMax(bytes, encoding),
    )
    expect(slow).toEqual([])
  },
)

test('the largest row is answered within what is fixed for one row', async () => {
  const measured = await measureAnswers([LARGEST_ROW])
  console.log(answersTableOf(measured))
  const [{ code, answerBytes, peakBytes }] = measured as [(typeof measured)[number]]
  expect(code).toBe('')
  expect(answerBytes).toBeLessThan(ROW_BYTES_MAX)
  expect(peakBytes).toBeLessThan(ROW_PEAK_MAX)
})
