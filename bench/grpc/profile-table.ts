/** Shares of a thread's work by module, and the table made of them. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { busyUs, type CpuProfile, IDLE, type Span, selfTimes } from '../measure/cpu-profile.ts'
import { REPOSITORY_ROOT } from '../measure/processes.ts'

/**
 * Of the thread in the folder that worked most within the span. `module`: of those that worked in
 * it; one that waits in a native function seems to work.
 */
export const busiestShares = (
  folder: string,
  span: Span,
  module: string | null = null,
): Map<string, number> => {
  const all = readdirSync(folder).map((name) => {
    const profile = JSON.parse(readFileSync(join(folder, name), 'utf8')) as CpuProfile
    return selfTimes(profile, span, REPOSITORY_ROOT)
  })
  const some = all.filter((each) => module === null || each.has(module))
  const times = some.sort((a, b) => busyUs(b) - busyUs(a))[0]
  if (times === undefined || busyUs(times) === 0) throw new Error(`No work is seen in ${folder}`)
  const sum = busyUs(times)
  return new Map([...times].filter(([name]) => name !== IDLE).map(([name, us]) => [name, us / sum]))
}

export interface ProfiledLoad {
  readonly name: string
  readonly rows: number
  /** CPU of a request, microseconds. */
  readonly cpuUs: number
  /** Of the work, by module. */
  readonly shares: ReadonlyMap<string, number>
}

const NAME_WIDTH = 52
const CELL_WIDTH = 10

const line = (name: string, cells: readonly string[]): string =>
  name.padEnd(NAME_WIDTH) + cells.map((cell) => cell.padStart(CELL_WIDTH)).join('')

/** Lines: microseconds of a request by module, those first that take most anywhere; their sums. */
export const profileTable = (loads: readonly ProfiledLoad[]): string[] => {
  const modules = [...new Set(loads.flatMap(({ shares }) => [...shares.keys()]))]
  const rows = modules
    .map((module) => ({
      module,
      us: loads.map(({ cpuUs, shares }) => cpuUs * (shares.get(module) ?? 0)),
    }))
    .sort((a, b) => Math.max(...b.us) - Math.max(...a.us))
  const numbers = (us: readonly number[]) => us.map((one) => one.toFixed(2))
  const names = loads.map(({ name }) => name)
  return [
    line('us of CPU a request, by module', names),
    ...rows.map(({ module, us }) => line(module, numbers(us))),
    line('all', numbers(loads.map(({ cpuUs }) => cpuUs))),
  ]
}
