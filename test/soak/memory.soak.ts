/**
 * Memory over 10 million requests: the replica's resident set may grow by 0.5 MB per million. The
 * same look at a replica that leaks on purpose must find that (Triton's L0_memory_growth).
 *
 * SLUICE_SOAK_REQUESTS takes another number, for a shorter look at the same thing.
 */

import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { JSON_HEADERS } from '../../bench/fixtures.ts'
import type { LoadResult } from '../../bench/load/load.ts'
import { runLoad } from '../../bench/load/run-load.ts'
import { slopeOf } from '../../bench/measure/statistics.ts'
import { EXAMPLE_REPOSITORY, FLIGHT } from '../helpers/example.ts'
import { startGateway } from '../helpers/gateway.ts'
import { residentMibOf } from '../helpers/gateway-figures.ts'
import { type GivenInput, written } from '../helpers/wire-forms.ts'

const REQUESTS = Number(process.env['SLUICE_SOAK_REQUESTS'] ?? 10_000_000)
const SLOPE_MAX = 0.5
/** Heaps and buffers grow to their working size at first: that is not counted. */
const SHARE_LEFT_OUT = 0.2
const CONNECTIONS = 64
const SLICE_SECONDS = 1
const LEAK = new URL('../helpers/leak.ts', import.meta.url).href

const names = Object.keys(FLIGHT) as (keyof typeof FLIGHT)[]
const categories = names.slice(0, 4).map((name) => String(FLIGHT[name]))
const numbers = names.slice(4).map((name) => Number(FLIGHT[name] ?? 0))

const numeric = { name: 'numeric', shape: [1, numbers.length], datatype: 'FP32' } as const
const categorical = {
  name: 'categorical',
  shape: [1, categories.length],
  datatype: 'BYTES',
} as const
const OIP_PATH = '/v2/models/flight-delay/infer'

interface Slice {
  readonly path: string
  /** Its bytes as latin1. */
  readonly body: string
  readonly headers: readonly string[]
  readonly isRefused: boolean
}

const json = (path: string, body: object, isRefused = false): Slice => ({
  path,
  body: JSON.stringify(body),
  headers: JSON_HEADERS,
  isRefused,
})

const gzipped = ({ path, body, headers, isRefused }: Slice): Slice => ({
  path,
  body: gzipSync(Buffer.from(body, 'latin1')).toString('latin1'),
  headers: [...headers, 'content-encoding: gzip', 'accept-encoding: gzip'],
  isRefused,
})

const given = (input: typeof numeric | typeof categorical, values: GivenInput['values']) => ({
  ...input,
  told: input.datatype,
  values,
})

const binary = (): Slice => {
  const inputs = [given(numeric, numbers), given(categorical, categories)]
  const { bytes, jsonBytes } = written({ inputs, id: 'a', outputs: null }, ['binary', 'binary'])
  const length = `inference-header-content-length: ${jsonBytes}`
  const body = Buffer.from(bytes).toString('latin1')
  return { path: OIP_PATH, body, headers: [length], isRefused: false }
}

const oip = json(OIP_PATH, {
  inputs: [
    { ...numeric, data: numbers },
    { ...categorical, data: categories },
  ],
})

/** Predictions in every format, compressed ones, and requests that are refused. */
const SLICES: readonly Slice[] = [
  json('/predict/flight-delay', { features: FLIGHT }),
  oip,
  binary(),
  gzipped(json(OIP_PATH, { ...JSON.parse(oip.body), id: 'b' })),
  json('/v1/models/flight-delay:predict', {
    inputs: { numeric: [numbers], categorical: [categories] },
  }),
  json('/predict/flight-delay', { features: { orgin: 'EWR' } }, true),
]

const runSlice = (port: number, { path, body, headers }: Slice): Promise<LoadResult> =>
  runLoad({
    target: { port, path, body, headers },
    connections: CONNECTIONS,
    seconds: SLICE_SECONDS,
    perSecond: null,
  })

/** Megabytes that the only replica grows by in a million requests, of `count` of all kinds. */
const slopeOver = async (count: number, env: Readonly<Record<string, string>>): Promise<number> => {
  const options = { repository: EXAMPLE_REPOSITORY, replicas: 1, threads: 1, env }
  const gateway = await startGateway(options)
  const [pid] = (await gateway.replicaPids()).values()
  const samples: [millions: number, megabytes: number][] = []
  let requests = 0
  while (requests < count) {
    for (const slice of SLICES) {
      const result = await runSlice(gateway.httpPort, slice)
      expect(result.failures).toBe(slice.isRefused ? result.requests : 0)
      requests += result.requests
    }
    const megabytes = residentMibOf(pid!)
    samples.push([requests / 1e6, megabytes])
    console.log(`${(requests / 1e6).toFixed(2)} M requests: ${megabytes.toFixed(1)} MB resident`)
  }
  expect([...(await gateway.replicaPids()).values()]).toEqual([pid])
  await gateway.stop()
  const counted = samples.filter(([millions]) => millions * 1e6 > SHARE_LEFT_OUT * requests)
  const slope = slopeOf(counted)
  console.log(`slope: ${slope.toFixed(3)} MB per million requests (at most ${SLOPE_MAX})`)
  return slope
}

test('memory of a replica does not grow with the number of requests', async () => {
  expect(await slopeOver(REQUESTS, {})).toBeLessThanOrEqual(SLOPE_MAX)
})

test('a replica that leaks is found by the same look', async () => {
  const slope = await slopeOver(REQUESTS / 4, { NODE_OPTIONS: `--import=${LEAK}` })
  expect(slope).toBeGreaterThan(2 * SLOPE_MAX)
})
