/**
 * 100 swaps of a version under full load: no request fails, and a swap leaves at most 1 MB in a
 * replica, or the replica is recycled in time.
 *
 * SLUICE_SOAK_SWAPS takes another number.
 */

import { expect, test } from 'vitest'
import { slopeOf } from '../../bench/measure/statistics.ts'
import type { SwapWorld } from '../helpers/swaps.ts'
import { startSwaps } from '../helpers/swaps.ts'

const SWAPS = Number(process.env['SLUICE_SOAK_SWAPS'] ?? 100)
const MB = 1e6
const SLOPE_MB_MAX = 1
/** Heaps and allocators grow to their working size at first: that is not counted. */
const SHARE_LEFT_OUT = 0.2

/** Resident memory of all replicas after each swap, in MB for one of them. */
const swapAll = async ({ gateway, load, swap }: SwapWorld): Promise<number[]> => {
  const sizes: number[] = []
  for (let i = 0; i < SWAPS; i++) {
    await swap()
    await load.answered(200)
    const { replicas, recycled } = await gateway.status()
    const bytes = replicas.reduce((sum, { rssBytes }) => sum + rssBytes, 0) / replicas.length
    sizes.push(bytes / MB)
    if (i % 10 !== 9) continue
    const last = recycled === null ? '' : `, recycled for ${recycled.reason}: ${recycled.state}`
    console.log(`${i + 1} swaps: ${(bytes / MB).toFixed(1)} MB a replica${last}`)
  }
  const { answers, broken } = await load.stop()
  expect(answers.filter(({ status }) => status !== 200)).toEqual([])
  expect(broken).toBe(0)
  console.log(`${answers.length} requests, none failed`)
  return sizes
}

test('a swap leaves at most 1 MB in a replica', async () => {
  const sizes = await swapAll(await startSwaps(['recycle: {unloads_max: 0, memory_bytes_max: 0}']))
  const counted = sizes.slice(Math.floor(sizes.length * SHARE_LEFT_OUT))
  const slope = slopeOf(counted.map((size, at) => [at, size]))
  console.log(`${slope.toFixed(3)} MB a swap over the last ${counted.length}`)
  expect(slope).toBeLessThanOrEqual(SLOPE_MB_MAX)
})

test('replicas are recycled meanwhile, and no request fails', async () => {
  const world = await startSwaps(['recycle: {unloads_max: 10, pause_seconds: 1}'])
  await swapAll(world)
  const { recycled } = await world.gateway.status()
  expect(recycled).toMatchObject({ reason: 'unloads', fault: null })
})
