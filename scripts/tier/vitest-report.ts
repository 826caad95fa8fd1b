/** Reads the report of vitest's JSON reporter: how many tests passed, failed and were skipped. */

import { existsSync, readFileSync } from 'node:fs'
import { matchesGlob, relative } from 'node:path'

export interface Counts {
  readonly passed: number
  readonly failed: number
  /** Full names of tests that were not run. */
  readonly skipped: readonly string[]
  /** Globs of `wanted` of which no file was run. Each is one of `failed`. */
  readonly missing: readonly string[]
}

interface Report {
  readonly testResults: readonly {
    /** Absolute path of the test file. */
    readonly name: string
    readonly status: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

/**
 * Sums a report. A file that fails without a failed test (it could not be loaded), a run that ends
 * with an error of its own, a glob that no file of the report matches, and a run without a report
 * count as one failure each.
 *
 * @param wanted globs of test files, relative to `root`
 */
export const countReport = (
  path: string,
  exitCode: number | null,
  wanted: readonly string[],
  root: string,
): Counts => {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: [], missing: [] }
  const { testResults } = JSON.parse(readFileSync(path, 'utf8')) as Report
  const tests = testResults.flatMap((file) => file.assertionResults)
  const failed = tests.filter(({ status }) => status === 'failed').length
  const unloaded = testResults.filter(
    ({ status, assertionResults }) =>
      status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
  ).length
  const files = testResults.map(({ name }) => relative(root, name))
  const missing = wanted.filter((glob) => !files.some((file) => matchesGlob(file, glob)))
  const failures = failed + unloaded + missing.length
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: failures === 0 && exitCode !== 0 ? 1 : failures,
    skipped: tests
      .filter(({ status }) => status !== 'failed' && status !== 'passed')
      .map(({ fullName }) => fullName),
    missing,
  }
}
