import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
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

test('keepSoakOutput() keeps no path of the machine', () => {
  const root = makeTempDir()
  const output = `RUN ${root}\nat ${root}/test/a.ts\nwritten to ${tmpdir()}/st-1/report.json`
  const kept = readFileSync(join(root, keepSoakOutput(root, output, new Date(0))), 'utf8')
  expect(kept.split('\n').slice(1)).toEqual([
    'RUN .',
    'at ./test/a.ts',
    'written to <temporary>/st-1/report.json',
  ])
})
