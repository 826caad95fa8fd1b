/** Reads the report of vitest's JSON reporter: how many tests passed, failed and were skipped. */

import { existsSync, readFileSync } from 'node:fs'

export interface Counts {
  readonly passed: number
  readonly failed: number
  /** Full names of tests that were not run. */
  readonly skipped: readonly string[]
}

interface Report {
  readonly testResults: readonly {
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/**
 * Sums a report. A file that fails without a failed test (it could not be loaded), a run that ends
 * with an error of its own, and a run without a report count as one failure each.
 */
export const countReport = (path: string, exitCode: number | null): Counts => {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: [] }
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report
  const tests = report.testResults.flatMap((file) => file.assertionResults)
  const failed = tests.filter(({ status }) => status === 'failed').length
  const passed = tests.filter(({ status }) => status === 'passed').length
  const unloaded = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length
  const failures = failed + unloaded
  return {
    passed,
    failed: failures === 0 && exitCode !== 0 ? 1 : failures,
    skipped: tests
      .filter(({ status }) => status !== 'failed' && status !== 'passed')
      .map(({ fullName }) => fullName),
  }
}
