/** The same as test/integration/amplification.test.ts, for bodies from a KiB to some MiB. */

import { expect, test } from 'vitest'
import { measureAll, measureClient, TIMES_MAX, tableOf } from '../helpers/amplification/measure.ts'

const SIZES = [1, 8, 64, 512, 4096].map((kibibytes) => kibibytes * 1024)

test.each(['', 'gzip'] as const)(
  'no body takes more memory than 100 times its bytes; encoding: "%s"',
  async (encoding) => {
    const measured = await measureAll(SIZES, encoding)
    console.log(tableOf(measured, await measureClient()))
    expect(measured.filter(({ memoryTimes }) => memoryTimes > TIMES_MAX)).toEqual([])
  },
)
