/** What a gateway says of itself: sums of its metrics, memory of its replicas, and quiet. */

import { readFileSync } from 'node:fs'
import { labelsOf, nameOf, parseExposition } from './exposition.ts'
import type { TestGateway } from './gateway.ts'
import { until } from './until.ts'

const GAUGES = ['sluice_requests_in_flight', 'sluice_queue_rows'] as const

/** A metric, summed over all series that have these labels; 0 where there is none. */
export const metricSum = async (
  gateway: TestGateway,
  name: string,
  wanted: Readonly<Record<string, string>> = {},
): Promise<number> => {
  const { series } = parseExposition(await gateway.metrics())
  let sum = 0
  for (const [key, value] of series) {
    if (nameOf(key) !== name) continue
    const labels = labelsOf(key)
    const isWanted = Object.entries(wanted).every(([label, text]) => labels.get(label) === text)
    if (isWanted) sum += value
  }
  return sum
}

/** Waits until nothing is under way or waits; `gauges`: others that must be back at zero. */
export const untilQuiet = async (
  gateway: TestGateway,
  gauges: readonly string[] = [],
): Promise<void> => {
  await until(
    async () => {
      const values = await Promise.all(
        [...GAUGES, ...gauges].map((name) => metricSum(gateway, name)),
      )
      return values.every((value) => value === 0)
    },
    { what: 'all gauges to be back at zero', timeoutMs: 30_000, everyMs: 100 },
  )
}

/** Resident memory of a process in MiB. */
export const residentMibOf = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

/** Of all replicas together. */
export const residentMib = async (gateway: TestGateway): Promise<number> => {
  const pids = [...(await gateway.replicaPids()).values()]
  return pids.reduce((sum, pid) => sum + residentMibOf(pid), 0)
}
