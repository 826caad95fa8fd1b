/**
 * No request takes more than 100 times its bytes in memory (Envoy's rule). What it takes of the CPU
 * is printed and not judged: it depends on the machine and on who else works there.
 */

import { expect, test } from 'vitest'
import {
  measureAll,
  measureClient,
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

test('a decoder that takes 200 times its bytes is found out', async () => {
  expect((await measureWasteful()).memoryTimes).toBeGreaterThan(TIMES_MAX)
})
