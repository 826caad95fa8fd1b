import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { countReport } from '../../../../scripts/tier/vitest-report.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const reportOf = (files: readonly { status: string; tests: readonly string[] }[]): string => {
  const path = join(makeTempDir(), 'report.json')
  const testResults = files.map(({ status, tests }) => ({
    status,
    assertionResults: tests.map((outcome, index) => ({ status: outcome, fullName: `t${index}` })),
  }))
  writeFileSync(path, JSON.stringify({ testResults }))
  return path
}

test('countReport() counts a missing report as one failure', () => {
  expect(countReport('/nowhere/report.json', 0)).toEqual({ passed: 0, failed: 1, skipped: [] })
})

test('countReport() sums passed, failed and skipped tests', () => {
  const path = reportOf([
    { status: 'passed', tests: ['passed', 'passed', 'skipped'] },
    { status: 'failed', tests: ['passed', 'failed'] },
  ])
  expect(countReport(path, 1)).toEqual({ passed: 3, failed: 1, skipped: ['t2'] })
})

test('countReport() counts a file that could not be loaded', () => {
  expect(countReport(reportOf([{ status: 'failed', tests: [] }]), 1).failed).toBe(1)
})

test('countReport() counts an error outside of every test', () => {
  expect(countReport(reportOf([{ status: 'passed', tests: ['passed'] }]), 1).failed).toBe(1)
})
