/**
 * Memory over 10 million requests: the replica's resident set may grow by 0.5 MB per million.
 *
 * SLUICE_SOAK_REQUESTS takes another number, for a shorter look at the same thing.
 */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { JSON_HEADERS } from '../../bench/fixtures.ts'
import type { LoadResult } from '../../bench/load/load.ts'
import { runLoad } from '../../bench/load/run-load.ts'
import { slopeOf } from '../../bench/measure/statistics.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'

const REQUESTS = Number(process.env['SLUICE_SOAK_REQUESTS'] ?? 10_000_000)
const SLOPE_MAX = 0.5
/** Heaps and buffers grow to their working size at first: that is not counted. */
const SHARE_LEFT_OUT = 0.2
const CONNECTIONS = 64
const SLICE_SECONDS = 1

const names = Object.keys(FLIGHT) as (keyof typeof FLIGHT)[]
const categories = names.slice(0, 4).map((name) => FLIGHT[name])
const numbers = names.slice(4).map((name) => FLIGHT[name] ?? 0)

/** Predictions in both formats, and requests that are refused. */
const SLICES = [
  { path: '/predict/flight-delay', body: { features: FLIGHT }, isRefused: false },
  {
    path: '/v2/models/flight-delay/infer',
    body: {
      inputs: [
        { name: 'numeric', shape: [1, numbers.length], datatype: 'FP32', data: numbers },
        { name: 'categorical', shape: [1, categories.length], datatype: 'BYTES', data: categories },
      ],
    },
    isRefused: false,
  },
  { path: '/predict/flight-delay', body: { features: { orgin: 'EWR' } }, isRefused: true },
]

const residentMegabytes = (pid: number): number => {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024
}

const runSlice = (port: number, slice: (typeof SLICES)[number]): Promise<LoadResult> =>
  runLoad({
    target: {
      port,
      path: slice.path,
      body: JSON.stringify(slice.body),
      headers: JSON_HEADERS,
    },
    connections: CONNECTIONS,
    seconds: SLICE_SECONDS,
    perSecond: null,
  })

test('memory of a replica does not grow with the number of requests', async () => {
  const gateway = await startGateway({ repository: EXAMPLE_REPOSITORY, replicas: 1, threads: 1 })
  const [pid] = (await gateway.replicaPids()).values()
  const samples: [millions: number, megabytes: number][] = []
  let requests = 0
  while (requests < REQUESTS) {
    for (const slice of SLICES) {
      const result = await runSlice(gateway.httpPort, slice)
      expect(result.failures).toBe(slice.isRefused ? result.requests : 0)
      requests += result.requests
    }
    const megabytes = residentMegabytes(pid!)
    samples.push([requests / 1e6, megabytes])
    console.log(`${(requests / 1e6).toFixed(2)} M requests: ${megabytes.toFixed(1)} MB resident`)
  }
  const counted = samples.filter(([millions]) => millions * 1e6 > SHARE_LEFT_OUT * requests)
  const slope = slopeOf(counted)
  console.log(`slope: ${slope.toFixed(3)} MB per million requests (at most ${SLOPE_MAX})`)
  expect([...(await gateway.replicaPids()).values()]).toEqual([pid])
  expect(slope).toBeLessThanOrEqual(SLOPE_MAX)
})
