import { expect, test } from 'vitest'
import { countsLine, countsLinesIn } from '../../../../scripts/tier/client-counts.ts'

const COUNTS = { client: 'kserve', version: '0.21.0', passed: 12, expectedFailures: 3 }

test('countsLinesIn() finds what countsLine() wrote, among other output', () => {
  const lines = ['uws', 'node', 'grpc'].map((engine) => countsLine({ ...COUNTS, engine }))
  expect(lines[0]).toBe('kserve 0.21.0, uws: 12 passed, 3 expected failures')
  const output = ` ✓ a test\n${lines[0]}\n\nstdout | kserve\n${lines[1]}\n${lines[2]}\n12 passed, 0 failed\n`
  expect(countsLinesIn(output)).toEqual(lines)
})
