/** The table of a benchmark. */

import type { Line } from './gates.ts'

const HEAD = ['k req/s (range)', 'CPU data', 'CPU all', 'p50 us', 'p99 us (range)', 'failures']
const WIDTHS = [22, 10, 10, 10, 28, 10]

const thousands = (perSecond: number): string => (perSecond / 1000).toFixed(1)

const printRow = (what: string, cells: readonly string[]): void =>
  console.log(what.padEnd(34) + cells.map((cell, i) => cell.padStart(WIDTHS[i]!)).join(''))

export const printLines = (lines: readonly Line[]): void => {
  printRow('', HEAD)
  for (const { what, perSecond, p99Us, ...line } of lines) {
    printRow(what, [
      `${thousands(perSecond.median)} (${thousands(perSecond.lowest)}-${thousands(perSecond.highest)})`,
      line.dataCpuUs.toFixed(2),
      line.allCpuUs.toFixed(2),
      line.p50Us.toFixed(0),
      `${p99Us.median.toFixed(0)} (${p99Us.lowest.toFixed(0)}-${p99Us.highest.toFixed(0)})`,
      String(line.failures),
    ])
  }
}
