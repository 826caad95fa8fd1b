/** What h2load wrote, as a result. Pure. */

import { quantileOf } from '../measure/statistics.ts'
import type { LoadResult } from './load.ts'

const numberIn = (output: string, pattern: RegExp): number => {
  const text = pattern.exec(output)?.[1]
  if (text === undefined) throw new Error(`h2load gave no result\n${output}`)
  return Number(text)
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, ms: 1e-3, us: 1e-6 }

/**
 * Reads the summary and, for latencies, the log: a line a request, `start <tab> status <tab> us`.
 * Requests that were under way when the time was over are in neither.
 */
export const parseH2load = (output: string, log: string): LoadResult => {
  const unit = /^finished in [\d.]+(\w+)/m.exec(output)?.[1] ?? ''
  const seconds = numberIn(output, /^finished in ([\d.]+)/m) * (SECONDS[unit] ?? Number.NaN)
  const done = numberIn(output, / (\d+) done/)
  const failures = numberIn(output, / (\d+) failed/)
  // Not `done` less 2xx: a status counts when it comes, and the rest may not come any more.
  const badAnswers = [3, 4, 5]
    .map((hundred) => numberIn(output, new RegExp(` (\\d+) ${hundred}xx`)))
    .reduce((sum, some) => sum + some, 0)
  if (done === 0) throw new Error(`h2load was not answered once\n${output}`)
  const latencies = log
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number(line.slice(line.lastIndexOf('\t') + 1)))
  return {
    requests: done,
    seconds,
    failures,
    badAnswers,
    latencyUs: {
      p50: quantileOf(latencies, 0.5),
      p99: quantileOf(latencies, 0.99),
      highest: quantileOf(latencies, 1),
    },
  }
}
