import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { countReport } from '../../../../scripts/tier/vitest-report.ts'
import { makeTempDir } from '../../../helpers/temp-dir.ts'

const ROOT = '/repository'

const reportOf = (files: readonly { status: string; tests: readonly string[] }[]): string => {
  const path = join(makeTempDir(), 'report.json')
  const testResults = files.map(({ status, tests }, number) => ({
    name: `${ROOT}/test/unit/${number}.test.ts`,
    status,
    assertionResults: tests.map((outcome, index) => ({ status: outcome, fullName: `t${index}` })),
  }))
  writeFileSync(path, JSON.stringify({ testResults }))
  return path
}

const count = (path: string, exitCode: number, wanted: readonly string[] = []) =>
  countReport(path, exitCode, wanted, ROOT)

test('countReport() counts a missing report as one failure', () => {
  expect(count('/nowhere/report.json', 0)).toMatchObject({ passed: 0, failed: 1 })
})

test('countReport() sums passed, failed and skipped tests', () => {
  const path = reportOf([
    { status: 'passed', tests: ['passed', 'passed', 'skipped'] },
    { status: 'failed', tests: ['passed', 'failed'] },
  ])
  expect(count(path, 1)).toEqual({ passed: 3, failed: 1, skipped: ['t2'], missing: [] })
})

test('countReport() counts a file that could not be loaded', () => {
  expect(count(reportOf([{ status: 'failed', tests: [] }]), 1).failed).toBe(1)
})

test('countReport() counts an error outside of every test', () => {
  expect(count(reportOf([{ status: 'passed', tests: ['passed'] }]), 1).failed).toBe(1)
})

test('countReport() counts a project of which no file was run', () => {
  const path = reportOf([{ status: 'passed', tests: ['passed'] }])
  const wanted = ['test/unit/**/*.test.ts', 'test/property/**/*.test.ts']
  expect(count(path, 0, wanted)).toMatchObject({ passed: 1, failed: 1, missing: [wanted[1]] })
})
