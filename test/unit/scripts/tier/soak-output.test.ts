import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { keepSoakOutput } from '../../../../scripts/tier/soak-output.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

test('keepSoakOutput() keeps two runs of one day, with commit and machine on top', () => {
  const root = makeTempDir()
  const first = keepSoakOutput(root, 'one', new Date('2025-01-01T12:00:00.123Z'))
  const second = keepSoakOutput(root, 'two', new Date('2025-01-01T12:00:01Z'))
  expect(first).toBe('bench/results/soak-20250101T120000Z-unknown.txt')
  expect(second).toBe('bench/results/soak-20250101T120001Z-unknown.txt')
  const text = readFileSync(join(root, first), 'utf8')
  expect(text).toMatch(/^commit unknown, \d+ x .*, node v24\S+\none$/)
})
